"""Who handed in nothing at all may need help, and what is not due yet is not missing."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from grader.report.analysis import at_risk
from grader.report.people import NAMED, State, people
from grader.text.words import Words
from grader.types import Grade, Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import Said, Shell
from tests.support.course_help import course_of

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
TITLES = {LSTM: "LSTM", GRU: "GRU"}
LONG_AGO, FAR_AHEAD = "2001-05-01", "2199-05-01"  # whatever the clock says
ROSTER = [{"Student": one} for one in ("kim", "lee", "park")]
WORDS = {one: Words(one) for one in ("en", "ko")}


def later(student: str, exercise: str) -> bool:
    """Park has time left for both, everybody for the GRU."""
    return student == "park" or exercise == GRU


def test_what_is_not_due_yet_is_not_nothing() -> None:
    found = people([b.record("kim", LSTM)], [LSTM, GRU], ROSTER, {}, ahead=later)
    assert [(one.name, one.state, *one.states.values()) for one in found.people] == [
        ("kim", State.GRADED, State.GRADED, State.NOT_DUE),
        ("lee", State.NOTHING, State.NOTHING, State.NOT_DUE),
        ("park", State.NOT_DUE, State.NOT_DUE, State.NOT_DUE),
    ]
    assert found.table().splitlines()[-1] == "park,,True,not_due,,not_due,not_due"


@pytest.mark.parametrize("words", WORDS.values())
def test_who_has_time_left_for_all_is_named_as_such(words: Words) -> None:
    found = people([b.record("kim", LSTM)], [LSTM, GRU], ROSTER, {}, ahead=later)
    assert State.NOT_DUE in NAMED
    said = [*found.without_grade(words)]
    assert said == [
        words("attendance.nothing", count=1, names="lee"),
        words("attendance.not_due", count=1, names="park"),
    ]
    assert [*found.end(words)] == [words("attendance.end_nothing", count=1)]


def risks(records: list[Record], *absent: str) -> list[tuple[str, str, tuple[str, ...]]]:
    rows = at_risk(records, WORDS["en"], TITLES, lambda one: one, later, absent)
    return [(one.person.name, one.points, one.why) for one in rows]


def excused(student: str, exercise: str) -> Record:
    return b.record(student, exercise, grade=Grade(Verdict.EXCUSED, None, 0.0, (), (), ()))


class TestWhoMayNeedHelp:
    def test_who_handed_in_nothing_at_all_is_one(self) -> None:
        found = risks([b.record("kim", LSTM), b.record("kim", GRU)], "lee", "park")
        assert found == [("lee", "0 / 100", ("Nothing handed in for: LSTM.",))]

    def test_who_is_excused_from_all_that_is_due_is_none(self) -> None:
        assert risks([b.record("kim", LSTM), excused("lee", LSTM)]) == []

    def test_who_is_excused_from_one_stands_as_the_others_who_handed_in_nothing(self) -> None:
        records = [b.record("kim", LSTM), b.record("kim", "char-text"), excused("lee", LSTM)]
        assert [one[:2] for one in risks(records, "choi")] == [
            ("choi", "0 / 200"),
            ("lee", "0 / 100"),
        ]


class TestInACourse:
    @pytest.fixture
    def shell(self, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
        course_of(tmp_path / "course", LSTM, GRU)
        monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "course"))
        return shell

    def say(self, shell: Shell, lstm: str, gru: str, more: str = "") -> Said:
        course = shell.out.parent / "course"
        text = f'time_zone = "UTC"\n[exercise.{LSTM}]\ndue = {lstm}\n[exercise.{GRU}]\ndue = {gru}\n{more}'
        roster = '[roster]\nfile = "r.csv"\n'
        (course / "course.toml").write_text(text + roster, "utf-8")
        (course / "r.csv").write_text("Name,ID number\nkim,1\nlee,2\npark,3\n", "utf-8")
        said = shell("report", "--out", shell.out, "--lang", "en")
        assert said.err == ""
        return said

    def table(self, shell: Shell) -> list[dict[str, str]]:
        text = (shell.out / "people.csv").read_text("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def test_an_extension_holds_for_whoever_handed_in_nothing_yet(self, shell: Shell) -> None:
        more = f'[[extensions]]\nstudent = "3"\ndue = {FAR_AHEAD}\n'
        shell.keep(b.record("kim", LSTM), b.record("kim", GRU))
        self.say(shell, LONG_AGO, FAR_AHEAD, more)
        told = [(row["state"], row[LSTM], row[GRU]) for row in self.table(shell)]
        assert told == [
            ("graded", "graded", "graded"),
            ("nothing", "nothing", "not_due"),
            ("not_due", "not_due", "not_due"),
        ]
        page = (shell.out / "index.html").read_text("utf-8")
        _, _, after = page.partition('id="risks"')
        assert 'scope="row">lee' in after.partition("</section>")[0]
        assert 'scope="row">park' not in after.partition("</section>")[0]

    def test_what_nobody_has_to_hand_in_is_not_missing_in_the_table(self, shell: Shell) -> None:
        shell.keep(b.record("kim", LSTM), b.record("lee", "char-text"))
        self.say(shell, LONG_AGO, LONG_AGO)
        assert [(row[LSTM], row["char-text"]) for row in self.table(shell)] == [
            ("graded", "not_owed"),
            ("nothing", "graded"),
            ("nothing", "not_owed"),
        ]

    @pytest.mark.parametrize(("gru", "told"), [(LONG_AGO, True), (FAR_AHEAD, False)])
    def test_a_deadline_that_passed_with_no_hand_in_at_all_is_said(
        self, shell: Shell, gru: str, *, told: bool
    ) -> None:
        shell.keep(b.record("kim", LSTM))
        said = self.say(shell, LONG_AGO, gru)
        line = "Past their deadline, and nothing was handed in for them here: "
        assert (line in said.out) == told
        assert (line in (shell.out / "index.html").read_text("utf-8")) == told
