"""Grades reach the school's own system, the right student's and never as an invented zero."""

from __future__ import annotations

import csv
import io
import json

import pytest

from grader.report.exports import (
    Classroom50,
    canvas_csv,
    classroom50_json,
    gradescope_json,
    moodle_csv,
    nbgrader_csv,
)
from grader.report.roster import CANVAS_KEYS, match, read_roster, unmatched
from grader.text.words import Words
from grader.types import GraderError, Record, Verdict
from tests.support import builders as b

WORDS = Words("en")
TITLES = {"sequence-prediction": "Sequences", "multiplication-lstm": "Products"}
ROSTER = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Old (12)
    Points Possible,,,,,10
"Kim, Minjun",101,s1,kim,A,7
"Lee, Seoyeon",102,s2,lee,A,8
"""
ABOUT = Classroom50("c", "a", "individual", "o", "s", "sha", "r", "v", "2026-03-02T09:00:00Z")


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def wrong(student: str = "kim", score: float = 41.666, **changes: object) -> Record:
    checks = (b.check("runs.cells", 10, 10), b.check("structure.layer-1", 31.666, 90))
    grade = b.grade(Verdict.WRONG_ARCHITECTURE, score, checks)
    return b.record(student, grade=grade, **changes)


class TestCanvas:
    def test_the_columns_are_canvas_own(self) -> None:
        table = rows(canvas_csv([b.record()], TITLES, assignments={"multiplication-lstm": "77"}))
        assert table[0] == [
            *("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Products (77)")
        ]
        assert table[1] == ["    Points Possible", "", "", "", "", "100.00"]

    def test_students_are_found_by_login(self) -> None:
        table = rows(canvas_csv([wrong("KIM")], TITLES, read_roster(ROSTER)))
        assert table[2:] == [["Kim, Minjun", "101", "s1", "kim", "A", "41.67"]]

    def test_ungraded_and_missing_stay_empty(self) -> None:
        records = [b.ungraded("kim"), b.record("lee", "sequence-prediction")]
        table = rows(canvas_csv(records, TITLES))
        assert [row[5:] for row in table[2:]] == [["", ""], ["100.00", ""]]

    def test_the_best_of_several_submissions_counts(self) -> None:
        records = [wrong(submission="a"), b.record("kim", submission="b"), wrong(submission="c")]
        assert rows(canvas_csv(records, TITLES))[2][5:] == ["100.00"]

    def test_a_name_cannot_be_a_formula(self) -> None:
        assert rows(canvas_csv([b.record("=1+1")], TITLES))[2][0] == "'=1+1"


class TestRoster:
    def test_a_name_that_two_share_matches_nobody(self) -> None:
        roster = [{"Student": "Kim", "ID": "1"}, {"Student": "kim", "ID": "2"}]
        assert match(["kim"], roster, CANVAS_KEYS) == {}
        assert unmatched([b.record("kim")], roster, CANVAS_KEYS) == ["kim"]

    def test_a_login_wins_over_an_equal_name(self) -> None:
        roster = [{"Student": "kim", "SIS Login ID": "lee"}, {"SIS Login ID": "kim"}]
        assert match(["kim"], roster, CANVAS_KEYS) == {1: "kim"}

    def test_two_students_never_share_a_row(self) -> None:
        roster = [{"Student": "kim", "SIS Login ID": "lee"}]
        assert match(["kim", "lee"], roster, CANVAS_KEYS) == {0: "lee"}

    def test_composed_and_decomposed_names_are_the_same(self) -> None:
        assert match(["\u1100\u1175\u11b7"], [{"Student": "김"}], CANVAS_KEYS) == {
            0: "\u1100\u1175\u11b7"
        }

    def test_who_is_not_in_the_roster_is_named(self) -> None:
        records = [b.record("kim"), b.record("stranger")]
        assert unmatched(records, read_roster(ROSTER), CANVAS_KEYS) == ["stranger"]


class TestMoodle:
    def test_a_dash_is_no_grade(self) -> None:
        table = rows(moodle_csv([b.ungraded("kim"), b.record("lee")], TITLES))
        assert table == [["username", "Products"], ["kim", "-"], ["lee", "100.00"]]

    def test_the_identifying_column_comes_from_the_roster(self) -> None:
        roster = [{"username": "kim", "email": "kim@example.org"}]
        table = rows(moodle_csv([b.record("kim")], TITLES, roster, key="email"))
        assert table == [["email", "Products"], ["kim@example.org", "100.00"]]


class TestNbgrader:
    def test_columns_and_an_empty_score_where_ungraded(self) -> None:
        header, graded, waiting = rows(nbgrader_csv([wrong(), b.ungraded()]))
        assert header == [
            *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name"),
            *("email", "raw_score", "late_submission_penalty", "score", "max_score"),
        ]
        assert graded[7:] == ["41.67", "0", "41.67", "100"]
        assert waiting[9] == ""


class TestGradescope:
    def test_the_score_is_the_sum_and_every_check_a_test(self) -> None:
        told = gradescope_json([wrong()], WORDS)
        assert told["score"] == 41.67
        tests = json.loads(json.dumps(told["tests"]))
        assert [(t["score"], t["max_score"], t["status"]) for t in tests] == [
            (10.0, 10.0, "passed"),
            (31.67, 90.0, "failed"),
        ]

    def test_ungraded_gives_no_score_at_all(self) -> None:
        told = gradescope_json([b.record(), b.ungraded(exercise="x")], WORDS)
        assert "score" not in told


class TestClassroom50:
    def test_totals_are_whole_numbers(self) -> None:
        told = classroom50_json([wrong(), b.record(exercise="x")], ABOUT, WORDS)
        assert (told["score"], told["max-score"]) == (142, 200)
        assert all(isinstance(told[name], int) for name in ("score", "max-score"))
        assert told["schema"] == "classroom50/result/v1"

    def test_ungraded_is_refused_since_it_would_become_a_zero(self) -> None:
        with pytest.raises(GraderError) as caught:
            classroom50_json([b.ungraded()], ABOUT, WORDS)
        assert caught.value.message.id == "report.export_ungraded"
