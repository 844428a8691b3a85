"""An export of what changed since the last one; what is excused in each school's system."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grader.cli.people import PEOPLE
from grader.record import exported, hand_file
from grader.record.exported import Exported
from grader.text.words import Words
from grader.types import HandKind, HandLine, Record, Verdict
from tests.cli.test_cli_export import ABOUT
from tests.support import builders as b
from tests.support.cli_help import ROOT, Said, Shell

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
FORMATS = ("canvas", "moodle", "nbgrader", "gradescope", "classroom50")
CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section\nkim,1,,,\n"


@pytest.fixture
def shell(shell: Shell, tmp_path: Path) -> Shell:
    (tmp_path / "about.json").write_text(json.dumps(ABOUT))
    (tmp_path / "roster.csv").write_text(CANVAS)
    for student in ("kim", "lee", "박"):
        shell.keep(graded(student, LSTM, 60.0), graded(student, GRU, 70.0))
    return shell


def graded(student: str, exercise: str, score: float, **changes: Any) -> Record:
    return b.record(student, exercise, grade=b.grade(Verdict.UNTRAINED, score), **changes)


def export(shell: Shell, form: str, *arguments: object) -> Said:
    about = ("--about", shell.out.parent / "about.json") if form == "classroom50" else ()
    key = ("--key", "username") if form == "moodle" else ()
    given = (*about, *key, *arguments)
    return shell("export", "--format", form, "--out", shell.out, "--lang", "en", *given)


def decide(shell: Shell, number: int, kind: HandKind, student: str, exercise: str = LSTM) -> None:
    at = f"2026-03-04T10:00:{number:02d}.000000+00:00"
    score = 80.0 if kind is HandKind.OVERRIDE else None
    line = HandLine(f"{number:02x}", at, "kang", kind, student, exercise, "oral", score, 100.0)
    hand_file.append(shell.out, [line])


def written(shell: Shell, form: str) -> list[Path]:
    return sorted(path for path in (shell.out / "export" / form).rglob("*.*") if path.is_file())


def named(shell: Shell, form: str, folder: str) -> set[str]:
    """The students of whom an export says anything; ``people.csv`` beside it has everybody."""
    place = shell.out / "export" / form / folder
    told = [path for path in place.rglob("*.*") if path.name != PEOPLE]
    text = "".join(str(p.relative_to(place)) + p.read_text() for p in told)
    return {student for student in ("kim", "lee", "박") if student in text}


def states(shell: Shell, folder: str) -> dict[str, str]:
    """What ``people.csv`` beside an export for Canvas says of each."""
    path = shell.out / "export" / "canvas" / folder / PEOPLE
    rows = csv.DictReader(path.read_text("utf-8-sig").splitlines())
    return {row["name"]: row["state"] for row in rows}


class TestChanged:
    @pytest.mark.parametrize("form", FORMATS)
    def test_only_who_changed_is_in_the_file(self, shell: Shell, form: str) -> None:
        export(shell, form)
        decide(shell, 1, HandKind.OVERRIDE, "kim")
        said = export(shell, form, "--changed")
        assert said.code == 0
        assert "changed-2" in said.out
        assert named(shell, form, "changed-2") == {"kim"}

    @pytest.mark.parametrize("form", FORMATS)
    def test_where_nothing_changed_no_file_is_written(self, shell: Shell, form: str) -> None:
        export(shell, form)
        before = written(shell, form)
        said = export(shell, form, "--changed")
        assert (said.code, "Nothing has changed since" in said.out) == (0, True)
        assert written(shell, form) == before

    def test_a_row_is_whole(self, shell: Shell) -> None:
        """In Moodle a missing grade would take away the one that is there."""
        export(shell, "moodle")
        decide(shell, 1, HandKind.OVERRIDE, "kim")
        export(shell, "moodle", "--changed")
        text = (shell.out / "export/moodle/changed-2/moodle.csv").read_text()
        assert text.splitlines()[1:] == ["kim,80.00,70.00"]

    def test_before_the_first_export_all_is_new(self, shell: Shell) -> None:
        export(shell, "canvas", "--changed")
        assert named(shell, "canvas", "changed-1") == {"kim", "lee", "박"}

    def test_each_format_remembers_for_itself(self, shell: Shell) -> None:
        export(shell, "canvas")
        export(shell, "moodle", "--changed")
        assert named(shell, "moodle", "changed-1") == {"kim", "lee", "박"}

    def test_there_and_back_again_is_a_change_each_time(self, shell: Shell) -> None:
        export(shell, "canvas")
        decide(shell, 1, HandKind.OVERRIDE, "kim")
        export(shell, "canvas", "--changed")
        decide(shell, 2, HandKind.EXCUSE, "kim")
        export(shell, "canvas", "--changed")
        assert named(shell, "canvas", "changed-3") == {"kim"}
        assert "EX" in (shell.out / "export/canvas/changed-3/canvas.csv").read_text()
        assert "nothing" in export(shell, "canvas", "--changed").out.lower()

    def test_a_remark_changes_what_says_it_and_no_table_of_scores(self, shell: Shell) -> None:
        for form in ("gradescope", "canvas"):
            export(shell, form)
        decide(shell, 1, HandKind.COMMENT, "kim")
        export(shell, "gradescope", "--changed")
        assert named(shell, "gradescope", "changed-2") == {"kim"}
        assert "Nothing has changed" in export(shell, "canvas", "--changed").out

    def test_whoever_was_not_in_the_roster_is_new_once_they_are(self, shell: Shell) -> None:
        roster = shell.out.parent / "roster.csv"
        assert export(shell, "canvas", "--roster", roster).code == 3
        roster.write_text(CANVAS + "lee,2,,,\n박,3,,,\n")
        export(shell, "canvas", "--changed", "--roster", roster)
        assert named(shell, "canvas", "changed-2") == {"lee", "박"}

    def test_beside_the_file_is_everybody_as_they_are_now(self, shell: Shell) -> None:
        roster = shell.out.parent / "roster.csv"
        roster.write_text(CANVAS + "lee,2,,,\n박,3,,,\nneu,4,,,\n")
        export(shell, "canvas", "--roster", roster)
        for number, exercise in enumerate((LSTM, GRU)):
            decide(shell, number, HandKind.EXCUSE, "neu", exercise)
        export(shell, "canvas", "--changed", "--roster", roster)
        assert states(shell, ".")["neu"] == "nothing"
        assert states(shell, "changed-2") == states(shell, ".") | {"neu": "excused"}
        assert len(states(shell, "changed-2")) == 4

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_when_the_last_one_was_is_told_in_the_course_s_time(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lang: str
    ) -> None:
        exported.append(shell.out, "canvas", "2026-11-30T20:05:00+00:00", {}, Exported())
        words = Words(lang, zone=ZoneInfo("Asia/Seoul"))
        monkeypatch.setattr("grader.cli.export._changed", lambda *_: [])
        monkeypatch.setattr("grader.cli.course.open_words", lambda *_: words)
        said = export(shell, "canvas", "--changed")
        assert "(2026-12-01 05:05 +09:00)" in said.out
        assert "UTC" not in said.out

    def test_two_do_not_export_at_a_time(self, shell: Shell) -> None:
        from grader.record.exported import locked

        with locked(shell.out):
            said = export(shell, "canvas")
        assert said.code == 2
        assert "Try again" in said.line


class TestExcused:
    @pytest.fixture
    def ill(self, shell: Shell) -> Shell:
        decide(shell, 1, HandKind.EXCUSE, "kim")
        return shell

    def table(self, shell: Shell, name: str) -> list[list[str]]:
        path = shell.out / "export" / name / f"{name}.csv"
        return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))

    def test_canvas_has_a_word_for_it_and_the_points_stay(self, ill: Shell) -> None:
        assert export(ill, "canvas").err == ""
        _, possible, kim, *_ = self.table(ill, "canvas")
        assert possible[-2:] == ["100.00", "100.00"]
        assert kim[-2:] == ["EX", "70.00"]

    def test_in_a_column_of_two_the_rest_is_scaled_and_said(self, ill: Shell) -> None:
        roster = ill.out.parent / "roster.csv"
        header, kim = CANVAS.splitlines()
        possible = "    Points Possible,,,,,20"
        roster.write_text("\n".join([f"{header},Both (9)", possible, f"{kim},"]))
        columns = [part for one in (LSTM, GRU) for part in ("--column", f"{one}=Both (9)")]
        said = export(ill, "canvas", "--roster", roster, *columns)
        assert "kim: excused from 1, the rest scaled to 20: 14.00" in said.out.splitlines()

    def test_points_possible_are_the_exercises_where_all_are_excused(self, ill: Shell) -> None:
        for number, student in enumerate(("lee", "박"), start=2):
            decide(ill, number, HandKind.EXCUSE, student)
        export(ill, "canvas")
        assert self.table(ill, "canvas")[1][-2:] == ["100.00", "100.00"]

    def test_moodle_has_none_and_the_teacher_is_told(self, ill: Shell) -> None:
        said = export(ill, "moodle")
        assert "Excused: kim (" in said.out
        assert self.table(ill, "moodle")[1] == ["kim", "-", "70.00"]

    def test_nbgrader_has_neither_points_earned_nor_to_be_earned(self, ill: Shell) -> None:
        export(ill, "nbgrader")
        (row,) = [one for one in self.table(ill, "nbgrader") if one[0] == LSTM and one[3] == "kim"]
        assert row[-4:] == ["", "0", "", "0"]

    def test_gradescope_gets_no_total(self, ill: Shell) -> None:
        said = export(ill, "gradescope")
        assert "kim (1 in all)" in said.line
        told = json.loads((ill.out / "export/gradescope/kim/results.json").read_text())
        assert "score" not in told
        lee = json.loads((ill.out / "export/gradescope/lee/results.json").read_text())
        assert lee["score"] == 130.0
        excused = [one for one in told["tests"] if one["name"].startswith(LSTM)]
        assert excused
        assert all("score" not in one for one in excused)

    def test_classroom_50_counts_it_in_neither_total(self, ill: Shell) -> None:
        export(ill, "classroom50")
        told = json.loads((ill.out / "export/classroom50/kim/result.json").read_text())
        assert (told["score"], told["max-score"]) == (70, 100)
        assert [one["test-name"] for one in told["tests"]] == [GRU]

    def test_classroom_50_has_no_file_for_who_is_excused_from_all(self, ill: Shell) -> None:
        decide(ill, 2, HandKind.EXCUSE, "kim", GRU)
        said = export(ill, "classroom50")
        assert said.code == 3
        assert "kim" in said.err
        assert not (ill.out / "export/classroom50/kim").exists()


@pytest.mark.parametrize("form", FORMATS)
def test_both_numbers_lie_beside_every_export(shell: Shell, form: str) -> None:
    decide(shell, 1, HandKind.OVERRIDE, "kim")
    export(shell, form)
    text = (shell.out / "export" / form / "by-hand.csv").read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["student"], row["score"], row["found_score"]) == ("kim", "80.0", "60.0")
    assert (row["by"], row["text"]) == ("kang", "oral")


def test_a_table_of_decisions_that_were_taken_back_is_emptied(shell: Shell) -> None:
    decide(shell, 1, HandKind.OVERRIDE, "kim")
    export(shell, "canvas")
    shell("undo", "01", "--out", shell.out)
    export(shell, "canvas")
    text = (shell.out / "export/canvas/by-hand.csv").read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 1


def test_a_table_of_people_beside_a_later_export_is_as_they_are_then(shell: Shell) -> None:
    roster = shell.out.parent / "roster.csv"
    export(shell, "canvas", "--roster", roster)
    assert set(states(shell, "")) == {"kim", "lee", "박"}
    shell.keep(graded("choi", LSTM, 60.0))
    export(shell, "canvas")
    assert set(states(shell, "")) == {"kim", "lee", "박", "choi"}


def test_somebody_s_own_file_of_that_name_stays(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / PEOPLE).write_text("name,phone\n")
    export(shell, "canvas", "--to", tmp_path)
    assert (tmp_path / PEOPLE).read_text() == "name,phone\n"


@pytest.mark.parametrize("name", ["canvas.csv", PEOPLE])
@pytest.mark.parametrize("given", ["named", "remembered"])
def test_no_export_is_written_over_the_roster(
    shell: Shell, tmp_path: Path, name: str, given: str
) -> None:
    roster = tmp_path / "canvas" / name
    roster.parent.mkdir()
    roster.write_text(CANVAS)
    named = ("--roster", roster) if given == "named" else ()
    if not named:
        shell("report", "--out", shell.out, "--roster", roster)
    said = export(shell, "canvas", "--to", tmp_path / "canvas", *named)
    assert (said.code, str(roster) in said.line) == (2, True)
    assert [one.read_text() for one in (tmp_path / "canvas").iterdir()] == [CANVAS]


@pytest.mark.parametrize("asked", ["roster", "worksheet"])
def test_no_export_is_written_over_another_list_that_the_course_asks(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """They are none of that system's, so nobody's grades are written by them."""
    course, target = tmp_path / "course", tmp_path / "course" / "assignments" / LSTM
    target.mkdir(parents=True)
    shutil.copy(ROOT / "assignments" / LSTM / "exercise.toml", target)
    rows = {
        "roster": "name,phone\nkim,1\n",
        "worksheet": "Full name,Last modified (submission)\nkim,-\n",
    }
    table = {"roster": "[roster]\nfile", "worksheet": f"[exercise.{LSTM}]\nworksheet"}
    (course / "course.toml").write_text(f'{table[asked]} = "canvas.csv"\n')
    (course / "canvas.csv").write_text(rows[asked])
    monkeypatch.setenv("GRADER_COURSE", str(course))
    said = export(shell, "canvas", "--to", course)
    assert (said.code, str(course / "canvas.csv") in said.line) == (2, True)
    assert (course / "canvas.csv").read_text() == rows[asked]
