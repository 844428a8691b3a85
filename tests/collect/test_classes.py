"""Folders around a class, sections, and names that platforms wrote: whose is it?"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from grader.collect.collect import Collected, collect
from grader.policy.hand_ins import is_version
from tests.support.notebook_files import notebook, raw, worded, write

IDS = frozenset({"char-text", "sequence-prediction"})


def gather(folder: Path, *names: str) -> Collected:
    for name in names:
        write(folder / name)
    found = collect([folder], exercise_ids=IDS, owed=None)
    for message in (*found.refused, *found.notes):
        worded(message)
    return found


def people(found: Collected) -> list[str]:
    return sorted({one.student for one in found.submissions})


def notes(found: Collected) -> list[str]:
    return [message.id.removeprefix("collect.") for message in found.notes]


def test_the_first_folder_is_the_student_whatever_the_files_are_called(tmp_path):
    names = ["Copy of char-text", "최종_진짜최종", "HW_3_1_kim", "lee__char-text", "a/b/char-text"]
    found = gather(tmp_path, *(f"kim/{name}.ipynb" for name in names), "lee/char-text.ipynb")
    assert people(found) == ["kim", "lee"]


@pytest.mark.parametrize(
    "names",
    [
        ["class/kim/char-text.ipynb", "class/lee/char-text.ipynb"],
        ["class/kim/homework.ipynb", "class/lee/answer.ipynb"],
        ["class/kim.ipynb", "class/lee.ipynb"],
        ["hw1/submissions/kim/hw.ipynb", "hw1/submissions/lee/hw.ipynb"],
        ["RNN/char-text/kim/hw.ipynb", "RNN/char-text/lee/hw.ipynb"],
        [f"RNN/Abgaben/{one}/{who}.ipynb" for one in sorted(IDS) for who in ("kim", "lee")],
        [f"RNN/{one}/{who}.zip/hw.ipynb" for one in sorted(IDS) for who in ("kim", "lee")],
    ],
)
def test_one_folder_around_a_whole_class_is_no_student(tmp_path, names):
    found = gather(tmp_path, *names)
    assert people(found) == ["kim", "lee"]
    assert notes(found) == ["class_folder"]


def test_files_of_many_names_in_an_exercise_s_folder_are_as_many_people(tmp_path):
    class_ = ["choi", "jung", "kim", "lee", "park"]
    found = gather(tmp_path, *(f"RNN/char-text/{who}.ipynb" for who in class_))
    assert people(found) == class_
    assert notes(found) == ["class_folder"]


@pytest.mark.parametrize(
    "names",
    [
        ["kim/char-text.ipynb", "kim/char-text (1).ipynb"],
        ["kim/char-text.ipynb", "kim/sequence-prediction.ipynb"],
        ["kim/hw.ipynb", "kim/old/hw.ipynb"],
        ["kim/1/char-text.ipynb", "kim/2/sequence-prediction.ipynb"],
        ["kim/char-text/hw1.ipynb", "kim/char-text/hw2.ipynb", "kim/sequence-prediction/x.ipynb"],
        ["kim/char-text/v1.ipynb", "kim/char-text/v2.ipynb"],
        ["kim/char-text/first_try.ipynb", "kim/char-text/with_plots.ipynb"],
        ["kim/char-text/char-text_cpu.ipynb", "kim/char-text/char-text_gpu.ipynb"],
        ["kim/char-text/old/hw.ipynb", "kim/char-text/mine/hw.ipynb"],
        ["kim/char-text/homework.ipynb", "kim/sequence-prediction/homework.ipynb"],
        ["kim/homework.ipynb"],
    ],
)
def test_one_student_s_folder_stays_one_student(tmp_path, names):
    assert people(gather(tmp_path, *names)) == ["kim"]


def test_in_a_folder_around_a_class_a_platform_s_names_join_nobody_and_are_told(tmp_path):
    names = [f"week/kimminjun_12_{n}_hw{n}.ipynb" for n in (345, 346)]
    found = gather(tmp_path, *names, "week/lee_13_347_x.ipynb")
    assert len(people(found)) == 3
    assert notes(found) == ["class_folder_marks"]


def test_sections_hold_students(tmp_path):
    names = [f"{section}반/{who}{section}/hw.ipynb" for section in (1, 2) for who in ("kim", "lee")]
    found = gather(tmp_path, *names)
    assert people(found) == ["1반/kim1", "1반/lee1", "2반/kim2", "2반/lee2"]
    assert notes(found) == ["sections"]


def test_folders_that_all_students_have_are_no_sections(tmp_path):
    names = [f"{who}/week {week}/hw.ipynb" for who in ("kim", "lee") for week in (1, 2)]
    assert people(gather(tmp_path, *names)) == ["kim", "lee"]


def test_a_name_that_stands_in_two_sections_makes_no_section_one_student(tmp_path):
    others = [f"{section}반/{who}{section}/hw.ipynb" for section in (1, 2) for who in "abcde"]
    found = gather(tmp_path, *others, "1반/kim/hw.ipynb", "2반/kim/hw.ipynb")
    assert len(people(found)) == 12
    assert notes(found) == ["sections"]


def test_folders_of_which_most_stand_in_several_are_no_sections(tmp_path):
    weeks = [f"{who}/week {week}/hw.ipynb" for who in ("kim", "lee") for week in range(6)]
    found = gather(tmp_path, *weeks, "kim/mine/hw.ipynb", "lee/own/hw.ipynb")
    assert people(found) == ["kim", "lee"]


VERSIONS = [
    *(("v1", "v2"), ("1차", "2차"), ("old", "new work"), ("최종", "진짜최종"), ("backup", "hw")),
    *(("old", "final"), ("이전", "제출용"), ("hw", "hw (1)"), ("과제_v1", "과제_v2")),
]


@pytest.mark.parametrize("inner", VERSIONS)
@pytest.mark.parametrize("file", ["char-text", "homework", "kim"])
def test_versions_in_one_s_folder_make_nobody_another_student(tmp_path, inner, file):
    mine = [f"kim/{folder}/{file}.ipynb" for folder in inner]
    assert people(gather(tmp_path / "alone", *mine)) == ["kim"]
    others = [f"lee/{folder}/{file}.ipynb" for folder in VERSIONS[0]]
    assert people(gather(tmp_path / "two", *mine, *others)) == ["kim", "lee"]
    class_of_three = [*mine, "choi/homework.ipynb", "lee/old/homework.ipynb", "lee/homework.ipynb"]
    assert people(gather(tmp_path / "class", *class_of_three)) == ["choi", "kim", "lee"]


@pytest.mark.parametrize(
    "rounds", [("1차", "2차"), ("old", "최종"), ("v1", "v2"), ("과제 1", "과제 2"), ("hw1", "HW_2")]
)
def test_rounds_of_a_class_are_attempts_of_its_students(tmp_path, rounds):
    flat = [f"{one}/{who}.ipynb" for one in rounds for who in ("kim", "lee")]
    found = gather(tmp_path / "flat", *flat)
    assert people(found) == ["kim", "lee"]
    assert people(gather(tmp_path / "more", *(f"class/{one}" for one in flat))) == ["kim", "lee"]
    found = gather(tmp_path / "deep", *(f"{one[:-6]}/hw.ipynb" for one in flat))
    assert people(found) == ["kim", "lee"]
    last = {f"{rounds[1]}/{who}/hw.ipynb" for who in ("kim", "lee")}
    several = len({*map(is_version, rounds)}) == 1 and is_version(rounds[0])
    assert {one.args["name"] for one in found.notes} == (last if several else set())


@pytest.mark.parametrize(
    "names", [("과제", "과제 (1)"), ("hw1", "hw2"), ("1", "2"), ("수정", "최종")]
)
def test_folders_that_may_be_two_people_s_stay_two(tmp_path, names):
    assert len(people(gather(tmp_path, *(f"{one}/homework.ipynb" for one in names)))) == 2


def test_a_folder_called_a_version_among_people_is_one_of_them(tmp_path):
    names = [f"{who}/homework.ipynb" for who in ("kim", "lee", "final", "과제", "과제 (1)")]
    assert len(people(gather(tmp_path, *names))) == 5


def test_a_student_s_own_folder_with_versions_is_one_student(tmp_path):
    names = ["v1/char-text.ipynb", "v2/char-text.ipynb", "char-text.ipynb"]
    assert people(gather(tmp_path / "kim", *names)) == ["kim"]


def test_a_zip_that_is_called_a_version_is_its_student_s_and_nobody_else_s(tmp_path):
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("lee_9999_assignsubmission_file_/char-text.ipynb", raw(notebook("x")))
    found = gather(tmp_path, "lee_9999_assignsubmission_file_/char-text.ipynb")
    assert people(found) == ["lee_9999", "old"]


@pytest.mark.parametrize("own", ["kim__char-text", "char-text", "homework"])
def test_a_copy_of_a_classmate_s_file_in_one_s_folder_makes_nobody_another_student(tmp_path, own):
    found = gather(
        tmp_path, f"kim/{own}.ipynb", "kim/lee__char-text.ipynb", "lee/lee__char-text.ipynb"
    )
    assert people(found) == ["kim", "lee"]
    told = [one.args["name"] for one in found.notes if one.args.get("student") == "kim"]
    assert told == ([] if own == "homework" else [f"kim/{own}.ipynb"])


def test_one_folder_of_several_people_s_named_files_is_told(tmp_path):
    found = gather(tmp_path, "a/kim__char-text.ipynb", "a/lee__char-text.ipynb", "b/x.ipynb")
    assert people(found) == ["a", "b"]
    (told,) = (one for one in found.notes if one.id == "collect.several_named")
    assert told.args == {"folders": "a"}


def test_a_section_of_many_named_files_is_no_student(tmp_path):
    names = [f"{section}/{who}{section}__char-text.ipynb" for section in "12" for who in "abcdef"]
    found = gather(tmp_path, *names)
    assert len(people(found)) == 12


# --- names that platforms wrote ------------------------------------------------------------------


def blackboard(user: str, day: int, name: str = "_hw.ipynb") -> str:
    return f"{user}_attempt_2026-03-{day:02}-10-20-30{name}"


def test_blackboard_s_name_and_time_are_read(tmp_path):
    found = gather(
        tmp_path,
        *(blackboard(f"과제 1_{who}", day) for who in ("kim01", "lee02") for day in (1, 2)),
    )
    assert [(one.student, one.handed_in) for one in found.submissions] == [
        (who, f"2026-03-0{day}T10:20:30") for who in ("kim01", "lee02") for day in (1, 2)
    ]
    assert notes(found) == ["attempts_told"] * 2


@pytest.mark.parametrize(
    ("heads", "wanted"),
    [
        (["HW_1_kim_01", "HW_1_lee_01"], ["kim_01", "lee_01"]),
        (["HW_1_20231234", "HW_1_20235678"], ["20231234", "20235678"]),
        (["HW_1_kim_01", "HW_1_kim_02"], ["HW_1_kim_01", "HW_1_kim_02"]),
        (["HW_1_kim"], ["HW_1_kim"]),
    ],
)
def test_no_two_of_blackboard_s_users_become_one(tmp_path, heads, wanted):
    assert people(gather(tmp_path, *(blackboard(head, 1) for head in heads))) == wanted


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        ("May 1, 2026 1020 AM", "2026-05-01T10:20:00"),
        ("May 1, 2026 120 PM", "2026-05-01T13:20:00"),
        ("Sep 12, 2026 11-05 PM", "2026-09-12T23:05:00"),
        ("March 3, 2026 9:07 AM", "2026-03-03T09:07:00"),
    ],
)
def test_brightspace_s_name_and_time_are_read(tmp_path, time, wanted):
    found = gather(
        tmp_path,
        f"7001-42 - Minjun Kim - {time}/hw.ipynb",
        "7001-42 - Minjun Kim - Jan 1, 2026 100 AM/hw.ipynb",
        f"7002-42 - Minjun Kim - {time}/hw.ipynb",
    )
    assert people(found) == ["Minjun Kim_7001", "Minjun Kim_7002"]
    assert wanted in {one.handed_in for one in found.submissions}


def test_ilias_times_are_read(tmp_path):
    found = gather(
        tmp_path,
        "Kim_Minjun_kim_301/20260301102030_char-text.ipynb",
        "Kim_Minjun_kim_301/20260302102030_char-text.ipynb",
        "Lee_Seoyeon_lee_302/20260301102030_char-text.ipynb",
    )
    assert people(found) == ["Kim_Minjun_kim_301", "Lee_Seoyeon_lee_302"]
    assert [one.exercises for one in found.submissions] == [("char-text",)] * 3
    assert found.submissions[1].handed_in == "2026-03-02T10:20:30"


@pytest.mark.parametrize(
    "names",
    [
        [f"Lee_Seoyeon_lee_302/2026030{n}102030_hw.ipynb" for n in (1, 2)],
        ["lee_302_901_hw-1.ipynb", "lee_302_902_hw-2.ipynb", "kim_13_7_x.ipynb"],
        [blackboard("lee", n) for n in (1, 2)],
    ],
)
def test_hand_ins_of_an_unknown_exercise_are_one_s_attempts_by_what_they_are_called(
    tmp_path, names
):
    (told,) = (one for one in gather(tmp_path, *names).notes if "student" in one.args)
    assert (told.id, told.args["name"]) == ("collect.attempts_told", names[1])


def test_a_file_beside_the_folder_of_a_class_is_nobody_s(tmp_path):
    for file in ("RNN 3/criteria.xlsx", "readme.txt", "RNN 3/Abgaben/list.csv"):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    found = gather(tmp_path, *(f"RNN 3/Abgaben/{who}/hw.ipynb" for who in ("kim", "lee")))
    assert people(found) == ["kim", "lee"]


def test_canvas_uploads_tell_the_last(tmp_path):
    found = gather(
        tmp_path,
        "kim_12_99_char-text-final.ipynb",
        "kim_12_100_char-text.ipynb",
        "lee_13_7_x.ipynb",
    )
    assert people(found) == ["kim_12", "lee_13"]
    assert found.submissions[0].handed_in > found.submissions[1].handed_in  # 100 before 99 by name


def test_what_a_form_wrote_behind_the_exercise_is_a_name_unless_two_have_it(tmp_path):
    found = gather(
        tmp_path,
        "char-text - 김민준.ipynb",
        "char-text - 이서연.ipynb",
        "sequence-prediction - 이서연.ipynb",
    )
    assert people(found) == ["char-text - 이서연", "sequence-prediction - 이서연", "김민준"]
    assert {one.exercises for one in found.submissions} == {
        ("char-text",),
        ("sequence-prediction",),
    }


def test_a_zip_of_one_s_own_in_a_class_is_no_way_to_become_another(tmp_path):
    found = gather(
        tmp_path, "kim/lee_9999_assignsubmission_file_/char-text.ipynb", "lee/char-text.ipynb"
    )
    assert people(found) == ["kim", "lee"]
    assert notes(found) == ["inner_mark"]


def test_many_copies_in_no_folder_are_nobody_s_attempts(tmp_path):
    few = [f"char-text ({n}).ipynb" for n in range(1, 3)]
    assert len(people(gather(tmp_path / "few", *few))) == 1
    many = [f"char-text ({n}).ipynb" for n in range(1, 31)]
    assert len(people(gather(tmp_path / "many", *many))) == len(many)
    paths = sorted((tmp_path / "many").iterdir())
    given = collect(paths, exercise_ids=IDS, owed=None)
    assert len(people(given)) == len(many)
