"""Points that wait for a teacher are said wherever a score is, and are neither right nor wrong."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from grader.policy.by_rules import laid_over
from grader.policy.hand_ins import Counting
from grader.policy.late import LatePolicy
from grader.policy.rules import Rules, Terms
from grader.report import wording
from grader.report.export import Export
from grader.report.exporters import load
from grader.report.feedback import feedback_page
from grader.report.gradebook import gradebook
from grader.report.json_ import results_json
from grader.report.junit import junit
from grader.report.overview import index_page
from grader.report.table import render_table
from grader.text.words import Words
from grader.types import Message, Record, Verdict
from tests.support import builders as b

WORDS = Words("en")
WHY = Message("waiting.learned_nothing")
CHECKS = tuple(
    replace(one, points=0.0, waiting=one.points, message=WHY)
    if one.id.startswith(("training", "accuracy"))
    else one
    for one in b.full_checks()
)
RECORD = b.record(grade=b.grade(Verdict.WAITING, 60.0, CHECKS))
SAID = WORDS("waiting.learned_nothing")


def exported(name: str, *records: Record) -> dict[str, bytes]:
    return dict(load(name).files(Export(records, WORDS, {}, key="username")))


def test_what_waits_is_told_beside_the_score_in_the_table_of_grades() -> None:
    rows = list(csv.DictReader(io.StringIO(gradebook([RECORD, b.record("lee")], WORDS))))
    assert [(row["verdict"], row["score"], row["waiting"]) for row in rows] == [
        ("waiting", "60.0", "40.0"),
        ("accepted", "100.0", ""),
    ]
    assert rows[0]["first_reason"] == SAID


def test_what_waits_is_told_to_other_programs() -> None:
    (told,) = results_json([RECORD], WORDS, lambda _: "")["results"]  # type: ignore[union-attr]
    assert isinstance(told, dict)
    assert (told["verdict"], told["score"], told["waiting"]) == ("waiting", 60.0, 40.0)
    checks = told["checks"]
    assert isinstance(checks, list)
    assert [one["waiting"] for one in checks if "waiting" in one] == [7.5, 7.5, 25.0]  # type: ignore[index,operator]


def test_a_student_reads_which_points_wait_and_why() -> None:
    page = feedback_page("kim", [RECORD], WORDS, {})
    assert WORDS("report.waits_total", points="40") in page
    assert SAID in page
    assert page.count("#i-waits") == 2 + 3  # two questions, three checks
    assert WORDS("report.waits", points="25") in page
    assert "#i-waits" not in feedback_page("kim", [b.record()], WORDS, {})


def test_a_teacher_is_asked_to_look() -> None:
    page = index_page([RECORD], WORDS, {}, {})
    assert SAID in page
    (row,) = render_table([RECORD], WORDS).rows
    assert row.reason == f"{SAID} (+40 wait)"


def test_a_test_that_waits_neither_passed_nor_failed() -> None:
    suite = ET.fromstring(junit([RECORD, b.record("kim", "char-text")], WORDS))
    (told,) = suite.iter("testsuite")
    assert (told.get("tests"), told.get("failures"), told.get("skipped")) == ("2", "0", "1")
    (skipped,) = suite.iter("skipped")
    assert skipped.get("message") == SAID


def test_gradescope_is_told_no_status_of_what_waits() -> None:
    (data,) = exported("gradescope", RECORD).values()
    tests = json.loads(data)["tests"]
    waiting = [one for one in tests if one["output"] == SAID]
    assert len(waiting) == 3
    assert not any("status" in one for one in waiting)
    assert {one["status"] for one in tests if one not in waiting} == {"passed"}


def test_every_export_gives_the_score_so_far() -> None:
    for name in ("canvas", "moodle"):
        (data,) = exported(name, RECORD).values()
        assert re.search(r"\b60\.00\b", data.decode())


def test_what_a_teacher_has_settled_waits_no_more() -> None:
    settled = replace(RECORD, grade=replace(RECORD.grade, verdict=Verdict.BY_HAND, score=80.0))
    assert settled.grade.waiting == 0.0
    assert wording.waiting(settled.grade.waiting, WORDS) == ""
    assert Counting([settled]).counting == [settled]


class TestAfterTheCutOff:
    """Nothing is left to give, so nothing waits, wherever a score is."""

    RULES = Rules(
        late=LatePolicy(per_day=10, cut_off=7),
        exercises={RECORD.exercise: Terms(due=datetime(2026, 5, 1, tzinfo=UTC))},
    )
    (LATE,) = laid_over([replace(RECORD, handed_in="2026-05-20T00:00:00+00:00")], RULES)

    def test_tables_and_other_programs_have_none(self) -> None:
        (row,) = csv.DictReader(io.StringIO(gradebook([self.LATE], WORDS)))
        assert (row["score"], row["waiting"], row["late"]) == ("0.0", "", "cut_off")
        (told,) = results_json([self.LATE], WORDS, lambda _: "")["results"]  # type: ignore[union-attr]
        assert isinstance(told, dict)
        assert "waiting" not in told

    def test_a_student_reads_that_none_are(self) -> None:
        page = feedback_page("kim", [self.LATE], WORDS, {})
        assert "it earns no points" in page
        assert "no points wait for a teacher" in page
        assert "#i-waits" not in page

    def test_no_teacher_is_asked_for_it(self) -> None:
        page = index_page([self.LATE], WORDS, {}, {})
        assert "Nothing is waiting for a teacher." in page
