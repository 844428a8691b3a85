"""Whom --absent may name: nobody becomes a second student by a slip in a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.record import hand_file
from tests.support import builders as b
from tests.support.cli_help import Said, Shell

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
MOODLE = """이름,성,username,학번
하준,정,jhj,20230001
유진,한,hyj,20230002
서연,이,lsy1,20230003
서연,이,lsy2,20230004
"""


@pytest.fixture
def shell(shell: Shell) -> Shell:
    shell.keep(b.record("정하준", LSTM))
    return shell


@pytest.fixture
def roster(shell: Shell, tmp_path: Path) -> Path:
    """The class, with two of the same name."""
    path = tmp_path / "class.csv"
    path.write_text(MOODLE, "utf-8")
    shell("report", "--out", shell.out, "--roster", path)
    return path


def excuse(shell: Shell, student: str, exercise: str = GRU, lang: str = "en") -> Said:
    why = ("--reason", "was ill", "--by", "lee")
    return shell("excuse", student, exercise, "--absent", *why, "--out", shell.out, "--lang", lang)


def named(shell: Shell) -> list[str]:
    return [one.student for one in hand_file.read(shell.out).by_hand.lines]


@pytest.mark.usefixtures("roster")
class TestWithARoster:
    @pytest.mark.parametrize(
        ("typed", "near"),
        [("한유징", "한유진"), ("정하쥰", "정하준"), ("2023002", "한유진"), ("hyi", "한유진")],
    )
    def test_a_mistyped_name_is_refused_and_the_nearest_are_named(
        self, shell: Shell, typed: str, near: str
    ) -> None:
        said = excuse(shell, typed)
        assert said.code == 2
        assert near in said.line
        assert named(shell) == []

    def test_who_is_nobody_s_neighbour_is_refused_too(self, shell: Shell) -> None:
        said = excuse(shell, "Smith", lang="ko")
        assert said.code == 2
        assert "Smith" in said.line
        assert "명단" in said.line
        assert named(shell) == []

    def test_two_of_the_same_name_are_told_apart_by_login(self, shell: Shell) -> None:
        said = excuse(shell, "이서연")
        assert said.code == 2
        assert "lsy1, lsy2" in said.line
        assert named(shell) == []
        assert excuse(shell, "20230003").code == 0

    @pytest.mark.parametrize("typed", ["한유진", "유진 한", "20230002"])
    def test_as_the_roster_has_it_is_taken(self, shell: Shell, typed: str) -> None:
        said = excuse(shell, typed)
        assert (said.code, said.err, named(shell)) == (0, "", [typed])

    def test_a_number_and_a_name_make_one_student(self, shell: Shell) -> None:
        assert excuse(shell, "한유진", GRU).code == 0
        assert excuse(shell, "20230002", LSTM).code == 0
        assert named(shell) == ["한유진", "한유진"]

    def test_whose_work_is_there_keeps_one_name(self, shell: Shell) -> None:
        assert excuse(shell, "하준 정").code == 0
        assert named(shell) == ["정하준"]


class TestWithoutOne:
    def test_who_is_nearly_called_so_is_named_with_how_to_take_it_back(self, shell: Shell) -> None:
        said = excuse(shell, "정하쥰")
        assert said.code == 0
        assert "정하준" in said.line
        assert "undo" in said.out
        assert named(shell) == ["정하쥰"]

    def test_who_is_not_is_simply_taken(self, shell: Shell) -> None:
        said = excuse(shell, "한유진")
        assert (said.code, said.err) == (0, "")


def test_a_roster_whose_columns_are_its_own_is_one_too(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text("번호,수강생\n1,정하준\n2,한유진\n", "utf-8")
    shell("report", "--out", shell.out, "--roster", path)
    assert excuse(shell, "한유징").code == 2
    assert excuse(shell, "한유진").code == 0


@pytest.mark.parametrize("table", ["people.csv", "grades.csv"])
def test_a_table_of_the_grader_s_own_is_no_roster(shell: Shell, tmp_path: Path, table: str) -> None:
    shell.keep(b.record("kim"))
    shell("report", "--out", shell.out)
    before = (shell.out / table).read_bytes()
    said = shell("report", "--out", shell.out, "--roster", shell.out / table, "--lang", "en")
    assert said.code == 2
    assert "is a table that the grader writes itself" in said.line
    assert (shell.out / table).read_bytes() == before
    copy = tmp_path / table
    copy.write_bytes((shell.out / table).read_bytes())
    assert shell("report", "--out", shell.out, "--roster", copy).code == 0
