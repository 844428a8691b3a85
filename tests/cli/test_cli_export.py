"""Grades leave for other systems: who is who, who is missing, and never a zero for "not yet"."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from grader.report.exporters.canvas import KEYS as CANVAS_KEYS
from grader.report.exporters.moodle import KEYS as MOODLE_KEYS
from grader.report.roster import match
from tests.support import builders as b
from tests.support.cli_help import Shell

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,The multiplication problem with LSTM (777),Other (5)
    Points Possible,,,,,100,10
"Kim, Minjun",101,s1,kmj,A,,
"Lee, Seoyeon",102,s2,lsy,A,,
"""
ABOUT = {
    "classroom": "c",
    "assignment": "a",
    "assignment_type": "individual",
    "submission": "s",
    "commit": "0" * 40,
    "release": "r",
    "review": "v",
    "datetime": "2026-03-02T09:00:00Z",
}


def export(shell: Shell, form: str, *arguments: object) -> Any:
    return shell("export", "--format", form, "--out", shell.out, "--lang", "en", *arguments)


def table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


class TestCanvas:
    @pytest.fixture
    def roster(self, tmp_path: Path) -> Path:
        path = tmp_path / "roster.csv"
        path.write_text(CANVAS, encoding="utf-8")
        return path

    def test_students_of_canvas_own_zip_are_found_by_number_and_name(
        self, shell: Shell, roster: Path
    ) -> None:
        shell.keep(b.record("kimminjun_101"), b.record("leeseoyeon_102"))
        said = export(shell, "canvas", "--roster", roster)
        assert (said.code, said.err) == (0, "")
        rows = table(shell.out / "export" / "canvas" / "canvas.csv")
        assert [row[0] for row in rows[2:]] == ["Kim, Minjun", "Lee, Seoyeon"]
        assert [row[-1] for row in rows[2:]] == ["100.00", "100.00"]

    def test_canvas_own_column_is_used_again(self, shell: Shell, roster: Path) -> None:
        shell.keep(b.record("kmj"))
        export(shell, "canvas", "--roster", roster)
        header = table(shell.out / "export" / "canvas" / "canvas.csv")[0]
        assert header[-1].endswith("(777)")

    def test_who_is_in_no_row_is_named(self, shell: Shell, roster: Path) -> None:
        shell.keep(b.record("kmj"), b.record("lsy"), b.record("stranger"))
        said = export(shell, "canvas", "--roster", roster)
        assert said.code == 3
        assert "stranger" in said.line
        assert "kmj" not in said.line

    def test_a_number_with_another_name_is_nobodys(self, shell: Shell, roster: Path) -> None:
        shell.keep(b.record("parkjiho_101"))
        told = export(shell, "canvas", "--roster", roster).err.splitlines()
        assert ["parkjiho_101" in line for line in told] == [True, False]
        assert "Kim, Minjun; Lee, Seoyeon" in told[1]

    def test_without_a_roster_everybody_is_there(self, shell: Shell) -> None:
        shell.keep(b.record("kim"), b.record("lee"))
        assert export(shell, "canvas").code == 0
        assert len(table(shell.out / "export" / "canvas" / "canvas.csv")) == 4

    def test_what_is_not_graded_stays_empty_and_is_said(self, shell: Shell) -> None:
        shell.keep(b.ungraded("kim"))
        said = export(shell, "canvas")
        assert said.code == 3
        assert "kim" in said.line
        assert table(shell.out / "export" / "canvas" / "canvas.csv")[2][-1] == ""

    def test_a_notebook_of_no_known_exercise_is_said(self, shell: Shell) -> None:
        shell.keep(b.record("kim"), b.record("lee", "unknown"))
        said = export(shell, "canvas")
        assert said.code == 3
        assert "lee" in said.line
        assert "kim" not in said.line

    def test_what_has_no_column_is_not_counted(self, shell: Shell, roster: Path) -> None:
        shell.keep(b.record("kmj"), b.record("lsy", "unknown"), b.record("lsy", GRU))
        said = export(shell, "canvas", "--roster", roster)
        assert said.out.startswith("Results exported: 1,")
        assert GRU in said.err

    def test_another_place_may_be_named(self, shell: Shell, tmp_path: Path) -> None:
        shell.keep(b.record())
        said = export(shell, "canvas", "--to", tmp_path / "elsewhere")
        assert str(tmp_path / "elsewhere" / "canvas.csv") in said.out

    def test_a_roster_from_a_korean_spreadsheet_is_read(self, shell: Shell, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_bytes("Student,ID\n김민준,101\n".encode("cp949"))
        shell.keep(b.record("김민준_101"))
        assert export(shell, "canvas", "--roster", path).code == 0

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\xd8\x80", b"Student,ID\n"])
    def test_a_roster_that_is_none_is_refused(
        self, shell: Shell, tmp_path: Path, content: bytes
    ) -> None:
        path = tmp_path / "roster.csv"
        path.write_bytes(content)
        shell.keep(b.record())
        said = export(shell, "canvas", "--roster", path)
        assert said.code == 2
        assert "roster.csv" in said.line

    @pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("indent", [None, 1])
    def test_a_notebook_as_roster_is_refused(
        self, shell: Shell, tmp_path: Path, bom: bytes, indent: int | None
    ) -> None:
        path = tmp_path / "multiplication-lstm.ipynb"
        cells = [{"cell_type": "code", "source": ["Student,ID\n", "kim,1\n"]}]
        path.write_bytes(bom + json.dumps({"cells": cells}, indent=indent).encode())
        shell.keep(b.record())
        said = export(shell, "canvas", "--roster", path)
        assert said.code == 2
        assert "is a notebook" in said.line

    @pytest.mark.parametrize("content", [b"PK\x03\x04 a spreadsheet", b"%PDF-1.4", b'["a", "b"]'])
    def test_what_is_no_csv_is_refused_with_what_to_do(
        self, shell: Shell, tmp_path: Path, content: bytes
    ) -> None:
        path = tmp_path / "roster.csv"
        path.write_bytes(content)
        shell.keep(b.record())
        said = export(shell, "canvas", "--roster", path)
        assert said.code == 2
        assert "save it as CSV" in said.line

    def test_a_name_in_brackets_makes_no_notebook_of_a_roster(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        path = tmp_path / "roster.csv"
        path.write_text("[Student],ID\nkim,1\n", encoding="utf-8")
        shell.keep(b.record("1"))
        assert export(shell, "canvas", "--roster", path).code == 0

    def test_a_spreadsheets_unicode_text_is_read(self, shell: Shell, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_text("Student\tID\n김민준\t101\n", encoding="utf-16")
        shell.keep(b.record("김민준"))
        assert export(shell, "canvas", "--roster", path).code == 0

    def test_a_missing_roster_is_refused(self, shell: Shell, tmp_path: Path) -> None:
        shell.keep(b.record())
        assert export(shell, "canvas", "--roster", tmp_path / "none.csv").code == 2


class TestRosterNumbers:
    def test_moodles_worksheet_is_matched_by_participant(self) -> None:
        roster = [{"Identifier": "Participant 55", "Full name": "김 민준"}]
        assert match(["김 민준_55"], roster, MOODLE_KEYS) == {0: "김 민준_55"}

    def test_the_order_of_names_does_not_matter(self) -> None:
        roster = [{"Student": "Kim, Minjun", "ID": "7"}]
        assert match(["minjunkim_7"], roster, CANVAS_KEYS) == {0: "minjunkim_7"}

    def test_two_students_with_one_number_are_nobody(self) -> None:
        roster = [{"Student": "Kim, Minjun", "ID": "7"}]
        assert match(["kimminjun_7", "minjunkim_7"], roster, CANVAS_KEYS) == {}


class TestMoodle:
    def test_the_column_is_chosen(self, shell: Shell, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_text("username,Email address\nkim,kim@example.org\n", encoding="utf-8")
        shell.keep(b.record("kim"))
        assert export(shell, "moodle", "--roster", path, "--key", "Email address").code == 0
        rows = table(shell.out / "export" / "moodle" / "moodle.csv")
        assert [row[0] for row in rows] == ["Email address", "kim@example.org"]

    def test_a_column_that_is_not_there_is_refused(self, shell: Shell, tmp_path: Path) -> None:
        path = tmp_path / "roster.csv"
        path.write_text("idnumber\nkim\n", encoding="utf-8")
        shell.keep(b.record("kim"))
        said = export(shell, "moodle", "--roster", path, "--key", "username")
        assert said.code == 2
        assert "username" in said.line
        assert "--key" in said.line

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_a_worksheet_with_other_titles_is_no_list_of_participants(
        self, shell: Shell, tmp_path: Path, lang: str
    ) -> None:
        path = tmp_path / "worksheet.csv"
        header = "식별자,이름,이메일 주소,상태,성적,최고 성적,최종 변경 (성적),피드백 의견"
        path.write_text(f"{header}\n참가자12,김민준,mj@x.kr,제출됨,,100,-,\n", encoding="utf-8")
        shell.keep(b.record("김민준"))
        said = export(shell, "moodle", "--roster", path, "--lang", lang)
        assert said.code == 2
        assert "마지막 수정됨(성적)" in said.line
        assert "최종 변경 (성적)" in said.line
        assert export(shell, "moodle", "--roster", path, "--key", "이메일 주소").code == 0
        rows = table(shell.out / "export" / "moodle" / "moodle.csv")
        assert rows[1] == ["mj@x.kr", "100.00"]


class TestOthers:
    def test_nbgrader_has_a_row_per_record(self, shell: Shell) -> None:
        shell.keep(b.record("kim"), b.record("lee"))
        assert export(shell, "nbgrader").code == 0
        assert len(table(shell.out / "export" / "nbgrader" / "nbgrader.csv")) == 3

    def test_gradescope_has_one_file_for_one_student(self, shell: Shell) -> None:
        shell.keep(b.record("kim"))
        export(shell, "gradescope")
        told = json.loads((shell.out / "export" / "gradescope" / "results.json").read_text())
        assert told["score"] == 100

    def test_gradescope_has_a_folder_each_for_several(self, shell: Shell) -> None:
        shell.keep(b.record("kim"), b.record("../lee"))
        export(shell, "gradescope")
        folder = shell.out / "export" / "gradescope"
        found = sorted(path.relative_to(folder) for path in folder.rglob("results.json"))
        assert len(found) == 2
        assert all(len(path.parts) == 2 for path in found)

    def test_classroom_50_says_what_it_needs(self, shell: Shell) -> None:
        shell.keep(b.record("kim"))
        said = export(shell, "classroom50")
        assert said.code == 2
        assert "assignment_type" in said.line

    def test_classroom_50_gets_it_from_a_file(self, shell: Shell, tmp_path: Path) -> None:
        about = tmp_path / "about.json"
        about.write_text(json.dumps(ABOUT), encoding="utf-8")
        shell.keep(b.record("kim"))
        assert export(shell, "classroom50", "--about", about).code == 0
        told = json.loads((shell.out / "export" / "classroom50" / "result.json").read_text())
        assert (told["owner"], told["score"], told["max-score"]) == ("kim", 100, 100)

    def test_classroom_50_names_what_is_missing(self, shell: Shell, tmp_path: Path) -> None:
        about = tmp_path / "about.json"
        about.write_text(json.dumps({"classroom": "c"}), encoding="utf-8")
        shell.keep(b.record("kim"))
        assert export(shell, "classroom50", "--about", about).code == 2

    def test_there_must_be_results(self, shell: Shell) -> None:
        assert export(shell, "canvas").code == 2
