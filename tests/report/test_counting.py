"""One rule for several hand-ins, in every form in which grades are shown."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from grader.cli.kept import earlier_counts, exit_code
from grader.policy.by_rules import laid_over
from grader.policy.rules import Attempts, Rules
from grader.report import exporters
from grader.report.export import Export
from grader.report.feedback import feedback_page
from grader.report.github import github_annotations, github_summary
from grader.report.gradebook import gradebook
from grader.report.json_ import results_json
from grader.report.junit import junit
from grader.report.overview import index_page
from grader.report.statistics import item_statistics
from grader.report.table import render_table
from grader.text.words import Words
from grader.types import Record, Verdict
from tests.support import builders as b
from tests.support.exporting import OF_TEXT

WORDS = Words("en")
EARLIER = b.record("kim", submission="kim/a.ipynb")
LAST = b.record(
    "kim",
    submission="kim/a (1).ipynb",
    grade=b.grade(Verdict.WRONG_ARCHITECTURE, 37.0, (b.check(points=3.0), b.check("runs.cells"))),
)
BOTH = [EARLIER, LAST]
ABOUT = dict.fromkeys(
    (
        *("classroom", "assignment", "assignment_type", "submission"),
        *("commit", "release", "review", "datetime"),
    ),
    "x",
)


def test_csv_rows_say_whether_they_count() -> None:
    rows = csv.DictReader(io.StringIO(gradebook(BOTH, WORDS)))
    assert [row["counts"] for row in rows] == ["False", "True"]


def test_json_marks_what_does_not_count() -> None:
    results = json.loads(json.dumps(results_json(BOTH, WORDS, lambda one: one.key)))["results"]
    assert [one.get("counts", True) for one in results] == [False, True]


def test_junit_skips_what_does_not_count() -> None:
    (suite,) = ET.fromstring(junit(BOTH, WORDS))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "1")
    skipped = [case for case in suite if case.find("skipped") is not None]
    assert [case.get("classname") for case in skipped] == ["kim/a.ipynb"]


def test_github_tells_what_counts_alone() -> None:
    assert len(github_annotations(BOTH, WORDS)) == 1
    assert "0 of 1 accepted" in github_summary(BOTH, WORDS)


def test_the_table_shows_both_and_says_which_counts() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render_table(BOTH, WORDS))
    earlier, last = console.export_text().splitlines()[1:3]
    assert "(100)" in earlier
    assert "does not count" in earlier
    assert "kim/a (1).ipynb" in earlier
    assert "37" in last


def test_the_student_s_page_counts_the_last_and_shows_the_other() -> None:
    page = feedback_page("kim", BOTH, WORDS, {})
    page = page[: page.index('id="explained"')]
    assert "37 of 100" in page
    assert page.count("does not count") == 1
    assert "kim/a.ipynb" in page


def test_the_class_s_page_and_statistics_are_of_what_counts() -> None:
    page = index_page(BOTH, WORDS, {}, {})
    assert "37" in page
    assert ">100<" not in page
    assert {one.results for one in item_statistics(BOTH)} == {1}


@pytest.mark.parametrize("name", OF_TEXT)
def test_every_export_has_the_last_alone(name: str) -> None:
    export = Export(BOTH, WORDS, {}, key="username", about=ABOUT)
    text = b"".join(content for _, content in exporters.load(name).files(export)).decode()
    assert "37" in text
    assert "100.00" not in text.replace("Points Possible,,,,,100.00", "")


@pytest.mark.parametrize(
    ("records", "code"),
    [
        (BOTH, 1),
        ([b.record("kim", submission="kim/b.ipynb"), LAST], 1),
        ([LAST, b.record("kim", submission="kim/a (2).ipynb")], 0),
        ([b.ungraded("kim"), LAST], 3),
    ],
)
def test_the_exit_code_is_of_what_counts_and_of_whatever_is_ungraded(
    records: list[Record], code: int
) -> None:
    assert exit_code(records) == code


HALF = b.record("kim", submission="kim/b (1).ipynb", grade=b.grade(Verdict.LOW_ACCURACY, 45.83, ()))
WHOLE = b.record("kim", submission="kim/b.ipynb")


@pytest.mark.parametrize("name", OF_TEXT)
def test_no_export_adds_two_attempts_up(name: str) -> None:
    """One of 100 and one of 45.83 were once 145.83 of 200."""
    export = Export([WHOLE, HALF], WORDS, {}, key="username", about=ABOUT)
    files = dict(exporters.load(name).files(export))
    text = b"".join(files.values()).decode()
    assert "145.83" not in text
    assert "146" not in text
    assert "200" not in text.replace(HALF.graded_at, "")
    assert len(files) == 1


def test_no_page_adds_two_attempts_up() -> None:
    for page in (
        feedback_page("kim", [WHOLE, HALF], WORDS, {}),
        index_page([WHOLE, HALF], WORDS, {}, {}),
    ):
        assert "145.83" not in page
        assert "45.83" in page


@pytest.mark.parametrize(
    ("given", "changes", "told"),
    [
        ({"kim/hw3.ipynb"}, {}, True),
        ({"kim/hw3.ipynb", "kim/hw4.ipynb"}, {}, False),  # the class's folder holds both
        ({"kim/hw3.ipynb"}, {"handed_in": "2026-05-01"}, False),  # the platform told when
        ({"kim/hw3.ipynb"}, {"grade": b.grade(Verdict.MALFORMED, 0.0)}, False),
    ],
)
def test_work_of_before_whose_name_comes_last_is_told(
    given: set[str], changes: dict[str, Any], *, told: bool
) -> None:
    before, now = b.record(submission="kim/hw4.ipynb"), b.record(submission="kim/hw3.ipynb")
    before = replace(before, handed_in=changes.get("handed_in", ""))
    rules = Rules()
    _, ruled = laid_over([before, replace(now, **changes)], rules)
    found = [one.args for one in earlier_counts([ruled], given, rules)]
    args = {"student": "kim", "submission": "kim/hw3.ipynb", "instead": "kim/hw4.ipynb"}
    assert found == ([args] if told else [])
    best = replace(rules, attempts=Attempts.BEST)
    assert not [*earlier_counts([ruled], given, best)]
