"""A whole name that one person bears is that person, in the export as on the class page."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.cli.platforms import platform_numbers
from grader.cli.rules import ClassNames
from grader.report.attendance import perhaps
from grader.report.export import Export
from grader.report.exporters.canvas import KEYS as CANVAS_KEYS
from grader.report.moodle_words import KEYS as MOODLE_KEYS
from grader.report.people import people
from grader.report.roster import match, match_records
from grader.text.words import Words
from grader.types import Record
from tests.support import builders as b
from tests.support.cli_help import Said, Shell
from tests.support.course_help import course_of
from tests.support.lms_rules import rows_of

GRU = "multiplication-gru"
PARTICIPANTS = [
    {"이름": "김민준", "ID 번호": "20260001", "이메일 주소": "mj@x.kr"},
    {"이름": "정 하은", "ID 번호": "20260004", "이메일 주소": "he@x.kr"},
]
WORKSHEET = [
    {"Identifier": "Participant 7", "Full name": "김민준", "Email address": "mj@x.kr"},
    {"Identifier": "Participant 8", "Full name": "정 하은", "Email address": "he@x.kr"},
]
CANVAS = [
    {"Student": "김민준", "ID": "1", "SIS User ID": "20260001", "SIS Login ID": "mj"},
    {"Student": "정 하은", "ID": "2", "SIS User ID": "20260004", "SIS Login ID": "he"},
]
ROSTERS = [(PARTICIPANTS, MOODLE_KEYS), (WORKSHEET, MOODLE_KEYS), (CANVAS, CANVAS_KEYS)]


@pytest.mark.parametrize(("roster", "keys"), ROSTERS)
@pytest.mark.parametrize("called", ["정 하은", "정하은", "하은 정"])
def test_a_folder_called_as_one_person_is_that_person(
    roster: list[dict[str, str]], keys: tuple[str, ...], called: str
) -> None:
    records = [b.record("김민준"), b.record(called)]
    assert match_records(records, roster, keys) == {0: "김민준", 1: called}
    there = people(records, [], roster, {}).people
    assert [one.student for one in there if one.on_roster] == ["김민준", called]
    assert ClassNames(["김민준", called], roster).rows == {0: "김민준", 1: called}


@pytest.mark.parametrize(("roster", "keys"), ROSTERS)
def test_of_namesakes_a_name_is_nobody(roster: list[dict[str, str]], keys: tuple[str, ...]) -> None:
    two = [*roster, {**roster[0], "ID": "3", "Identifier": "Participant 9"}]
    assert match_records([b.record("김민준")], two, keys) == {}


def test_two_folders_called_as_one_person_are_nobody() -> None:
    assert match(["정 하은", "정하은"], PARTICIPANTS, MOODLE_KEYS) == {}


def test_a_number_wins_over_a_name() -> None:
    records = [b.record("김민준"), b.record("20260001")]
    assert match_records(records, CANVAS, CANVAS_KEYS) == {0: "20260001"}


def test_a_given_name_alone_is_nobody() -> None:
    roster = [{"이름": "하은", "성": "정"}, {"First name": "Minjun", "Last name": "Kim"}]
    assert match_records([b.record("하은"), b.record("Minjun")], roster, MOODLE_KEYS) == {}


@pytest.mark.parametrize("column", ["학번", "SIS User ID", "Email address"])
def test_any_login_or_number_of_a_roster_will_do(column: str) -> None:
    roster = [{"Full name": "김민준", "username": "mj", column: "20260001"}]
    assert match_records([b.record("20260001")], roster, MOODLE_KEYS) == {0: "20260001"}


def rows(
    records: list[Record], roster: list[dict[str, str]], keys: tuple[str, ...]
) -> dict[int, str]:
    export = Export(records, Words("en"), {}, roster=roster, numbers=platform_numbers(records))
    return export.matched(keys)


class TestNumbersOfAnotherPlatform:
    """Moodle's number says nothing in Canvas, nor the other way round."""

    moodle = b.record("김민준_2", GRU, "김민준_2_assignsubmission_file_/hw.ipynb")
    canvas = b.record("김민준_2", GRU, "김민준_2_345_hw.ipynb")

    def test_a_name_that_moodle_wrote_is_found_in_canvas_roster(self) -> None:
        assert rows([self.moodle], CANVAS, CANVAS_KEYS) == {0: "김민준_2"}

    def test_and_one_that_canvas_wrote_in_moodles_worksheet(self) -> None:
        assert rows([self.canvas], WORKSHEET, MOODLE_KEYS) == {0: "김민준_2"}

    def test_whom_its_own_platform_s_roster_has_by_another_number_is_somebody_else(self) -> None:
        assert rows([self.canvas], CANVAS, CANVAS_KEYS) == {}
        assert rows([self.moodle], WORKSHEET, MOODLE_KEYS) == {}

    def test_the_other_platform_s_equal_number_is_nobody(self) -> None:
        roster = [{"Student": "김민준", "ID": "2"}, {"Student": "김민준", "ID": "3"}]
        assert rows([self.moodle], roster, CANVAS_KEYS) == {}
        assert rows([self.canvas], roster, CANVAS_KEYS) == {0: "김민준_2"}


@pytest.mark.parametrize(
    ("student", "who"),
    [
        ("HW3_20260001_김민준", ["김민준"]),
        ("김민준_정하은", ["김민준", "정 하은"]),
        ("stranger", []),
    ],
)
def test_who_is_perhaps_meant_is_known(student: str, who: list[str]) -> None:
    assert perhaps([student], PARTICIPANTS) == {student: who}


class TestExport:
    @pytest.fixture
    def roster(self, tmp_path: Path) -> Path:
        path = tmp_path / "moodle.csv"
        path.write_text(
            "이름,ID 번호,이메일 주소\n김민준,1001,mj1@x.kr\n김민준,1002,mj2@x.kr\n"
            "이서연,1003,sy@x.kr\n박지호,1004,jh@x.kr\n정 하은,1005,he@x.kr\n",
            "utf-8",
        )
        return path

    def export(self, shell: Shell, roster: Path, *arguments: object) -> Said:
        to = ("--out", shell.out, "--roster", roster, "--lang", "en")
        return shell("export", "--format", "moodle", *to, *arguments)

    def rows(self, shell: Shell) -> list[list[str]]:
        return rows_of((shell.out / "export" / "moodle" / "moodle.csv").read_bytes())[1:]

    def test_who_is_there_by_name_has_a_row(self, shell: Shell, roster: Path) -> None:
        shell.keep(b.record("이서연"), b.record("정하은"))
        said = self.export(shell, roster)
        assert "Not in the roster" not in said.err
        assert self.rows(shell) == [["1003", "100.00"], ["1005", "100.00"]]

    def test_who_is_only_perhaps_there_is_told_with_what_to_do(
        self, shell: Shell, roster: Path
    ) -> None:
        shell.keep(b.record("김민준"), b.record("HW3_이서연"), b.record("Smith"))
        said = self.export(shell, roster)
        assert said.code == 3
        assert "Not in the roster, so not in the file either: Smith (1 in all)." in said.err
        assert "김민준: 김민준 (1001) / 김민준 (1002)" in said.err
        assert "HW3_이서연: 이서연" in said.err
        assert '[[groups]] name = "HW3_이서연", members = ["…"]' in said.err
        assert self.rows(shell) == []

    def test_what_it_says_to_do_gives_the_grade_to_whom_it_names(
        self, shell: Shell, roster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course = tmp_path / "course"
        course_of(course, "multiplication-lstm")
        rules = '[[groups]]\nname = "{}"\nmembers = ["{}"]\n'
        text = rules.format("김민준", "1002") + rules.format("HW3_이서연", "이서연")
        (course / "course.toml").write_text(text, "utf-8")
        monkeypatch.setenv("GRADER_COURSE", str(course))
        shell.keep(b.record("김민준"), b.record("HW3_이서연"))
        said = self.export(shell, roster)
        assert (said.err.count("erhaps"), said.code) == (0, 0)
        assert self.rows(shell) == [["1002", "100.00"], ["1003", "100.00"]]

    def test_of_what_changed_too_two_of_one_name_are_nobody(
        self, shell: Shell, roster: Path
    ) -> None:
        shell.keep(b.record("정 하은"), b.record("정하은"), b.record("이서연"))
        self.export(shell, roster)
        shell.keep(b.record("정하은", grade=b.grade(score=50.0), submission="later.ipynb"))
        said = self.export(shell, roster, "--changed")
        assert "정하은: 정 하은" in said.err
        changed = shell.out / "export" / "moodle" / "changed-2" / "moodle.csv"
        assert rows_of(changed.read_bytes())[1:] == []
