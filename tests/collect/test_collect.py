"""Finding what was handed in: layouts, names, and one bad file that never stops the batch."""

from __future__ import annotations

import hashlib
import os
import socket
import unicodedata
import zipfile
from pathlib import Path

import pytest

from grader.collect import folders, stored
from grader.collect.collect import Collected, collect
from grader.collect.notebooks import MAX_BYTES
from grader.submission import Submission
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw, worded, write

IDS = frozenset({"multiplication-lstm", "char-text"})


def gather(*paths: Path, owed: tuple[str, ...] | None = None) -> Collected:
    found = collect(paths, exercise_ids=IDS, owed=owed)
    for message in (*found.ignored, *found.refused, *found.notes):
        worded(message)
    names = [one.name for one in found.submissions]
    assert len(set(names)) == len(names)
    for one in found.submissions:
        assert (one.notebook is None) != (one.problem is None)
        assert one.name.isprintable()
        assert one.student.isprintable()
    return found


def place(path: Path, data: bytes = b"a,b\n1,2\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def only(*paths: Path, owed: tuple[str, ...] | None = None) -> Submission:
    (submission,) = gather(*paths, owed=owed).submissions
    return submission


def refusal(*paths: Path) -> str:
    with pytest.raises(GraderError) as caught:
        collect(paths, exercise_ids=IDS, owed=None)
    return worded(caught.value.message)


def problem(submission: Submission) -> str:
    assert submission.problem is not None
    return worded(submission.problem)


def ids(messages) -> list[str]:
    return [message.id.removeprefix("collect.") for message in messages]


# --- paths -------------------------------------------------------------------------------------


def test_a_notebook_is_one_submission(tmp_path):
    path = write(tmp_path / "kim" / "char-text.ipynb")
    found = only(path)
    assert (found.name, found.student, found.exercises) == (
        "char-text.ipynb",
        "kim",
        ("char-text",),
    )
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.path == path


def test_a_folder_gives_its_notebooks_in_the_order_of_their_names(tmp_path):
    for name in ("b/char-text", "a/multiplication-lstm", "a/char-text", "B/char-text"):
        write(tmp_path / f"{name}.ipynb")
    assert [one.name for one in gather(tmp_path).submissions] == [
        "B/char-text.ipynb",
        "a/char-text.ipynb",
        "a/multiplication-lstm.ipynb",
        "b/char-text.ipynb",
    ]


def test_a_path_given_twice_counts_once(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    assert len(gather(tmp_path, tmp_path, tmp_path / "kim" / "..").submissions) == 1


def test_what_is_no_submission_is_ignored_with_its_reason(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    write(tmp_path / "kim" / ".ipynb_checkpoints" / "char-text-checkpoint.ipynb")
    write(tmp_path / "__MACOSX" / "kim" / "._char-text.ipynb")
    write(tmp_path / ".git" / "x.ipynb")
    write(tmp_path / "kim" / "._char-text.ipynb")
    place(tmp_path / "kim" / "weather.csv")
    place(tmp_path / "kim" / "jena.csv.zip")
    found = gather(tmp_path)
    assert [one.name for one in found.submissions] == ["kim/char-text.ipynb"]
    assert sorted(ids(found.ignored)) == ["hidden"] * 4 + ["nested_broken", "no_notebook_file"]
    assert not found.refused


def test_an_archive_that_may_be_all_a_student_handed_in_is_refused(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    place(tmp_path / "lee" / "homework.zip")
    place(tmp_path / "choi" / "homework.7z")
    found = gather(tmp_path)
    assert ids(found.refused) == ["nested_archive", "nested_broken"]
    assert len(found.submissions) == 1


def test_nbgrader_s_other_folders_are_not_submissions(tmp_path):
    for folder in ("source/ps1", "release/ps1", "autograded/kim/ps1", "submitted/kim/ps1"):
        write(tmp_path / folder / "problem1.ipynb")
    found = gather(tmp_path)
    assert [(one.name, one.student) for one in found.submissions] == [
        ("submitted/kim/ps1/problem1.ipynb", "kim")
    ]
    assert ids(found.ignored) == ["nbgrader_folder"] * 3


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "missing"),
        ("missing.ipynb", "missing"),
        ("solution.py", "not_a_notebook_path"),
        ("class.tar.gz", "other_archive"),
        ("class.7z", "other_archive"),
        ("class.zip", "not_a_zip"),
        ("a.ipynb/x.ipynb", "path_unreadable"),
        ("empty", "no_notebook"),
        ("without", "no_notebook"),
    ],
)
def test_a_path_that_holds_nothing_to_grade_is_an_error(tmp_path, name, why):
    for file in (
        "solution.py",
        "class.tar.gz",
        "class.7z",
        "class.zip",
        "without/data.csv",
        "a.ipynb",
    ):
        place(tmp_path / file)
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / name) == why


def test_one_empty_path_among_others_is_an_error(tmp_path):
    write(tmp_path / "a" / "char-text.ipynb")
    (tmp_path / "b").mkdir()
    assert refusal(tmp_path / "a", tmp_path / "b") == "no_notebook"


def test_a_path_that_is_a_link_is_an_error(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    (tmp_path / "link").symlink_to("kim")
    (tmp_path / "link.ipynb").symlink_to("kim/char-text.ipynb")
    assert refusal(tmp_path / "link") == "path_is_link"
    assert refusal(tmp_path / "link.ipynb") == "path_is_link"


def test_a_folder_with_far_too_many_files_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_SEEN", 5)
    for number in range(6):
        write(tmp_path / f"{number}.ipynb")
    assert refusal(tmp_path) == "too_many_files"


# --- what each owes ------------------------------------------------------------------------------


def test_the_metadata_win_over_the_file_s_name(tmp_path):
    document = notebook("x", metadata={"grader": {"exercise": "char-text"}})
    found = only(write(tmp_path / "kim" / "multiplication-lstm.ipynb", document))
    assert found.exercises == ("char-text",)


def test_what_the_course_asks_for_wins_over_everything(tmp_path):
    document = notebook("x", metadata={"grader": {"exercise": "char-text"}})
    path = write(tmp_path / "kim" / "multiplication-lstm.ipynb", document)
    assert only(path, owed=("multiplication-lstm", "char-text")).exercises == (
        "multiplication-lstm",
        "char-text",
    )


def test_an_unknown_exercise_in_the_metadata_is_noted_and_the_path_decides(tmp_path):
    document = notebook("x", metadata={"grader": {"exercise": "last-year"}})
    write(tmp_path / "kim" / "char-text.ipynb", document)
    write(tmp_path / "lee" / "chapter.ipynb", document)
    found = gather(tmp_path)
    assert [one.exercises for one in found.submissions] == [("char-text",), None]
    assert ids(found.notes) == ["unknown_exercise"] * 2


def test_a_chapter_owes_whatever_it_turns_out_to_hold(tmp_path):
    assert only(write(tmp_path / "kim" / "chapter.ipynb")).exercises is None


def test_the_samples_of_a_course_owe_its_exercise(tmp_path):
    root = tmp_path / "reference" / "char-text" / "submissions"
    write(root / "wrong_data" / "x.ipynb")
    found = only(root)
    assert (found.student, found.exercises) == ("wrong_data/x", ("char-text",))


def test_a_broken_notebook_still_owes_what_its_path_says(tmp_path):
    (tmp_path / "char-text.ipynb").write_bytes(b"{")
    assert only(tmp_path / "char-text.ipynb").exercises == ("char-text",)


# --- one bad file --------------------------------------------------------------------------------


def with_neighbour(folder: Path) -> Submission:
    """Collect a folder with one sound neighbour; give the other submission."""
    write(folder / "neighbour" / "char-text.ipynb")
    found = gather(folder)
    (neighbour,) = (one for one in found.submissions if one.student == "neighbour")
    assert neighbour.notebook is not None
    (other,) = (one for one in found.submissions if one.student != "neighbour")
    return other


def test_a_malformed_notebook_is_a_submission_with_a_problem(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb").write_bytes(raw(notebook("x"))[:-9])
    assert problem(with_neighbour(tmp_path)) == "truncated_json"


def test_a_link_in_place_of_a_notebook_is_not_followed(tmp_path):
    target = write(tmp_path.parent / f"{tmp_path.name}-secret.ipynb")
    (tmp_path / "kim").mkdir()
    (tmp_path / "kim" / "char-text.ipynb").symlink_to(target)
    assert problem(with_neighbour(tmp_path)) == "symlink"


def test_a_link_to_nowhere_is_a_problem_of_its_own(tmp_path):
    (tmp_path / "kim").mkdir()
    (tmp_path / "kim" / "char-text.ipynb").symlink_to("char-text.ipynb")
    assert problem(with_neighbour(tmp_path)) == "symlink"


def test_a_pipe_does_not_hang_the_batch(tmp_path):
    (tmp_path / "kim").mkdir()
    os.mkfifo(tmp_path / "kim" / "char-text.ipynb")
    assert problem(with_neighbour(tmp_path)) == "special_file"


def test_a_socket_is_no_notebook(tmp_path, monkeypatch):
    (tmp_path / "kim").mkdir()
    monkeypatch.chdir(tmp_path / "kim")  # socket paths are short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("char-text.ipynb")
        assert problem(with_neighbour(tmp_path)) == "special_file"


def test_a_huge_file_is_refused_by_its_size_without_being_read(tmp_path):
    path = write(tmp_path / "kim" / "char-text.ipynb")
    with path.open("r+b") as file:
        file.truncate(2**40)  # sparse: reading it would take the machine down
    assert problem(with_neighbour(tmp_path)) == "too_large"
    assert MAX_BYTES < 2**40


def test_problems_of_two_files_have_two_digests(tmp_path):
    for student in ("kim", "lee"):
        (tmp_path / student).mkdir()
        (tmp_path / student / "char-text.ipynb").symlink_to("/etc/passwd")
    assert len({one.digest for one in gather(tmp_path).submissions}) == 2


def test_a_linked_folder_is_refused_and_not_entered(tmp_path):
    secret = tmp_path.parent / f"{tmp_path.name}-secret"
    write(secret / "char-text.ipynb")
    write(tmp_path / "lee" / "char-text.ipynb")
    (tmp_path / "kim").symlink_to(secret)
    found = gather(tmp_path)
    assert [one.student for one in found.submissions] == ["lee"]
    assert ids(found.refused) == ["folder_is_link"]


def test_folders_that_go_down_for_ever_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_DEPTH", 3)
    write(tmp_path / "a" / "b" / "c" / "x.ipynb")
    write(tmp_path / "a" / "b" / "c" / "d" / "y.ipynb")
    found = gather(tmp_path)
    assert [one.name for one in found.submissions] == ["a/b/c/x.ipynb"]
    assert ids(found.refused) == ["folder_too_deep"]


def test_a_file_that_the_machine_cannot_read_is_nobody_s_zero(tmp_path, monkeypatch):
    write(tmp_path / "kim" / "char-text.ipynb")
    write(tmp_path / "lee" / "char-text.ipynb")

    def failing(path: Path) -> bytes:
        if "kim" in path.parts:
            raise PermissionError(13, "Permission denied")
        return path.read_bytes()

    monkeypatch.setattr(stored, "read_notebook_bytes", failing)
    found = gather(tmp_path)
    assert [one.student for one in found.submissions] == ["lee"]
    assert ids(found.refused) == ["unreadable"]


# --- names -----------------------------------------------------------------------------------------


def test_names_show_what_they_say(tmp_path):
    write(tmp_path / "\x1b[31mkim\u202e\u200b" / "char-text.ipynb")
    found = only(tmp_path)
    assert (found.name, found.student) == ("kim/char-text.ipynb", "kim")


def test_two_students_who_only_look_alike_stay_two(tmp_path):
    write(tmp_path / "kim\u200b" / "char-text.ipynb")
    write(tmp_path / "kim" / "char-text.ipynb")
    found = {one.path.parent.name: one for one in gather(tmp_path).submissions}
    assert found["kim"].student == "kim"
    assert found["kim\u200b"].student == "kim (2)"


def test_a_name_that_is_not_text_is_shown_all_the_same(tmp_path):
    write(tmp_path / os.fsdecode(b"\xff\xfe") / "char-text.ipynb")
    assert only(tmp_path).student == "?"


def test_korean_names_are_kept_and_composed(tmp_path):
    write(tmp_path / unicodedata.normalize("NFD", "김민준") / "char-text.ipynb")
    assert only(tmp_path).student == "김민준"


def test_two_submissions_for_one_exercise_are_both_kept(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    write(tmp_path / "kim__char-text.ipynb")
    found = gather(tmp_path).submissions
    assert {(one.student, one.exercises) for one in found} == {("kim", ("char-text",))}
    assert len({one.name for one in found}) == 2


def test_a_class_given_file_by_file_stays_a_class(tmp_path):
    paths = [write(tmp_path / student / "homework.ipynb") for student in ("kim", "lee")]
    found = gather(*paths).submissions
    assert [one.student for one in found] == ["kim/homework", "lee/homework"]
    assert [one.name for one in found] == ["kim/homework.ipynb", "lee/homework.ipynb"]


def test_a_student_s_exercises_given_file_by_file_stay_one_student(tmp_path):
    paths = [write(tmp_path / "kim" / f"{one}.ipynb") for one in sorted(IDS)]
    assert [one.student for one in gather(*paths).submissions] == ["kim", "kim"]


@pytest.mark.parametrize("given", ["folder", "files"])
def test_a_number_that_stands_in_two_names_is_not_canvas_own_and_joins_nobody(tmp_path, given):
    names = ("HW_3_10_kim", "HW_3_10_lee", "kimminjun_12_345_a", "kimminjun_12_346_b")
    paths = [write(tmp_path / f"{name}.ipynb") for name in (*names, "leeseoyeon_13_347_c")]
    found = gather(tmp_path) if given == "folder" else gather(*paths)
    students = [*names[:2], *["kimminjun_12"] * 2, "leeseoyeon_13"]
    assert [one.student for one in found.submissions] == students


@pytest.mark.parametrize(
    "names",
    [
        ("과제_2_20231234_김민준", "과제_2_20235678_이수진", "과제_2_20239999_박지훈"),
        ("HW_1_2023123456_kim_lstm", "HW_1_2023654321_lee_lstm"),
        ("HW_1_2023123456_char-text", "HW_1_2023654321_char-text"),
        ("rnn_2024_11_kim", "rnn_2024_12_kim"),
    ],
)
def test_homework_and_student_numbers_in_names_are_not_canvas_own(tmp_path, names):
    for name in names:
        write(tmp_path / f"{name}.ipynb")
    found = gather(tmp_path).submissions
    assert len({one.student for one in found}) == len(names)


def test_a_student_of_canvas_may_hand_in_an_exercise_each(tmp_path):
    for number, name in enumerate(sorted(IDS)):
        write(tmp_path / f"kimminjun_12_{number}_{name}.ipynb")
    assert {one.student for one in gather(tmp_path).submissions} == {"kimminjun_12"}


def test_a_student_of_two_downloads_from_canvas_is_one(tmp_path):
    for one, other in ((345, 345), (345, 678)):  # downloaded twice, or two weeks' assignments
        zips = [
            pack(tmp_path / f"{n}.zip", f"kimminjun_12_{upload}_char-text.ipynb")
            for n, upload in enumerate((one, other))
        ]
        assert [one.student for one in gather(*zips).submissions] == ["kimminjun_12"] * 2


MARKS = ("lee_9999_assignsubmission_file_", "submitted/lee/ps1", "char-text/submissions/lee")


@pytest.mark.parametrize("mark", MARKS)
def test_a_folder_named_like_another_s_counts_for_the_one_whose_it_is_in(tmp_path, mark):
    for path in ("kim", f"kim/{mark}", "lee"):
        write(tmp_path / path / "char-text.ipynb")
    found = gather(tmp_path)
    owners = {str(one.path.parent.relative_to(tmp_path)): one.student for one in found.submissions}
    assert owners == {"kim": "kim", f"kim/{mark}": "kim", "lee": "lee"}
    assert ids(found.notes) == ["inner_mark", "attempts_by_name"]


def test_several_such_folders_in_one_are_nobody_s_and_somebody_has_to_look(tmp_path):
    """A class's export given with a folder too many around it looks just like that."""
    for path in ("kim", *(f"kim/{mark}" for mark in MARKS), "lee"):
        write(tmp_path / path / "char-text.ipynb")
    found = gather(tmp_path)
    assert [one.student for one in found.submissions] == ["kim", "lee"]
    assert ids(found.refused) == ["inner_marks"] * len(MARKS)


def test_an_export_with_a_folder_too_many_around_it_joins_nobody(tmp_path):
    for number, name in enumerate(("kim", "lee")):
        write(tmp_path / "week" / f"{name}_{number}_assignsubmission_file_" / "char-text.ipynb")
    with pytest.raises(GraderError) as refusal:
        gather(tmp_path)
    assert refusal.value.message.id == "collect.inner_marks"
    found = gather(tmp_path / "week")
    assert [one.student for one in found.submissions] == ["kim_0", "lee_1"]


def test_a_zip_is_no_way_to_become_another(tmp_path):
    names = ("kim/char-text.ipynb", f"kim/{MARKS[0]}/char-text.ipynb", "lee/char-text.ipynb")
    found = gather(pack(tmp_path / "class.zip", *names))
    assert [one.student for one in found.submissions] == ["kim", "kim", "lee"]


def test_names_in_several_batches_are_told_apart(tmp_path):
    for batch in ("a/week", "b/week"):
        write(tmp_path / batch / "kim" / "char-text.ipynb")
    found = gather(tmp_path / "a" / "week", tmp_path / "b" / "week").submissions
    assert [one.student for one in found] == ["kim", "kim"]


# --- archives ------------------------------------------------------------------------------------


def pack(path: Path, *names: str, data: bytes = raw(notebook("x = 1"))) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("entry", "student", "exercise"),
    [
        ("kim/char-text.ipynb", "kim", "char-text"),
        ("class/kim/char-text.ipynb", "kim", "char-text"),
        ("kim__char-text.ipynb", "kim", "char-text"),
        ("kimminjun_LATE_12_34_char-text-1.ipynb", "kimminjun_12", "char-text"),
        ("김민준_12_assignsubmission_file_/char-text.ipynb", "김민준_12", "char-text"),
        ("submitted/kim/ps1/char-text.ipynb", "kim", "char-text"),
        ("char-text.ipynb", "class", "char-text"),
    ],
)
def test_a_zip_is_read_like_a_folder(tmp_path, entry, student, exercise):
    found = only(pack(tmp_path / "class.zip", entry))
    assert (found.student, found.exercises) == (student, (exercise,))
    assert found.notebook is not None


def test_a_zip_named_after_an_exercise_is_for_that_exercise(tmp_path):
    found = only(pack(tmp_path / "char-text.zip", "kim.ipynb"))
    assert (found.student, found.exercises) == ("kim", ("char-text",))


def test_a_zip_s_leftovers_are_ignored(tmp_path):
    path = pack(
        tmp_path / "class.zip",
        "kim/char-text.ipynb",
        "__MACOSX/kim/._char-text.ipynb",
        "kim/.ipynb_checkpoints/char-text-checkpoint.ipynb",
    )
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("kim/data.csv", "kim/jena.csv.zip", "lee/homework.zip"):
            archive.writestr(name, "a,b")
    found = gather(path)
    assert [one.name for one in found.submissions] == ["kim/char-text.ipynb"]
    assert sorted(ids(found.ignored)) == ["hidden", "hidden", "nested_broken", "no_notebook_file"]
    assert ids(found.refused) == ["nested_broken"]


def test_a_bad_entry_is_refused_and_the_others_are_graded(tmp_path):
    found = gather(pack(tmp_path / "class.zip", "../../evil.ipynb", "kim/char-text.ipynb"))
    assert ids(found.refused) == ["zip_traversal"]
    assert [one.student for one in found.submissions] == ["kim"]


def test_a_zip_of_bad_entries_alone_is_an_error_that_names_one(tmp_path):
    assert refusal(pack(tmp_path / "class.zip", "../../evil.ipynb")) == "zip_traversal"


def test_a_link_in_a_zip_is_a_submission_with_a_problem(tmp_path):
    path = pack(tmp_path / "class.zip", "lee/char-text.ipynb")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("kim/char-text.ipynb")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    kim, lee = gather(path).submissions
    assert problem(kim) == "zip_symlink"
    assert lee.notebook is not None


def test_a_malformed_notebook_in_a_zip_is_a_submission_with_a_problem(tmp_path):
    assert (
        problem(only(pack(tmp_path / "class.zip", "kim/char-text.ipynb", data=b"{")))
        == "truncated_json"
    )


def test_two_zips_with_the_same_file_are_two_students(tmp_path):
    paths = [pack(tmp_path / f"{student}.zip", "homework.ipynb") for student in ("kim", "lee")]
    assert [one.student for one in gather(*paths).submissions] == ["kim/homework", "lee/homework"]
