"""What somebody owes and did not hand in: on the student's page, for the class, before grading."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest

from grader.report.feedback import feedback_page
from grader.report.owed import Missing, lacking_lines, never_ahead, owed
from grader.report.people import State, people
from grader.text.words import Words
from grader.types import UNKNOWN, Message, Verdict
from tests.support import builders as b

LSTM, GRU = "multiplication-lstm", "multiplication-gru"
TITLES = {LSTM: "LSTM", GRU: "GRU"}
SUMS = {
    "en": "1 of 2 accepted, 100 of 200 points.",
    "ko": "실습 2개 중 1개를 통과했고 200점 만점에 100점입니다.",
}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_names_what_is_missing_and_counts_it(lang: str) -> None:
    missing = Missing((GRU,), 100.0, "report.pdf")
    words = Words(lang)
    page = unescape(feedback_page("kim", [b.record()], words, TITLES, missing=missing))
    assert SUMS[lang] in page
    assert words("attendance.owed", count=1, exercises="GRU") in page
    assert words("attendance.not_used", files="report.pdf") in page


def test_who_lacks_nothing_reads_of_nothing() -> None:
    page = feedback_page("kim", [b.record()], Words("en"), TITLES)
    assert "1 of 1 accepted, 100 of 100 points." in page
    assert "Owed" not in page


def test_a_file_that_is_no_exercise_is_counted_as_what_is_missing_alone() -> None:
    grade = b.grade(Verdict.MALFORMED, 0.0, ())
    record = b.record(exercise=UNKNOWN, grade=grade, evidence=None)
    missing = Missing((LSTM, GRU), 200.0)
    page = feedback_page("kim", [record], Words("en"), TITLES, missing=missing)
    assert "0 of 2 accepted, 0 of 200 points." in page


@pytest.mark.parametrize(
    ("named", "is_class", "due"),
    [
        ((), False, ()),
        ((), True, (LSTM, GRU)),
        ((GRU, "later"), True, (GRU,)),
        ((GRU,), False, (GRU,)),
    ],
)
def test_what_the_course_names_is_owed_else_what_a_class_handed_in(
    named: tuple[str, ...], due: tuple[str, ...], *, is_class: bool
) -> None:
    assert owed([LSTM, GRU, UNKNOWN], named, is_class=is_class) == due


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_end_counts_who_handed_in_nothing_and_who_not_all(lang: str) -> None:
    records = [b.record("kim", LSTM), b.record("kim", GRU), b.record("lee", LSTM)]
    roster = [{"Student": one} for one in ("kim", "lee", "park", "choi")]
    beside = {"lee": [Message("collect.other_files", {"found": "a.pdf", "count": 1})]}
    found = people(records, [LSTM, GRU], roster, {}, others=beside)
    found = replace(found, owed=(LSTM, GRU))
    words = Words(lang)
    assert list(found.end(words)) == [
        words("attendance.end_nothing", count=2),
        words("attendance.end_some", count=1),
    ]
    lee = found.person("lee")
    assert lee is not None
    assert (lee.state, lee.others, found.lacking(lee)) == (State.GRADED, "a.pdf", [GRU])
    assert found.person("") is None


def test_nobody_lacks_what_there_is_time_left_for() -> None:
    records = [b.record("kim", LSTM), b.record("kim", GRU), b.record("lee", LSTM)]
    roster = [{"Student": one} for one in ("kim", "lee")]
    words = Words("en")
    for ahead, lacks in (
        (never_ahead, [GRU]),
        (lambda student, exercise: (student, exercise) == ("lee", GRU), []),
    ):
        found = people(records, [LSTM, GRU], roster, {}, ahead=ahead)
        one = replace(found, owed=(LSTM, GRU))
        lee = one.person("lee")
        assert lee is not None
        assert one.lacking(lee) == lacks
        assert len([*one.end(words)]) == len(lacks)
        assert len([*one.without_one(words, TITLES)]) == len(lacks)


def test_nobody_lacks_for_the_class_either_what_the_course_does_not_ask_for() -> None:
    records = [b.record("kim", LSTM), b.record("lee", GRU)]
    roster = [{"Student": one} for one in ("kim", "lee", "park")]
    found = people(
        records,
        [LSTM, GRU],
        roster,
        {},
        ahead=lambda student, exercise: (student, exercise) == ("park", LSTM),
        owed=(LSTM,),
    )
    words = Words("en")
    told = words("attendance.nothing_for", exercise="LSTM", count=1, names="lee")
    assert list(found.without_one(words, TITLES)) == [told]
    assert found.absent == []
    assert [one.state for one in found.people][2] is State.NOT_DUE


def test_where_nobody_lacks_anything_nothing_is_said() -> None:
    assert list(lacking_lines({LSTM: []}, Words("en"), TITLES)) == []
