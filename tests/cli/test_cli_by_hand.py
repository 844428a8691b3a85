"""By hand: said once, shown everywhere, taken back at will, and nobody is guessed."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from grader.record import class_file, hand_file
from grader.record.class_file import Aside, Look
from grader.record.store import Store
from grader.text.words import Words
from grader.types import HandKind, HandLine, Message, Verdict
from tests.record.test_forgetting import files_naming
from tests.support import builders as b
from tests.support.cli_help import Said, Shell

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
HOSTILE = '=HYPERLINK("http://evil")\x1b[31m<script>alert(1)</script>\u202egpj @everyone'


@pytest.fixture
def shell(shell: Shell) -> Shell:
    shell.keep(b.record("kim", LSTM, grade=b.grade(Verdict.UNTRAINED, 63.0)))
    shell.keep(b.record("kim", GRU, grade=b.grade(Verdict.UNTRAINED, 50.0)))
    shell.keep(b.record("김민준_1234", LSTM), b.ungraded("jung", LSTM))
    return shell


def by_hand(shell: Shell, *arguments: object, by: str | None = "lee", lang: str = "en") -> Said:
    author = ("--by", by) if by is not None else ()
    return shell(*arguments, *author, "--out", shell.out, "--lang", lang)


def override(shell: Shell, *arguments: object, score: object = 80) -> Said:
    return by_hand(shell, "override", *arguments, "--score", score, "--reason", "oral exam")


def ids(shell: Shell) -> list[str]:
    return [one.id for one in hand_file.read(shell.out).by_hand.lines]


def _lines(shell: Shell) -> list[HandLine]:
    return list(hand_file.read(shell.out).by_hand.lines)


def rows(shell: Shell) -> dict[tuple[str, str], dict[str, str]]:
    text = (shell.out / "grades.csv").read_text(encoding="utf-8-sig")
    found = csv.DictReader(io.StringIO(text))
    return {(row["student"], row["exercise"]): row for row in found}


def results(shell: Shell) -> dict[tuple[str, str], Any]:
    said = shell("report", "--out", shell.out, "--format", "json", "--lang", "en")
    return {(one["student"], one["exercise"]): one for one in json.loads(said.out)["results"]}


class TestOverride:
    def test_both_numbers_stand_on_every_page(self, shell: Shell) -> None:
        said = override(shell, "kim", LSTM)
        assert (said.code, said.err) == (0, "")
        assert "63 → 80 of 100" in said.out
        told = "Score by hand: 80 instead of the grader&#39;s 63. oral exam (lee, "
        assert told in shell.page("kim")
        assert told in (shell.out / "index.html").read_text(encoding="utf-8")
        row = rows(shell)["kim", LSTM]
        assert (row["score"], row["found_score"], row["by_hand"]) == ("80.0", "63.0", "override")
        assert (row["text_by_hand"], row["decided_by"]) == ("oral exam", "lee")
        one = results(shell)["kim", LSTM]
        assert (one["score"], one["verdict"]) == (80, "by_hand")
        assert one["by_hand"]["found"]["score"] == 63
        assert one["by_hand"]["decision"]["by"] == "lee"

    def test_no_record_changes(self, shell: Shell) -> None:
        before = {path: path.read_bytes() for path in shell.out.rglob("record.json")}
        override(shell, "kim", LSTM)
        assert {path: path.read_bytes() for path in shell.out.rglob("record.json")} == before

    def test_several_exercises_at_once(self, shell: Shell) -> None:
        override(shell, "kim", f"{LSTM},{GRU}")
        assert [rows(shell)["kim", one]["score"] for one in (LSTM, GRU)] == ["80.0", "80.0"]

    def test_the_same_said_twice_is_written_once(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        said = override(shell, "kim", LSTM)
        assert "it is so already" in said.out
        assert len(ids(shell)) == 1

    def test_work_that_waits_for_a_teacher_is_settled(self, shell: Shell) -> None:
        waits = b.grade(Verdict.SUSPICIOUS, 100.0, flags=("needs_review",))
        shell.keep(b.record("park", LSTM, grade=waits))
        shell("report", "--out", shell.out, "--lang", "en")
        override(shell, "park", LSTM, score=100)
        one = results(shell)["park", LSTM]
        assert (one["verdict"], one["score"], one["flags"]) == ("accepted", 100, [])

    def test_what_a_fault_of_ours_left_ungraded_gets_its_score(self, shell: Shell) -> None:
        assert shell("report", "--out", shell.out, "--lang", "en").code == 3
        override(shell, "jung", LSTM, score=40)
        assert shell("report", "--out", shell.out, "--lang", "en").code == 1
        assert rows(shell)["jung", LSTM]["score"] == "40.0"

    @pytest.mark.parametrize("score", [-1, 100.5, "nan", "inf"])
    def test_no_score_outside_the_exercises_points(self, shell: Shell, score: object) -> None:
        said = override(shell, "kim", LSTM, score=score)
        assert said.code == 2
        assert ids(shell) == []

    def test_it_outlives_a_regrade(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        shell("regrade", "--out", shell.out, "--lang", "en")
        assert rows(shell)["kim", LSTM]["score"] == "80.0"
        assert rows(shell)["kim", LSTM]["found_score"] != "63.0"


class TestWho:
    @pytest.mark.parametrize("name", ["KIM", " kim "])
    def test_capitals_and_blanks_do_not_matter(self, shell: Shell, name: str) -> None:
        assert override(shell, name, LSTM).code == 0

    def test_nor_does_the_form_of_korean_letters(self, shell: Shell) -> None:
        name = unicodedata.normalize("NFD", "김민준_1234")
        assert override(shell, name, LSTM).code == 0
        assert ("김민준_1234", LSTM) in rows(shell)

    @pytest.mark.parametrize("name", ["Kim, Minjun", "kim, minjun", "s7", "김민준_1234", "u1234"])
    @pytest.mark.parametrize("absent", [(), ("--absent",)])
    def test_as_the_roster_has_it_is_as_good(
        self, shell: Shell, tmp_path: Path, name: str, absent: tuple[str, ...]
    ) -> None:
        """Nor does --absent make a second student of somebody whose work is there."""
        roster = tmp_path / "roster.csv"
        lines = ('"Kim, Minjun",7,s7,kim,63', "김민준,1234,s1234,u1234,5", "Lee,8,s8,lee,9")
        header = "Student,ID,SIS User ID,SIS Login ID,HW (1)"
        roster.write_text("\n".join((header, *lines)), "utf-8")
        shell("report", "--out", shell.out, "--roster", roster)
        assert override(shell, name, LSTM, *absent).code == 0
        whose = "kim" if name[0] in "Kks" else "김민준_1234"
        assert rows(shell)[whose, LSTM]["score"] == "80.0"
        assert len(rows(shell)) == 4
        assert "80" in shell("log", name, "--out", shell.out, "--lang", "en").out
        assert f"{whose}: " in by_hand(shell, "forget", name).out

    @pytest.mark.parametrize("name", ["63", "Lee", "HW"])
    def test_what_else_stands_in_the_roster_is_nobody_s(
        self, shell: Shell, tmp_path: Path, name: str
    ) -> None:
        roster = tmp_path / "roster.csv"
        roster.write_text("Student,ID,HW (1)\nkim,7,63\nLee,8,9\n", "utf-8")
        shell("report", "--out", shell.out, "--roster", roster)
        assert override(shell, name, LSTM).code == 2
        assert ids(shell) == []

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            *[("kimm", "kim"), ("민준", "김민준_1234"), ("jung_1", "jung")],
            *[("김민쥰", "김민준_1234"), ("긴민준", "김민준_1234"), ("김민준_1235", "김민준_1234")],
        ],
    )
    def test_nobody_is_guessed_and_the_nearest_are_named(
        self, shell: Shell, name: str, near: str
    ) -> None:
        said = override(shell, name, LSTM)
        assert said.code == 2
        assert f"Did you mean: {near}" in said.line
        assert ids(shell) == []

    @pytest.mark.parametrize(
        ("name", "told"), [("박서준", "by login or number"), ("박서쥰", "Did you mean")]
    )
    def test_of_namesakes_all_are_named(
        self, shell: Shell, tmp_path: Path, name: str, told: str
    ) -> None:
        roster = tmp_path / "roster.csv"
        roster.write_text("Student,SIS Login ID\n박서준,kim\n박서준,jung\n", "utf-8")
        shell("report", "--out", shell.out, "--roster", roster)
        said = override(shell, name, LSTM)
        assert said.code == 2
        named = said.line.partition(f"{told}: ")[2]
        assert sorted(re.findall("kim|jung", named)) == ["jung", "kim"]
        assert ids(shell) == []

    @pytest.mark.parametrize(
        "rows", ["박서준,\n박서준,\n", "박서준,kim\n박서준,\n", "박서준,kim\n박서준,kim\n"]
    )
    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_namesakes_whom_the_roster_does_not_tell_apart_are_told_as_that(
        self, shell: Shell, tmp_path: Path, rows: str, lang: str
    ) -> None:
        """An empty list says nothing, and one of two would be taken for the one that was meant."""
        roster = tmp_path / "roster.csv"
        roster.write_text(f"Student,SIS Login ID\n{rows}", "utf-8")
        shell("report", "--out", shell.out, "--roster", roster)
        score = ("--score", 80, "--reason", "oral exam")
        said = by_hand(shell, "override", "박서준", LSTM, *score, lang=lang)
        assert said.code == 2
        assert ("tells them all apart" if lang == "en" else "구별할") in said.line
        assert ids(shell) == []

    def test_a_title_is_as_good_as_an_id(self, shell: Shell) -> None:
        assert override(shell, "kim", "The multiplication problem with GRU").code == 0
        assert rows(shell)["kim", GRU]["score"] == "80.0"

    def test_the_nearest_exercises_are_named(self, shell: Shell) -> None:
        said = override(shell, "kim", "multiplication-lsmt")
        assert said.code == 2
        assert LSTM in said.line

    def test_whoever_handed_in_nothing_is_there_when_told(self, shell: Shell) -> None:
        assert override(shell, "neu", LSTM).code == 2
        assert override(shell, "neu", LSTM, "--absent", score=70).code == 0
        assert rows(shell)["neu", LSTM]["score"] == "70.0"
        assert "Score by hand: 70." in shell.page("neu")

    def test_a_page_for_such_a_decision_goes_with_it(self, shell: Shell) -> None:
        override(shell, "neu", LSTM, "--absent")
        assert results(shell)["neu", LSTM]["record"].endswith(hand_file.NAME)
        by_hand(shell, "undo", ids(shell)[0])
        assert not (shell.out / "feedback" / "neu.html").exists()
        assert ("neu", LSTM) not in rows(shell)

    def test_nobody_becomes_a_second_student_by_a_capital(self, shell: Shell) -> None:
        assert override(shell, "KIM", LSTM, "--absent").code == 0
        assert rows(shell)["kim", LSTM]["score"] == "80.0"

    def test_whoever_is_to_say_so_is_named(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("grader.cli.opened.getpass.getuser", lambda: "kang")
        by_hand(shell, "excuse", "kim", LSTM, "--reason", "ill", by=None)
        assert hand_file.read(shell.out).by_hand.lines[0].by == "kang"
        assert by_hand(shell, "excuse", "kim", GRU, "--reason", "ill", by=" ").code == 2


class TestExcuse:
    def test_it_is_no_zero_and_in_no_sum(self, shell: Shell) -> None:
        assert by_hand(shell, "excuse", "kim", LSTM, "--reason", "ill").code == 0
        row = rows(shell)["kim", LSTM]
        told = (row["score"], row["max_score"], row["counts"], row["found_score"])
        assert told == ("", "0.0", "False", "63.0")
        left = Words("en")("report.summary", accepted=0, total=1, score="50", max="100")
        assert left in shell.page("kim")
        assert "Excused, so it does not count. ill (lee, " in shell.page("kim")

    def test_a_class_without_other_work_is_accepted_as_a_whole(self, shell: Shell) -> None:
        for student, exercise in (("kim", LSTM), ("kim", GRU), ("jung", LSTM)):
            by_hand(shell, "excuse", student, exercise, "--reason", "ill")
        assert shell("report", "--out", shell.out, "--lang", "en").code == 0


class TestComment:
    def test_the_student_reads_it_and_no_score_changes(self, shell: Shell) -> None:
        assert by_hand(shell, "comment", "kim", LSTM, "--text", "Nice plot").code == 0
        assert "Nice plot (lee, " in shell.page("kim")
        assert rows(shell)["kim", LSTM]["score"] == "63.0"
        assert rows(shell)["kim", LSTM]["comments"] == "Nice plot"

    def test_there_has_to_be_work(self, shell: Shell) -> None:
        said = by_hand(shell, "comment", "jung", GRU, "--text", "x")
        assert said.code == 2
        assert ids(shell) == []


class TestRerun:
    def test_it_is_a_line_with_reason_and_author_that_can_be_taken_back(self, shell: Shell) -> None:
        said = by_hand(shell, "rerun", "kim", "--reason", "the data were late")
        assert said.code == 0
        wished = {(one.kind, one.exercise, one.by) for one in _lines(shell)}
        assert wished == {(HandKind.RERUN, one, "lee") for one in (LSTM, GRU)}
        assert "the data were late" in shell("log", "kim", "--out", shell.out).out
        assert rows(shell)["kim", LSTM]["score"] == "63.0"  # until it has run
        wish = ids(shell)[0]
        assert by_hand(shell, "undo", wish).code == 0
        assert hand_file.read(shell.out).by_hand.undone.keys() == {wish}

    def test_there_has_to_be_work_to_run(self, shell: Shell) -> None:
        assert by_hand(shell, "rerun", "jung", GRU, "--reason", "x").code == 2
        assert ids(shell) == []


class TestUndo:
    def test_what_was_in_force_before_is_again(self, shell: Shell) -> None:
        override(shell, "kim", LSTM, score=70)
        override(shell, "kim", LSTM, score=90)
        said = by_hand(shell, "undo", ids(shell)[1][:6])
        assert "Now: 70" in said.out
        assert rows(shell)["kim", LSTM]["score"] == "70.0"
        by_hand(shell, "undo", ids(shell)[0])
        assert rows(shell)["kim", LSTM]["score"] == "63.0"
        assert "by hand" not in shell.page("kim")

    def test_twice_is_once(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        for _ in range(2):
            assert by_hand(shell, "undo", ids(shell)[0]).code == 0
        assert len(ids(shell)) == 2

    @pytest.mark.parametrize("line", ["zzzz", "", "%"])
    def test_a_line_that_is_none(self, shell: Shell, line: str) -> None:
        said = by_hand(shell, "undo", line)
        assert said.code == 2
        assert "grader log" in said.line

    def test_what_takes_back_cannot_be_taken_back(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        by_hand(shell, "undo", ids(shell)[0])
        assert by_hand(shell, "undo", ids(shell)[1]).code == 2
        assert len(ids(shell)) == 2


class TestLog:
    def test_every_line_stands_there_the_oldest_first(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        by_hand(shell, "excuse", "jung", LSTM, "--reason", "ill")
        by_hand(shell, "undo", ids(shell)[0], by="kang")
        lines = shell("log", "--out", shell.out, "--lang", "en").out.splitlines()
        assert [one[:8] for one in lines] == ids(shell)
        assert f"(taken back by kang: {ids(shell)[2]})" in lines[0]
        (only,) = shell("log", "JUNG", "--out", shell.out, "--lang", "en").out.splitlines()
        assert "ill" in only

    def test_for_programs(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        by_hand(shell, "undo", ids(shell)[0])
        said = shell("log", "--format", "json", "--out", shell.out)
        told = json.loads(said.out)
        assert told["schema"] == "grader/log/v1"
        assert [one["kind"] for one in told["by_hand"]] == ["override", "undo"]
        assert told["by_hand"][0]["undone_by"] == told["by_hand"][1]["id"]

    def test_it_says_so_where_there_is_nothing(self, shell: Shell) -> None:
        said = shell("log", "--out", shell.out, "--lang", "en")
        assert (said.code, "Nothing was done by hand" in said.out) == (0, True)

    def test_a_line_that_cannot_be_read_is_told(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        with (shell.out / hand_file.NAME).open("a") as file:
            file.write("{}\n")
        for command in ("log", "report"):
            said = shell(command, "--out", shell.out, "--lang", "en")
            assert said.code == 3
            assert "line 2" in said.err


class TestForget:
    def test_nothing_goes_before_somebody_is_sure(self, shell: Shell) -> None:
        said = by_hand(shell, "forget", "kim")
        assert (said.code, said.err) == (0, "")
        assert "2 in all" in said.out
        assert ("kim", LSTM) in results(shell)

    def test_what_was_decided_of_somebody_without_work_would_go_too(self, shell: Shell) -> None:
        why = ("--absent", "--reason", "was ill")
        by_hand(shell, "excuse", "neu", GRU, *why)
        by_hand(shell, "undo", ids(shell)[-1])
        said = by_hand(shell, "forget", "neu")
        assert (said.code, said.err) == (0, "")
        assert "2 in all (The multiplication problem with GRU)" in said.out
        assert "Results: 0, lines by hand: 2, notes of files that were left aside: 0" in said.out
        gone = by_hand(shell, "forget", "neu", "--yes")
        assert "2 in all (The multiplication problem with GRU)" in gone.out
        assert [one.erased for one in _lines(shell)] == [2]

    def test_what_was_left_aside_of_somebody_would_go_too(self, shell: Shell) -> None:
        aside = Aside(Message("collect.too_large", {"file": "neu/a.ipynb"}), "neu")
        class_file.write(shell.out, class_file.ClassFile(looks=(Look(("/in",), (aside,)),)))
        said = by_hand(shell, "forget", "neu")
        assert "1 in all" in said.out
        assert "notes of files that were left aside: 1" in said.out
        assert by_hand(shell, "forget", "neu", "--yes").code == 0
        assert files_naming(shell.out, "neu") == []

    def test_of_one_exercise_no_line_about_another_would_go(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        by_hand(shell, "comment", "kim", GRU, "--text", "look again")
        said = by_hand(shell, "forget", "kim", GRU)
        assert "2 in all (The multiplication problem with GRU)" in said.out
        assert "Results: 1, lines by hand: 1," in said.out

    def test_afterwards_no_file_names_the_student(self, shell: Shell) -> None:
        override(shell, "kim", LSTM)
        by_hand(shell, "undo", ids(shell)[0])
        by_hand(shell, "comment", "kim", GRU, "--text", "for kim")
        shell("export", "--format", "canvas", "--out", shell.out)
        shell("regrade", "--out", shell.out)
        said = by_hand(shell, "forget", "kim", "--yes", by="dean")
        assert said.code == 0
        assert "kim" not in said.err
        assert files_naming(shell.out, "kim", "oral exam") == []
        (note,) = hand_file.read(shell.out).by_hand.lines
        assert (note.kind, note.by, note.student, note.text) == (HandKind.FORGET, "dean", "", "")
        assert {who for who, _ in results(shell)} == {"jung", "김민준_1234"}

    def test_trainings_beside_the_records_go_too(self, shell: Shell) -> None:
        """Nobody can tell whose they are; they can be done again."""
        kept = shell.out / ".grader-trained"
        kept.mkdir()
        (kept / "result").touch()
        assert by_hand(shell, "forget", "kim", "--yes").code == 0
        assert not kept.exists()

    def test_one_exercise_alone(self, shell: Shell) -> None:
        by_hand(shell, "forget", "kim", GRU, "--yes")
        assert {what for who, what in results(shell) if who == "kim"} == {LSTM}
        assert GRU not in shell.page("kim")

    def test_a_wish_that_was_cut_off_is_finished_and_takes_nothing_else_along(
        self, shell: Shell
    ) -> None:
        at = "2026-03-04T10:00:00.000000+00:00"
        wish = HandLine("0a", at, "dean", HandKind.FORGET, "kim", GRU, erased=1)
        hand_file.append(shell.out, [wish])
        assert by_hand(shell, "forget", "kim", GRU, "--yes").code == 0
        assert {what for who, what in results(shell) if who == "kim"} == {LSTM}
        assert len(ids(shell)) == 1

    def test_a_wish_that_was_cut_off_does_not_replace_another(self, shell: Shell) -> None:
        at = "2026-03-04T10:00:00.000000+00:00"
        wish = HandLine("0a", at, "dean", HandKind.FORGET, "kim", GRU, erased=1)
        hand_file.append(shell.out, [wish])
        assert by_hand(shell, "forget", "kim", LSTM, "--yes").code == 0
        assert files_naming(shell.out, "kim") == []

    def test_decisions_about_somebody_without_work_can_be_forgotten(self, shell: Shell) -> None:
        override(shell, "neu", LSTM, "--absent")
        assert by_hand(shell, "forget", "neu", "--yes").code == 0
        assert files_naming(shell.out, "neu") == []


class TestEverywhereSafe:
    def test_hostile_text_is_text(self, shell: Shell) -> None:
        said = by_hand(
            *(shell, "override", "kim", LSTM, "--score", 80, "--reason", HOSTILE), by=HOSTILE
        )
        assert said.code == 0
        by_hand(shell, "comment", "kim", LSTM, "--text", HOSTILE, by=HOSTILE)
        shown = [said.out, shell.page("kim"), (shell.out / "index.html").read_text()]
        shown.append(shell("log", "--out", shell.out).out)
        forms = ("gradescope", "canvas", "moodle", "nbgrader")
        shown += [shell("export", "--format", one, "--out", shell.out).out for one in forms]
        exports = (shell.out / "export").rglob("*.*")
        shown += [path.read_text(encoding="utf-8-sig") for path in exports]
        for text in shown:
            assert not {"\x1b", "\u202e"} & set(text)
        assert not any("<script>" in one for one in shown if "<html" in one)
        row = rows(shell)["kim", LSTM]
        for name in ("text_by_hand", "decided_by", "comments"):
            assert row[name].startswith("'=")

    @pytest.mark.parametrize("reason", ["", " ", "\u202e\x1b[31m", "\u3164"])
    def test_a_reason_that_nobody_can_see_is_none(self, shell: Shell, reason: str) -> None:
        said = by_hand(shell, "excuse", "kim", LSTM, "--reason", reason)
        assert said.code == 2
        assert "--reason" in said.line

    def test_a_reason_has_an_end(self, shell: Shell) -> None:
        assert by_hand(shell, "excuse", "kim", LSTM, "--reason", "x" * 2001).code == 2


def test_two_do_not_write_at_a_time(shell: Shell) -> None:
    with Store(shell.out):
        said = override(shell, "kim", LSTM)
    assert said.code == 2
    assert "Another grader" in said.line
    assert ids(shell) == []


def test_a_merge_brings_the_decisions_along_once(shell: Shell, tmp_path: Path) -> None:
    override(shell, "kim", LSTM)
    for _ in range(2):
        shell("merge", shell.out, "--out", tmp_path / "all", "--lang", "en")
    assert hand_file.read(tmp_path / "all").by_hand == hand_file.read(shell.out).by_hand
    assert "Score by hand: 80" in (tmp_path / "all" / "index.html").read_text()


def test_korean_says_it_all_too(shell: Shell) -> None:
    said = by_hand(shell, "override", "kim", LSTM, "--score", 80, "--reason", "구두시험", lang="ko")
    assert "63 → 80 / 100 (직접 매김)" in said.out
    assert "선생님이 매긴 점수: 80점. 채점기의 점수는 63점이었습니다." in shell.page("kim")
