"""``grader grade --dry-run``: who, what, how long, what is missing; nothing runs, nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from grader.authoring.release import CHECK
from grader.record.store import Store
from grader.text.words import Words
from tests.support import builders as b
from tests.support.cli_help import Shell
from tests.support.course_help import course_of
from tests.support.notebook_files import notebook, write

SEQUENCE = "sequence-prediction"


@pytest.fixture
def shell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    def never(*_: object) -> None:
        raise AssertionError("a room was opened")

    monkeypatch.setattr("grader.cli.grade.open_room", never)
    return shell


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    code = "import helper, konlpy\nimport numpy as np\nimport pandas as pd\npd.read_csv('mine.csv')"
    write(tmp_path / "class" / "kim" / f"{SEQUENCE}.ipynb", notebook(code))
    write(tmp_path / "class" / "kim" / f"{SEQUENCE} (1).ipynb", notebook(code))
    (tmp_path / "class" / "kim" / "helper.py").write_text("x = 1")
    write(tmp_path / "class" / "lee" / f"{SEQUENCE}.ipynb", notebook("x = 1"))
    return tmp_path / "class"


def planned(shell: Shell, *arguments: object, code: int = 0) -> dict[str, Any]:
    said = shell.grade(*arguments, "--dry-run", "--format", "json")
    assert said.code == code, said.err
    told: dict[str, Any] = json.loads(said.out)
    assert told["code"] == code
    return told


def test_it_says_who_what_which_exercise_and_what_is_missing(shell: Shell, batch: Path) -> None:
    original, copy, lee = planned(shell, batch)["hand_ins"]
    assert [one["student"] for one in (copy, original, lee)] == ["kim", "kim", "lee"]
    assert [one["counts"] for one in (copy, original, lee)] == [True, False, True]
    assert lee["exercises"] == [SEQUENCE]
    assert copy["packages"] == ["konlpy"]
    assert copy["files"] == ["mine.csv"]
    assert copy["own_files"] == ["helper.py"]
    assert lee["seconds"] > 0
    assert (lee["packages"], lee["files"]) == ([], [])


def test_the_check_of_a_bundle_misses_no_package(shell: Shell, tmp_path: Path) -> None:
    check = CHECK.format(exercise=SEQUENCE)
    write(tmp_path / "class" / "kim" / f"{SEQUENCE}.ipynb", notebook("import konlpy", check))
    write(tmp_path / "class" / "lee" / f"{SEQUENCE}.ipynb", notebook("import grader_course"))
    kim, lee = planned(shell, tmp_path / "class")["hand_ins"]
    assert (kim["packages"], lee["packages"]) == (["konlpy"], [])


def test_a_textbooks_file_that_the_course_unpacks_is_not_missing(
    shell: Shell, tmp_path: Path
) -> None:
    code = (
        "import pandas as pd\npd.read_csv('data/jena_climate_2009_2016.csv')\npd.read_csv('a.csv')"
    )
    write(tmp_path / "class" / "kim" / "temperature-gru.ipynb", notebook(code))
    (kim,) = planned(shell, tmp_path / "class")["hand_ins"]
    assert kim["files"] == ["a.csv"]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_table_names_everybody_in_the_reader_s_language(
    shell: Shell, batch: Path, lang: str
) -> None:
    (batch / "park").mkdir()
    (batch / "park" / "answer.pdf").write_bytes(b"%PDF")
    said = shell.grade(batch, "--dry-run", lang=lang)
    assert said.code == 1
    for word in ("kim", "lee", "park", "answer.pdf", "konlpy", "mine.csv", SEQUENCE):
        assert word in said.out
    assert ("Nothing was run" if lang == "en" else "실행하거나") in said.out


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_a_narrow_terminal_cuts_nothing_off(
    shell: Shell, batch: Path, monkeypatch: pytest.MonkeyPatch, columns: int, lang: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    student, file = "Anna-Maria de la Cruz_336", "the report of my experiments.pdf"
    (batch / student).mkdir()
    (batch / student / file).write_bytes(b"%PDF")
    write(batch / "lee" / "homework of the third week, final.ipynb", notebook("import konlpy"))
    said = shell.grade(batch, "--dry-run", lang=lang)
    table = said.out.partition("\n\n")[0]
    missing = Words(lang)("cli.dry_run_no_notebook", found=file)
    assert set(f"{student} {missing}".split()) <= set(table.split())
    assert max(map(cell_len, table.splitlines())) <= columns


def test_nothing_is_run_and_nothing_is_written(shell: Shell, batch: Path) -> None:
    before = sorted(batch.rglob("*"))
    shell.grade(batch, "--dry-run")
    assert not shell.out.exists()
    assert sorted(batch.rglob("*")) == before


def test_a_refused_archive_is_told_by_the_exit_code(shell: Shell, batch: Path) -> None:
    (batch / "choi").mkdir()
    (batch / "choi" / "hw.7z").write_bytes(b"7z")
    told = planned(shell, batch, code=3)
    assert len(told["refused"]) == 1
    assert "choi/hw.7z" in told["refused"][0]


def test_an_earlier_hand_in_that_cannot_be_read_changes_nothing(shell: Shell, batch: Path) -> None:
    (batch / "kim" / f"{SEQUENCE} (2).ipynb").write_text("{")
    hand_ins = planned(shell, batch)["hand_ins"]
    assert [one["counts"] for one in hand_ins if one["student"] == "kim"] == [False, True, False]


def test_how_long_is_what_it_took_before(shell: Shell, batch: Path) -> None:
    usual = planned(shell, batch)["hand_ins"][0]["seconds"]
    store = Store(shell.out)
    store.save(b.record("someone", SEQUENCE))
    took = planned(shell, batch)["hand_ins"][0]["seconds"]
    assert took == round(b.record("someone", SEQUENCE).seconds)
    assert took != usual


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Student,ID,SIS Login ID", ['"Kim",1,kim', '"Lee, Seoyeon",2,lee', '"Park, Jihu",3,park']),
        ("username,email", ["kim,k@x.org", "lee,l@x.org", "park,p@x.org"]),
        ("이름,학번", ["kim,1", "lee,2", "박지후,3"]),
        ("Name;Matrikel", ["kim;1", "lee;2", "park;3"]),
        ("Name\tMatrikel", ["kim\t1", "lee\t2", "park\t3"]),
    ],
)
def test_who_of_the_roster_handed_nothing_in_is_named(
    shell: Shell, batch: Path, tmp_path: Path, header: str, rows: list[str]
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("\n".join([header, *rows]), "utf-8")
    (missing,) = planned(shell, batch, "--roster", roster)["absent"]
    assert missing in {"Park, Jihu", "park", "박지후"}


PARTS = (
    "First name,Last name,ID number,Email address\nMinjun,Kim,20231,k@x.org\n준,정,20232,j@x.org"
)


@pytest.mark.parametrize(
    ("students", "roster", "wanted"),
    [
        (["HW3_2023_김민준", "이서연_81"], "이름,학번\n김민준,1\n이서연,2\n박지후,3", ["박지후"]),
        (["HW3_20231", "HW3_20232"], "이름,학번\n김민준,20231\n박지후,20233", ["박지후"]),
        (["1반_김민준_이서연"], "이름\n김민준\n이서연\n김민", ["김민"]),
        (["Minjun Kim_81", "choi"], PARTS, ["정준"]),
        (["Kim_Minjun_k1_9", "정준_8"], PARTS, []),
        (["hw-minjunkim"], 'Student,ID\n"Kim, Minjun",1\n"Park, Jihu",2', ["Park, Jihu"]),
        (
            ["1반_김민수"],
            "이름,학번\n김민수,20231\n김민수,20232",
            ["김민수 (20231)", "김민수 (20232)"],
        ),
        (["1반_김민수", "2반_김민수"], "이름,학번\n김민수,20231\n김민수,20232", []),
        (["hw_3_lee"], "Name,ID\nLi,3\nHw,1", ["Hw", "Li"]),
    ],
)
def test_who_is_mentioned_in_a_student_s_name_handed_something_in(
    shell: Shell, tmp_path: Path, students: list[str], roster: str, wanted: list[str]
) -> None:
    for student in students:
        write(tmp_path / "class" / student / f"{SEQUENCE}.ipynb", notebook("x = 1"))
    (tmp_path / "roster.csv").write_text(roster, "utf-8")
    told = planned(shell, tmp_path / "class", "--roster", tmp_path / "roster.csv")
    assert told["absent"] == wanted


@pytest.mark.parametrize(
    ("students", "roster", "wanted"),
    [
        (["kim", "lee", "eve"], "username\nkim\nlee\npark", ["eve"]),
        (["HW3_20231", "HW3_20239"], "이름,학번\n김민준,20231", ["HW3_20239"]),
        (["김민준_81", "김민수_82"], "이름,학번\n김민준,1\n김민수,2", []),
        (["1반_김민수", "2반_김민수"], "이름,학번\n김민수,20231\n김민수,20232", []),
    ],
)
def test_whose_hand_in_is_in_no_row_of_the_roster_is_named(
    shell: Shell, tmp_path: Path, students: list[str], roster: str, wanted: list[str]
) -> None:
    for student in students:
        write(tmp_path / "class" / student / f"{SEQUENCE}.ipynb", notebook("x = 1"))
    (tmp_path / "roster.csv").write_text(roster, "utf-8")
    told = planned(shell, tmp_path / "class", "--roster", tmp_path / "roster.csv")
    assert told["not_on_roster"] == wanted


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_both_lists_of_a_roster_are_told_when_they_are_empty_too(
    shell: Shell, batch: Path, tmp_path: Path, lang: str
) -> None:
    nobody = "nobody." if lang == "en" else "없음."
    roster = tmp_path / "roster.csv"
    roster.write_text("username\nkim\nlee\n", "utf-8")
    said = shell.grade(batch, "--dry-run", "--roster", roster, lang=lang)
    assert said.out.count(nobody) == 2
    roster.write_text("username\nkim\npark\n", "utf-8")
    said = shell.grade(batch, "--dry-run", "--roster", roster, lang=lang)
    assert nobody not in said.out
    assert "park" in said.out
    assert "(1): lee" in said.out if lang == "en" else "1개: lee" in said.out


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_of_an_exercise_that_nobody_knows_no_time_is_told(
    shell: Shell, tmp_path: Path, lang: str
) -> None:
    unknown = "unknown" if lang == "en" else "알 수 없음"
    write(tmp_path / "class" / "kim" / "homework.ipynb")
    assert planned(shell, tmp_path / "class")["hand_ins"][0]["seconds"] is None
    assert shell.grade(tmp_path / "class", "--dry-run", lang=lang).out.count(unknown) == 2
    write(tmp_path / "class" / "lee" / f"{SEQUENCE}.ipynb")
    said = shell.grade(tmp_path / "class", "--dry-run", lang=lang).out
    assert said.count(unknown) == 1
    assert ("the time: 1" if lang == "en" else "노트북: 1개") in said


def test_an_exercise_s_title_in_a_file_s_name_is_known(shell: Shell, tmp_path: Path) -> None:
    for name in ("GRU로 곱셈 문제 풀기_김민준", "The multiplication problem with GRU - Lee"):
        write(tmp_path / "class" / f"{name}.ipynb")
    hand_ins = planned(shell, tmp_path / "class")["hand_ins"]
    assert {(one["student"], *one["exercises"]) for one in hand_ins} == {
        ("김민준", "multiplication-gru"),
        ("Lee", "multiplication-gru"),
    }


def test_a_file_that_only_looks_as_if_canvas_had_named_it_is_shown_as_it_is_called(
    shell: Shell, tmp_path: Path
) -> None:
    names = ["HW_3_1_kim.ipynb", "HW_3_1_lee.ipynb"]
    for name in names:
        write(tmp_path / "hw" / name)
    printed = shell.grade(tmp_path / "hw", "--dry-run", lang="en").out
    assert all(name in printed for name in names)


def test_a_roster_that_is_none_is_refused_before_anything_runs(
    shell: Shell, batch: Path, tmp_path: Path
) -> None:
    said = shell.grade(batch, "--roster", tmp_path / "roster.csv")
    assert said.code == 2
    assert "roster.csv" in said.line


def test_an_empty_folder_is_no_file(shell: Shell, batch: Path) -> None:
    (batch / "Park").mkdir()
    (line,) = (
        line for line in shell.grade(batch, "--dry-run").out.splitlines() if line[:4] == "Park"
    )
    assert line.count("Park") == 1


def test_a_form_that_it_does_not_have_is_bad_usage(shell: Shell, batch: Path) -> None:
    said = shell.grade(batch, "--dry-run", "--format", "junit")
    assert said.code == 2
    assert "junit" in said.line


@pytest.mark.parametrize(("due", "lacking"), [("2001-05-01", ["lee"]), ("2199-05-01", [])])
def test_nobody_lacks_yet_what_is_due_later(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, due: str, lacking: list[str]
) -> None:
    gru = "multiplication-gru"
    course_of(tmp_path / "course", gru, SEQUENCE)
    rules = f'time_zone = "UTC"\n[exercise.{gru}]\ndue = {due}\n'
    (tmp_path / "course" / "course.toml").write_text(rules, "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
    for student, exercise in (("kim", gru), ("lee", SEQUENCE)):
        write(tmp_path / "class" / student / f"{exercise}.ipynb", notebook("x = 1"))
    told = planned(shell, tmp_path / "class")["lacking"]
    assert told == ({gru: lacking} if lacking else {})


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_mark_of_canvas_is_told_to_cost_nothing_where_there_is_an_extension(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    course_of(tmp_path / "course", SEQUENCE)
    due = f'time_zone = "UTC"\n[late]\nper_day = 10\n[exercise.{SEQUENCE}]\ndue = 2001-05-01\n'
    longer = '[[extensions]]\nstudent = "kimminjun_1001"\ndays = 3\n'
    (tmp_path / "course" / "course.toml").write_text(due + longer, "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
    for name in ("kimminjun_LATE_1001_5001_a.ipynb", "leeseoyeon_LATE_1002_5002_a.ipynb"):
        write(tmp_path / "class" / name, notebook("x = 1"))
    monkeypatch.setenv("COLUMNS", "300")
    words = Words(lang)
    said = shell.grade(tmp_path / "class", "--dry-run", lang=lang).out
    assert words("rules.marks_extended", count=1, of=2) in said
    checked = shell("course", "check", "--lang", lang).out
    assert words("rules.policy_marks_extended") in checked


@pytest.mark.parametrize("student", ["kim", "team 1"])
def test_a_group_s_hand_in_is_each_member_s(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, student: str
) -> None:
    gru = "multiplication-gru"
    course_of(tmp_path / "course", gru, SEQUENCE)
    group = f'[[groups]]\nname = "team 1"\nmembers = ["kim", "1002"]\nexercises = ["{gru}"]\n'
    (tmp_path / "course" / "course.toml").write_text(group, "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
    roster = tmp_path / "roster.csv"
    roster.write_text("Name,ID\nkim,1001\nlee,1002\npark,1003\n", "utf-8")
    write(tmp_path / "class" / student / f"{gru}.ipynb", notebook("x = 1"))
    told = planned(shell, tmp_path / "class", "--roster", roster)
    assert (told["absent"], told["not_on_roster"]) == (["park"], [])
    write(tmp_path / "class" / "lee" / f"{SEQUENCE}.ipynb", notebook("x = 1"))
    write(tmp_path / "class" / "park" / f"{SEQUENCE}.ipynb", notebook("x = 1"))
    lacking = planned(shell, tmp_path / "class", "--roster", roster)["lacking"]
    assert lacking[gru] == ["park"]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_who_lacks_an_exercise_is_named_and_what_lay_beside(
    shell: Shell, batch: Path, tmp_path: Path, lang: str
) -> None:
    gru = "multiplication-gru"
    write(batch / "kim" / f"{gru}.ipynb", notebook("x = 1"))
    (batch / "lee" / "gru.pdf").write_bytes(b"%PDF")
    write(batch / "choi" / "answer.ipynb", notebook("x = 1"))  # may hold all of them
    assert planned(shell, batch)["lacking"] == {}
    roster = tmp_path / "roster.csv"
    roster.write_text("Student\nkim\nlee\nchoi\n", "utf-8")
    assert planned(shell, batch, "--roster", roster)["lacking"] == {gru: ["lee"]}
    said = shell.grade(batch, "--dry-run", "--roster", roster, lang=lang).out.splitlines()
    words = Words(lang)
    title = "GRU로 곱셈 문제 풀기" if lang == "ko" else "The multiplication problem with GRU"
    told = words("attendance.nothing_for", exercise=title, count=1, names="lee")
    assert told in said
    assert f"lee: {words('collect.other_files', found='gru.pdf', count=1)}" in said


def test_another_roster_is_not_asked_for_the_columns_of_the_course_s(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = tmp_path / "course"
    course_of(course, "multiplication-lstm")
    longer = '[[extensions]]\nsection = "A"\ndays = 3\n'
    due = 'time_zone = "UTC"\n[exercise.multiplication-lstm]\ndue = 2001-05-01\n'
    of_the_course = '[roster]\nfile = "canvas.csv"\nsection = "Class"\n'
    (course / "course.toml").write_text(due + of_the_course + longer, "utf-8")
    (course / "canvas.csv").write_text("name,Class\nkim,A\n", "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(course))
    write(tmp_path / "class" / "kim" / "multiplication-lstm.ipynb")
    (tmp_path / "r2.csv").write_text("name,number,email\nkim,1,k@x.org\nlee,2,l@x.org\n", "utf-8")
    batch, roster = tmp_path / "class", tmp_path / "r2.csv"
    said = shell.grade(batch, "--dry-run", "--format", "json", "--roster", roster)
    told = json.loads(said.out)
    assert (told["absent"], told["nobodys"], said.code) == (["lee"], [], 0)
    (course / "canvas.csv").write_text("name,Room\nkim,A\n", "utf-8")
    said = shell.grade(batch, "--dry-run", "--roster", roster)
    assert "canvas.csv has no column Class. It has: Name, Room" in said.line


@pytest.mark.parametrize(("grace", "told"), [("grace_minutes = 15\n", 1), ("", 0)])
def test_a_mark_of_canvas_that_will_cost_nothing_is_told(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grace: str, told: int
) -> None:
    course = tmp_path / "course"
    course_of(course, "multiplication-lstm")
    due = 'time_zone = "UTC"\n[exercise.multiplication-lstm]\ndue = 2001-05-01\n'
    (course / "course.toml").write_text(f"{due}[late]\nper_day = 10\n{grace}", "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(course))
    for name in ("kimminjun_LATE_1234_5678_hw", "leeseoyeon_1235_5679_hw"):
        write(tmp_path / "class" / f"{name}.ipynb")
    lateness = planned(shell, tmp_path / "class")["lateness"]
    assert len(lateness) == told
    said = shell.grade(tmp_path / "class", "--dry-run").out
    assert said.count("1 of 2 hand-ins are marked by Canvas as late") == told


def test_sections_without_students_folders_are_told_by_the_roster(
    shell: Shell, tmp_path: Path
) -> None:
    for name in ("morning/KIM", "morning/LEE", "evening/PARK"):
        write(tmp_path / "class" / f"{name}.ipynb")
    (tmp_path / "roster.csv").write_text("name\nKIM\nLEE\nPARK\n", "utf-8")
    assert planned(shell, tmp_path / "class")["notes"] == []
    (note,) = planned(shell, tmp_path / "class", "--roster", tmp_path / "roster.csv")["notes"]
    assert "(folders: morning; notebooks: 2)" in note
