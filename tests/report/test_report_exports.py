"""Grades reach the school's own system, the right student's and never as an invented zero."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from grader.report import exporters
from grader.report.export import Export
from grader.report.exporters.canvas import KEYS as CANVAS_KEYS
from grader.report.exporters.moodle import KEYS as MOODLE_KEYS
from grader.report.roster import match, match_records, read_roster
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
ABOUT = dict.fromkeys(exporters.load("classroom50").about, "x")


def only_file(form: str, records: list[Record], **given: Any) -> bytes:
    """What the format's one file holds."""
    ((_, content),) = exporters.load(form).files(Export(records, WORDS, TITLES, **given))
    return content


def rows(form: str, records: list[Record], **given: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(only_file(form, records, **given).decode("utf-8"))))


def wrong(student: str = "kim", score: float = 41.666, **changes: object) -> Record:
    checks = (b.check("runs.cells", 10, 10), b.check("structure.layer-1", 31.666, 90))
    grade = b.grade(Verdict.WRONG_ARCHITECTURE, score, checks)
    return b.record(student, grade=grade, **changes)


class TestCanvas:
    def test_the_columns_are_canvas_own(self) -> None:
        table = rows("canvas", [b.record()])
        assert table[0] == [
            *("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Products")
        ]
        assert table[1] == ["    Points Possible", "", "", "", "", "100.00"]

    def test_an_exercise_stands_in_the_column_that_canvas_has_for_it(self) -> None:
        roster = [{"Student": "kim", "Produkte (77)": "", "Other (78)": ""}]
        names = {"multiplication-lstm": ("multiplication-lstm", "Products", "produkte")}
        table = rows("canvas", [b.record("kim")], roster=roster, names=names)
        assert table[0][5:] == ["Produkte (77)"]

    def test_students_are_found_by_login(self) -> None:
        table = rows("canvas", [wrong("KIM")], roster=read_roster(ROSTER), new_columns=True)
        assert table[2] == ["Kim, Minjun", "101", "s1", "kim", "A", "41.67"]

    def test_ungraded_and_missing_stay_empty(self) -> None:
        records = [b.ungraded("kim"), b.record("lee", "sequence-prediction")]
        table = rows("canvas", records)
        assert [row[5:] for row in table[2:]] == [["", ""], ["100.00", ""]]

    def test_the_last_of_several_submissions_counts(self) -> None:
        records = [wrong(submission="a"), b.record("kim", submission="b"), wrong(submission="c")]
        assert rows("canvas", records)[2][5:] == ["41.67"]
        assert rows("canvas", records[:2])[2][5:] == ["100.00"]

    def test_a_name_cannot_be_a_formula(self) -> None:
        assert rows("canvas", [b.record("=1+1")])[2][0] == "'=1+1"


class TestRoster:
    def test_a_name_that_two_share_matches_nobody(self) -> None:
        roster = [{"Student": "Kim", "ID": "1"}, {"Student": "kim", "ID": "2"}]
        assert match(["kim"], roster, CANVAS_KEYS) == {}
        export = Export([b.record("kim")], WORDS, TITLES, roster=roster)
        assert export.strangers(CANVAS_KEYS) == ["kim"]

    def test_a_login_wins_over_an_equal_name(self) -> None:
        roster = [{"Student": "kim", "SIS Login ID": "lee"}, {"SIS Login ID": "kim"}]
        assert match(["kim"], roster, CANVAS_KEYS) == {1: "kim"}

    def test_two_students_never_share_a_row(self) -> None:
        roster = [{"Student": "kim", "SIS Login ID": "lee"}]
        assert match(["kim", "lee"], roster, CANVAS_KEYS) == {0: "lee"}

    def test_a_file_name_in_a_student_s_folder_is_no_other_student(self) -> None:
        roster = [{"Student": "Kim", "ID": "1234"}, {"Student": "Eve", "ID": "5678"}]
        assert match(["1234", "5678/x_1234"], roster, CANVAS_KEYS) == {0: "1234"}
        assert match(["5678/kim_1234"], roster, CANVAS_KEYS) == {}

    def test_composed_and_decomposed_names_are_the_same(self) -> None:
        assert match(["\u1100\u1175\u11b7"], [{"Student": "김"}], CANVAS_KEYS) == {
            0: "\u1100\u1175\u11b7"
        }

    @pytest.mark.parametrize(
        "roster",
        [
            [{"First name": "길동", "Last name": "홍"}, {"First name": "민준", "Last name": "김"}],
            [{"이름": "길동", "성": "홍", "학번": "20231234"}, {"이름": "길동", "성": "김"}],
            [{"Full name": "홍 길동", "username": "h"}, {"Full name": "홍길순"}],
            [{"이름": "홍길동"}, {"이름": "길동"}],
            [{"Full name": "길동 홍", "Identifier": ""}],
        ],
    )
    def test_whom_moodle_named_is_found_by_name_where_no_number_is_known(
        self, roster: list[dict[str, str]]
    ) -> None:
        assert match(["홍길동_123456"], roster, MOODLE_KEYS) == {0: "홍길동_123456"}

    @pytest.mark.parametrize(
        ("students", "roster"),
        [
            (["홍길동_1", "홍길동_2"], [{"Full name": "홍길동"}]),
            (["홍길동_1"], [{"Full name": "홍길동"}, {"Full name": "홍 길동"}]),
            (["홍길동_1"], [{"Full name": "홍길동", "Identifier": "Participant 2"}]),
            (["홍길동_1", "길동홍_2"], [{"First name": "길동", "Last name": "홍"}]),
            (["길동"], [{"First name": "길동", "Last name": "홍"}]),
            (["kim/홍길동_1"], [{"Full name": "홍길동"}]),
        ],
    )
    def test_a_full_name_that_may_be_another_s_matches_nobody(
        self, students: list[str], roster: list[dict[str, str]]
    ) -> None:
        assert match(students, roster, MOODLE_KEYS) == {}

    @pytest.mark.parametrize("typed", ["오세훈", "오 세훈", "s7", "o@x.org"])
    @pytest.mark.parametrize(
        "person",
        [
            {"Full name": "세훈 오"},
            {"전체 이름": "오세훈"},
            {"First name": "세훈", "Last name": "오"},
        ],
    )
    def test_whom_a_teacher_named_without_a_hand_in_is_found_by_name(
        self, typed: str, person: dict[str, str]
    ) -> None:
        about = {"Identifier": "Participant 7", "ID number": "s7", "Email address": "o@x.org"}
        roster = [{"Identifier": "Participant 6", "Full name": "한유진"}, about | person]
        records = [b.record("한유진_6"), b.record(typed, submission="")]
        assert match_records(records, roster, MOODLE_KEYS) == {0: "한유진_6", 1: typed}

    @pytest.mark.parametrize(
        ("records", "roster"),
        [
            ([b.record("오세훈")], [{"Full name": "오세훈"}, {"Full name": "오 세훈"}]),
            (
                [b.record("오세훈", submission="")],
                [{"Full name": "오세훈"}, {"Full name": "오 세훈"}],
            ),
            ([b.record("세훈", submission="")], [{"First name": "세훈", "Last name": "오"}]),
        ],
    )
    def test_a_name_that_two_share_or_half_of_one_is_nobody_s_row(
        self, records: list[Record], roster: list[dict[str, str]]
    ) -> None:
        assert match_records(records, roster, MOODLE_KEYS) == {}

    def test_whoever_handed_in_keeps_the_row(self) -> None:
        roster = [{"Identifier": "Participant 7", "Full name": "오세훈"}]
        records = [b.record("오세훈_7"), b.record("오세훈", submission="")]
        assert match_records(records, roster, MOODLE_KEYS) == {0: "오세훈_7"}

    def test_who_is_not_in_the_roster_is_named(self) -> None:
        records = [b.record("kim"), b.record("stranger")]
        export = Export(records, WORDS, TITLES, roster=read_roster(ROSTER))
        assert export.strangers(CANVAS_KEYS) == ["stranger"]


class TestMoodle:
    def test_a_dash_is_no_grade(self) -> None:
        table = rows("moodle", [b.ungraded("kim"), b.record("lee")], key="username")
        assert table == [["username", "Products"], ["kim", "-"], ["lee", "100.00"]]

    def test_the_identifying_column_comes_from_the_roster(self) -> None:
        roster = [{"username": "kim", "email": "kim@example.org"}]
        table = rows("moodle", [b.record("kim")], roster=roster, key="email")
        assert table == [["email", "Products"], ["kim@example.org", "100.00"]]


class TestNbgrader:
    def test_columns_and_an_empty_score_where_ungraded(self) -> None:
        header, graded, waiting = rows("nbgrader", [wrong(), b.ungraded("lee")])
        assert header == [
            *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name"),
            *("email", "raw_score", "late_submission_penalty", "score", "max_score"),
        ]
        assert graded[7:] == ["41.67", "0", "41.67", "100"]
        assert waiting[9] == ""


class TestGradescope:
    def test_the_score_is_the_sum_and_every_check_a_test(self) -> None:
        told = json.loads(only_file("gradescope", [wrong()]))
        assert told["score"] == 41.67
        assert [(t["score"], t["max_score"], t["status"]) for t in told["tests"]] == [
            (10.0, 10.0, "passed"),
            (31.67, 90.0, "failed"),
        ]

    def test_ungraded_gives_no_score_at_all(self) -> None:
        told = json.loads(only_file("gradescope", [b.record(), b.ungraded(exercise="x")]))
        assert "score" not in told


class TestClassroom50:
    def test_totals_are_whole_numbers(self) -> None:
        told = json.loads(only_file("classroom50", [wrong(), b.record(exercise="x")], about=ABOUT))
        assert (told["score"], told["max-score"]) == (142, 200)
        assert all(isinstance(told[name], int) for name in ("score", "max-score"))
        assert told["schema"] == "classroom50/result/v1"

    def test_ungraded_is_refused_since_it_would_become_a_zero(self) -> None:
        with pytest.raises(GraderError) as caught:
            only_file("classroom50", [b.ungraded()], about=ABOUT)
        assert caught.value.message.id == "report.export_ungraded"
