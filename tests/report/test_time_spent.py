"""Where the hours went, on the class's page."""

from __future__ import annotations

import pytest

from grader.report.overview import index_page
from grader.report.time_spent import parts
from grader.text.words import Words
from grader.types import TimeSpent
from tests.report.test_report_pages import TITLES
from tests.support import builders as b

WORDS = Words("en")
SPENT = TimeSpent(start=360.0, waiting=180.0, training=2520.0, evaluation=360.0)


def test_the_parts_and_the_rest_add_up_to_all_of_it() -> None:
    found = parts([b.record("kim", seconds=3600.0, spent=SPENT)], WORDS)
    assert [(one.name, one.hours, one.share) for one in found] == [
        ("Starting", "0.10", "10%"),
        ("Waiting for trainings", "0.05", "5%"),
        ("Training", "0.70", "70%"),
        ("Evaluation", "0.10", "10%"),
        ("The rest", "0.05", "5%"),
    ]


def test_a_run_counts_once_whoever_and_however_many_exercises_it_answers() -> None:
    facts = {"execution_key": "a" * 8, "seconds": 3600.0, "spent": SPENT}
    same = [
        b.record("kim", **facts),
        b.record("kim", "sequence-prediction", **facts),
        b.record("lee", same_as="kim/a.ipynb", **facts),
    ]
    assert parts(same, WORDS) == parts(same[:1], WORDS)


def test_nothing_is_told_of_records_that_do_not_know() -> None:
    assert parts([b.record("kim"), b.ungraded("lee")], WORDS) == []
    known = [b.record("kim", seconds=3600.0, spent=SPENT), b.record("lee", seconds=9999.0)]
    assert parts(known, WORDS) == parts(known[:1], WORDS)


def test_parts_that_overlap_leave_no_rest_below_nothing() -> None:
    found = parts([b.record("kim", seconds=3000.0, spent=SPENT)], WORDS)
    assert (found[-1].hours, found[-1].share) == ("0.00", "0%")


@pytest.mark.parametrize(
    ("lang", "heading"), [("en", "Where the time went"), ("ko", "걸린 시간의 내역")]
)
def test_the_page_shows_them_where_they_are_known(lang: str, heading: str) -> None:
    words = Words(lang)
    known = [b.record("kim", seconds=3600.0, spent=SPENT)]
    page = index_page(known, words, TITLES, {})
    assert heading in page
    assert '<td class="num" data-label="' in page[page.index(heading) :]
    assert "70%" in page[page.index(heading) :]
    assert heading not in index_page([b.record("kim")], words, TITLES, {})
