"""Nobody vanishes: as many people come out as went in, whoever made the zip."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.collect.collect import Collected, collect
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw, worded, write

IDS = frozenset({"sequence-prediction", "char-text"})
GOOD = raw(notebook("x = 1"))
Files = list[tuple[str, bytes]]
NAMES = ["김민준", "이서연", "Kim Minjun", "O'Brien Zoë", "박지후", "lee", "정하은", "van der Berg"]


def packed(files: Files) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return held.getvalue()


def handed_in() -> st.SearchStrategy[Files]:
    """What one person hands in; some hand in no notebook."""
    return st.sampled_from(
        [
            [("sequence-prediction.ipynb", GOOD)],
            [("sequence-prediction (1).ipynb", GOOD)],
            [("Copy of sequence-prediction.ipynb", GOOD), ("sequence-prediction.ipynb", GOOD)],
            [("최종_진짜최종.ipynb", GOOD)],
            [("homework.ipynb", GOOD), ("helper.py", b"X = 1"), ("data.csv", b"a,b")],
            [("sequence-prediction.ipynb.txt", GOOD)],
            [("answer.json", GOOD)],
            [("answer", GOOD)],
            [("제출.zip", packed([("hw/sequence-prediction.ipynb", GOOD)]))],
            [("a.zip", packed([("b.zip", packed([("homework.ipynb", GOOD)]))]))],
            [("sequence-prediction.pdf", b"%PDF-1.4")],
            [("sequence-prediction.py", b"x = 1"), ("notes.txt", b"hello")],
            [("report.docx", b"PK")],
            [("sequence-prediction.ipynb", b"{")],
            [("images.zip", packed([("a.png", b"x")]))],
        ]
    )


Class = list[tuple[str, Files]]


def moodle(people: Class) -> Files:
    return [
        (f"{name}_{1200 + n}_assignsubmission_file_/{file}", data)
        for n, (name, files) in enumerate(people)
        for file, data in files
    ]


def moodle_flat(people: Class) -> Files:
    return [
        (f"{name}_{1200 + n}_assignsubmission_file_{file}", data)
        for n, (name, files) in enumerate(people)
        for file, data in files
    ]


def canvas(people: Class) -> Files:
    """Canvas leaves blanks out of names; one person at least hands in a single notebook."""
    every = [*people, ("someone", [("sequence-prediction.ipynb", GOOD)])]
    numbered = [(n, name, one) for n, (name, files) in enumerate(every) for one in files]
    return [
        (f"{name.replace(' ', '')}_{500 + n}_{9000 + upload}_{file}", data)
        for upload, (n, name, (file, data)) in enumerate(numbered)
    ]


def blackboard(people: Class) -> Files:
    found: Files = []
    for n, (_, files) in enumerate(people):
        head = f"과제_1_user_{n:03}_attempt_2026-03-{n + 1:02}-10-20-30"
        found += [(f"{head}.txt", b"receipt"), *((f"{head}_{file}", data) for file, data in files)]
    return found


def brightspace(people: Class) -> Files:
    return [
        ("index.html", b"<html>"),
        *(
            (f"{7000 + n}-42 - {name} - Mar {n + 1}, 2026 {n + 1}05 PM/{file}", data)
            for n, (name, files) in enumerate(people)
            for file, data in files
        ),
    ]


def ilias(people: Class) -> Files:
    return [
        (f"Abgaben/{name.replace(' ', '_')}_Vor_login{n}_{300 + n}/20260301102030_{file}", data)
        for n, (name, files) in enumerate(people)
        for file, data in files
    ]


def folders(people: Class) -> Files:
    return [
        (f"{name} {n}/{file}", data)
        for n, (name, files) in enumerate(people)
        for file, data in files
    ]


def mac(people: Class) -> Files:
    inner = [(f"제출/{name}", data) for name, data in folders(people)]
    left = [(f"__MACOSX/{name}", b"x") for name, _ in inner]
    return [(unicodedata.normalize("NFD", name), data) for name, data in [*inner, *left]]


def classroom(people: Class) -> Files:
    found = [
        (f"hw1-submissions/hw1-user{n}/{file}", data)
        for n, (_, files) in enumerate(people)
        for file, data in files
    ]
    return [
        *found,
        *((f"hw1-submissions/hw1-user{n}/README.md", b"# hw") for n in range(len(people))),
    ]


KINDS: list[Callable[[Class], Files]] = [
    *(moodle, moodle_flat, canvas, blackboard, brightspace, ilias, folders, mac, classroom)
]


def people_in(found: Collected) -> set[str]:
    return {one.student for one in found.submissions}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zips")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(
        st.tuples(st.sampled_from(NAMES), handed_in()),
        min_size=3,
        max_size=9,
        unique_by=lambda one: one[0],
    )
)
def test_as_many_people_come_out_as_went_in(kind, people: Class, folder: Path) -> None:
    path = folder / "class.zip"
    handed = [*people, ("who handed it in", [("sequence-prediction.ipynb", GOOD)])] * 1
    handed += [("who did as well", [("sequence-prediction.ipynb", GOOD)])]
    path.write_bytes(packed(kind(handed)))
    wanted = len(handed) + (kind is canvas)
    try:
        found = collect([path], exercise_ids=IDS, owed=None)
    except GraderError as error:
        raise AssertionError(worded(error.message)) from error
    assert len(people_in(found)) == wanted
    assert not found.refused
    for one in found.submissions:
        assert (one.notebook is None) == (one.problem is not None)
        if one.problem is not None:
            worded(one.problem)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_given_another_s_files(kind, folder: Path) -> None:
    own = [
        (name, [("sequence-prediction.ipynb", GOOD), ("helper.py", f"who = {name!r}".encode())])
        for name in NAMES
    ]
    path = folder / "own.zip"
    path.write_bytes(packed(kind(own)))
    found = collect([path], exercise_ids=IDS, owed=None)
    digests: dict[str, set[str]] = {}
    for one in found.submissions:
        for file in one.files:
            assert file.name == "helper.py"
            digests.setdefault(file.digest, set()).add(one.student)
    assert len(digests) == len(NAMES)
    assert all(len(students) == 1 for students in digests.values())


def test_every_file_beside_a_class_s_notebooks_is_told(tmp_path):
    for n in range(9):
        write(tmp_path / f"kim{n}.ipynb")
        (tmp_path / f"lee{n}.pdf").write_bytes(b"%PDF")
    (note,) = collect([tmp_path], exercise_ids=IDS, owed=None).notes
    assert all(f"lee{n}.pdf" in str(note.args["found"]) for n in range(9))


def test_an_exercises_own_files_are_nobodys_and_a_print_beside_them_is_told(tmp_path):
    for name in ("char-text.ipynb", "char-text-kim.ipynb"):
        write(tmp_path / name)
    for name in ("exercise.toml", "words.csv"):
        (tmp_path / name).write_bytes(b"x")
    assert not collect([tmp_path], exercise_ids=IDS, owed=None).notes
    (tmp_path / "kim.pdf").write_bytes(b"x")
    (note,) = collect([tmp_path], exercise_ids=IDS, owed=None).notes
    assert note.args == {"found": "kim.pdf", "count": 1}


def test_a_printed_file_beside_the_students_folders_is_told(tmp_path):
    for name in ("kim", "lee"):
        write(tmp_path / name / "char-text.ipynb")
    for name in ("park.pdf", "index.html", "readme.txt"):
        (tmp_path / name).write_bytes(b"x")
    (note,) = collect([tmp_path], exercise_ids=IDS, owed=None).notes
    assert note.args["found"] == "park.pdf"


def test_what_nbgrader_notes_is_not_what_somebody_handed_in(tmp_path):
    write(tmp_path / "submitted" / "kim" / "ps1" / "char-text.ipynb")
    ps1 = tmp_path / "submitted" / "lee" / "ps1"
    ps1.mkdir(parents=True)
    for name in ("timestamp.txt", "hw.pdf"):
        (ps1 / name).write_bytes(b"x")
    found = collect([tmp_path], exercise_ids=IDS, owed=None).submissions
    (lee,) = (one for one in found if one.student == "lee")
    assert lee.problem is not None
    assert lee.problem.args["found"] == "hw.pdf"


def test_what_lies_beside_a_notebook_and_is_given_to_none_is_told_with_whose_it_is(tmp_path):
    """Who hands in a scan of the second exercise did hand it in; what a notebook reads is no loss."""
    for name, data in {
        "kim_7_assignsubmission_file/char-text.ipynb": GOOD,
        "kim_7_assignsubmission_file/scan of the other.pdf": b"%PDF-1.4",
        "kim_7_assignsubmission_file/data.csv": b"a,b",
        "kim_7_assignsubmission_file/all.7z": b"7z",
        "kim_7_assignsubmission_file/.DS_Store": b"x",
        "kim_7_assignsubmission_file/README.md": b"# Homework",  # as everybody was given it
        "lee_8_assignsubmission_file/char-text.ipynb": GOOD,
        "lee_8_assignsubmission_file/helper.py": b"X = 1",
        "choi_9_assignsubmission_file/report.docx": b"PK",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (told,) = collect([tmp_path], exercise_ids=IDS, owed=None).others
    student, message = told
    worded(message)
    assert (student, message.args["count"]) == ("kim_7", 2)
    assert message.args["found"] == "scan of the other.pdf, all.7z"


def test_canvas_own_name_of_such_a_file_is_left_out(tmp_path):
    packed_up = tmp_path / "submissions.zip"
    files = [
        ("kimminjun_101_9001_char-text.ipynb", GOOD),
        ("kimminjun_101_9002_homework 2.pdf", b"%PDF-1.4"),
        ("leeseo_102_9003_char-text.ipynb", GOOD),
    ]
    packed_up.write_bytes(packed(files))
    ((student, message),) = collect([packed_up], exercise_ids=IDS, owed=None).others
    assert (student, message.args["found"]) == ("kimminjun_101", "homework 2.pdf")
