"""A roster's columns are known however somebody typed them; a header that says nothing is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.report.attendance import absent, people_of, strangers
from grader.report.roster import CALLED, column_called, read_roster, says_who
from tests.support import builders as b
from tests.support.cli_help import Said, Shell
from tests.support.course_help import course_of
from tests.support.lms_rules import rows_of
from tests.support.notebook_files import write

HAND_IN = "HW3_20231234_김민준"
HEADERS = [
    "name,number,email",
    "NAME,Number,EMAIL",
    "Name,Student ID,Email",
    "name,student_id,e-mail",
    " name , student id ,email address",
    "full name,studentnumber,E-Mail",
    "student,id,mail",
    "\ufeffname,number,email",
    "이름,학번,이메일",
    "이름,학생 번호,전자우편",
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("kept", [(0, 1, 2), (0, 2), (0, 1), (1, 0, 2)])
def test_whoever_is_on_it_is_found_and_called_by_name(header: str, kept: tuple[int, ...]) -> None:
    lines = [header, "김민준,20231234,kx@example.org", "이서연,20235678,ly@example.org"]
    cells = [line.split(",") for line in lines]
    roster = read_roster("\n".join(",".join(cell[one] for one in kept) for cell in cells))
    assert strangers([HAND_IN], roster) == []
    assert absent([HAND_IN], roster) == ["이서연"]


@pytest.mark.parametrize("header", ["first name,surname", "FIRST_NAME,Last_Name", "성,이름"])
def test_names_in_two_columns_are_one_person(header: str) -> None:
    row = "정,준" if header.startswith("성") else "준,정"
    assert [*people_of(read_roster(f"{header},email\n{row},j@x.org")).values()] == ["정준"]


@pytest.mark.parametrize("column", CALLED)
def test_what_a_system_wrote_stays_as_it_is(column: str) -> None:
    assert [*read_roster(f"{column},Note\nkim,x")[0]] == [column, "Note"]


def test_nobody_s_list_becomes_canvas_s_or_moodle_s() -> None:
    assert [*read_roster("STUDENT,Id,identifier\nkim,1,2")[0]] == ["student", "id", "identifier"]


def test_of_two_columns_of_one_name_each_stays() -> None:
    assert [*read_roster("Name,name\nkim,lee")[0]] == ["Name", "name"]


def test_a_column_is_found_as_somebody_typed_it() -> None:
    roster = read_roster("name,CLASS room\nkim,A")
    assert column_called(roster, "class_room") == "CLASS room"
    assert column_called(roster, "name") == "Name"
    assert column_called(roster, "group") is None
    assert column_called((), "name") is None


@pytest.mark.parametrize("typed", ["", "-"])
def test_a_column_without_a_word_is_found_by_no_other(typed: str) -> None:
    assert column_called(read_roster(",#\nkim,A"), typed) is None


PEOPLE = ["이름,학번", "김민준,20231234", "이서연,20235678"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "\ufeff", "{end}", "\ufeff{end}{end}"])
@pytest.mark.parametrize("after", ["", "{end}", "{end},{end} , {end}"])
def test_lines_may_end_in_any_way_and_blank_ones_are_nobody(
    end: str, before: str, after: str
) -> None:
    roster = read_roster(before.format(end=end) + end.join(PEOPLE) + after.format(end=end))
    assert [*people_of(roster).values()] == ["김민준", "이서연"]
    assert [row["학번"] for row in roster] == ["20231234", "20235678"]


@pytest.mark.parametrize("line", ["\x1a", "\x00\x00", "\u200b,", "---,---"])
def test_a_line_without_a_word_is_nobody(line: str) -> None:
    """Old spreadsheets end a file with such a sign."""
    assert [*people_of(read_roster(f"name,number\nkim,1\n{line}")).values()] == ["kim"]


def test_a_cell_stays_as_it_was_written() -> None:
    (row,) = read_roster('name,note\r\nkim,"one\r\ntwo "\r\n')
    assert row["note"] == "one\r\ntwo "


@pytest.mark.parametrize("header", ["foo,bar", "Section,Points", "20231234,김민준"])
def test_a_header_without_any_such_column_does_not_say_who_people_are(header: str) -> None:
    assert not says_who(read_roster(f"{header}\n이서연,20235678"))


class TestOnTheCommandLine:
    @pytest.fixture
    def batch(self, tmp_path: Path) -> Path:
        write(tmp_path / "class" / f"{HAND_IN}.ipynb")
        return tmp_path / "class"

    def planned(self, shell: Shell, batch: Path, roster: str) -> Said:
        (batch.parent / "roster.csv").write_text(roster, "utf-8")
        path = batch.parent / "roster.csv"
        return shell.grade(batch, "--dry-run", "--format", "json", "--roster", path)

    @pytest.mark.parametrize("header", ["name,number,email", "Number,Name,EMAIL"])
    def test_the_dry_run_finds_everybody(self, shell: Shell, batch: Path, header: str) -> None:
        row = "김민준,20231234,kx@x.org" if header[0] == "n" else "20231234,김민준,kx@x.org"
        told = json.loads(self.planned(shell, batch, f"{header}\n{row}\n").out)
        assert (told["absent"], told["not_on_roster"]) == ([], [])

    def test_the_grader_s_own_table_of_people_is_a_roster(self, shell: Shell, batch: Path) -> None:
        text = "name,student,on_roster,state,other_files\n김민준,,True,nothing,\n"
        told = json.loads(self.planned(shell, batch, text).out)
        assert (told["absent"], told["not_on_roster"]) == ([], [])

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_a_header_that_says_nothing_of_people_is_refused_with_what_would(
        self, shell: Shell, batch: Path, lang: str
    ) -> None:
        roster = batch.parent / "roster.csv"
        for header in ("foo,bar", ",foo,bar", "#,foo,bar", "foo,bar,,\n이름,학번,,"):
            roster.write_text(f"{header}\n1,김민준,20231234\n", "utf-8")
            said = shell.grade(batch, "--dry-run", "--roster", roster, lang=lang)
            assert said.code == 2
            wanted = (str(roster), "foo, bar", "Name", "학번", "Email")
            assert all(one in said.err for one in wanted)

    @pytest.mark.parametrize("people", [2, 20_000])
    def test_a_quotation_mark_that_is_not_closed_leaves_out_nobody_behind_it(
        self, shell: Shell, batch: Path, people: int
    ) -> None:
        text = 'name,nick,number\n이서연,"KJ",1\n김민준,"KJ,20231234\n'
        said = self.planned(shell, batch, text + "이서연,,20235678\n" * people)
        assert said.code == 2
        assert str(batch.parent / "roster.csv") in said.line
        assert "quotation mark" in said.line

    @pytest.mark.parametrize(
        "text",
        [
            'name,nick,number\n이서연,"KJ,1\nlee,,2\n김민준,"KJ,20231234\n박지후,,3\n',
            'name,nick,"number\n이서연,,1\n김민준,,20231234\n',
        ],
    )
    def test_nor_does_one_that_is_closed_in_a_later_line_or_opened_in_the_header(
        self, shell: Shell, batch: Path, text: str
    ) -> None:
        said = self.planned(shell, batch, text)
        assert (said.code, "quotation mark" in said.line) == (2, True)

    def test_quotation_marks_may_be_anywhere_else(self, shell: Shell, batch: Path) -> None:
        text = 'name,nick,number\n"이서연" ,5" tall,1\n김민준,"""KJ""\nof B",20231234\n'
        told = json.loads(self.planned(shell, batch, f"{text}lee,,2\n").out)
        assert (told["absent"], told["not_on_roster"]) == (["lee", "이서연 "], [])

    def test_a_column_named_for_the_export_will_do(self, shell: Shell, tmp_path: Path) -> None:
        roster = tmp_path / "roster.csv"
        roster.write_text("Kennung,Zimmer\nkim,1\n", "utf-8")
        shell.keep(b.record("kim"))
        arguments = ("export", "--format", "moodle", "--out", shell.out, "--roster", roster)
        assert shell(*arguments).code == 2
        said = shell(*arguments, "--key", "KENNUNG")
        made = (shell.out / "export" / "moodle" / "moodle.csv").read_bytes()
        assert (said.code, rows_of(made)[0][0]) == (3, "Kennung")  # nobody knows a person by it
        assert "kim" in said.err


SECTIONS = '[roster]\nfile = "canvas.csv"\nsection = "{}"\n'


@pytest.mark.parametrize(("named", "code"), [("CLASS", 0), ("class", 0), ("group", 2)])
def test_the_column_of_sections_too_is_found_as_somebody_typed_it(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, code: int
) -> None:
    course = tmp_path / "course"
    course_of(course, "multiplication-lstm")
    (course / "course.toml").write_text(SECTIONS.format(named), "utf-8")
    (course / "canvas.csv").write_text("name,Class\nkim,A\n", "utf-8")
    monkeypatch.setenv("GRADER_COURSE", str(course))
    assert shell("course", "check").code == code
