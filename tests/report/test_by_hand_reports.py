"""Whoever is excused is seen everywhere and counted nowhere; a score by hand says that it is one."""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from grader.policy.by_hand import HandLines, in_force
from grader.report import exporters
from grader.report.by_hand import decision_text
from grader.report.export import Export
from grader.report.feedback import feedback_page
from grader.report.github import github_annotations, github_summary
from grader.report.json_ import results_json
from grader.report.junit import junit
from grader.report.overview import index_page
from grader.report.statistics import item_statistics
from grader.report.table import render_table
from grader.text.words import Words
from grader.types import HandKind, HandLine, Record, Verdict
from tests.support import builders as b

WORDS = Words("en")
LSTM = "multiplication-lstm"
AT = "2026-03-04T10:00:00.000000+00:00"


def line(kind: HandKind, student: str, score: float | None = None) -> HandLine:
    return HandLine(f"{student}-{kind}", AT, "kang", kind, student, LSTM, "ill", score, 100.0)


@pytest.fixture
def records() -> Sequence[Record]:
    """kim is excused, lee was given 80 for 63, choi is as found."""
    found = [b.record(one, LSTM, grade=b.grade(Verdict.UNTRAINED, 63.0)) for one in ("kim", "lee")]
    decided = [line(HandKind.EXCUSE, "kim"), line(HandKind.OVERRIDE, "lee", 80.0)]
    return in_force([*found, b.record("choi", LSTM)], HandLines(decided))


def test_a_table_shows_both_and_says_why(records: Sequence[Record]) -> None:
    console = Console(width=200, record=True)
    console.print(render_table(records, WORDS))
    text = console.export_text()
    assert "Excused, so it does not count. ill (kang, 2026-03-04)" in text
    assert "Score by hand: 80 instead of the grader's 63. ill (kang, 2026-03-04)" in text


def test_junit_skips_who_is_excused(records: Sequence[Record]) -> None:
    suites = {one.get("name"): one for one in ET.fromstring(junit(records, WORDS))}
    assert [suites["kim"].get(name) for name in ("failures", "skipped")] == ["0", "1"]
    skipped = suites["kim"].find("testcase/skipped")
    assert skipped is not None
    assert "ill" in str(skipped.get("message"))
    assert suites["lee"].get("failures") == "1"


def test_github_lists_who_is_excused_and_counts_the_others(records: Sequence[Record]) -> None:
    summary = github_summary(records, WORDS)
    assert "1 of 2 accepted" in summary
    assert "| kim |" in summary
    said = github_annotations(records, WORDS)
    assert len(said) == 2
    assert all(one.startswith("::notice") for one in said)


def test_the_class_page_has_a_row_for_all_and_sums_without_the_excused(
    records: Sequence[Record],
) -> None:
    page = index_page(records, WORDS, {LSTM: "LSTM"}, {})
    assert WORDS("hand.excused_count", count=1) in page
    assert WORDS("report.class_summary", students=3, records=2, accepted=1) in page
    assert page.count("Decided by hand") >= 1
    assert "kim" in page


def test_a_later_hand_in_under_an_older_decision_is_pointed_out() -> None:
    later = b.record("lee", LSTM, graded_at="2026-03-05T00:00:00+00:00")
    ruled = in_force([later], HandLines([line(HandKind.OVERRIDE, "lee", 80.0)]))
    assert WORDS("hand.graded_since") in index_page(ruled, WORDS, {}, {})


def test_a_students_sum_is_of_what_counts(records: Sequence[Record]) -> None:
    other = b.record("kim", "multiplication-gru")
    page = feedback_page("kim", [records[0], other], WORDS, {})
    assert WORDS("report.summary", accepted=1, total=1, score="100", max="100") in page
    assert WORDS("verdict.excused.why") in page


def test_whose_the_single_points_are_is_said(records: Sequence[Record]) -> None:
    assert WORDS("hand.points_found") in unescape(feedback_page("lee", [records[1]], WORDS, {}))
    plain = unescape(feedback_page("choi", [records[2]], WORDS, {}))
    assert WORDS("hand.points_found") not in plain


def test_checks_are_counted_of_those_who_are_not_excused(records: Sequence[Record]) -> None:
    assert {one.results for one in item_statistics(records)} == {2}


def test_programs_are_told_what_was_found(records: Sequence[Record]) -> None:
    told: Any = results_json(records, WORDS, lambda _: "")
    found = {one["student"]: one for one in told["results"]}
    assert "by_hand" not in found["choi"]
    assert found["kim"]["counts"] is False
    assert found["kim"]["graded"] is True
    assert found["lee"]["by_hand"]["found"]["verdict"] == "untrained"


@pytest.mark.parametrize("kind", [HandKind.OVERRIDE, HandKind.EXCUSE])
def test_moodles_comment_tells_a_decision_once(kind: HandKind) -> None:
    score = 40.0 if kind is HandKind.OVERRIDE else None
    records = in_force([b.record("kim")], HandLines((line(kind, "kim", score),)))
    named = {"Identifier": "Participant 1", "Full name": "kim"}
    roster = [named | {"Grade": "", "Last modified (grade)": "-", "Feedback comments": ""}]
    filled = exporters.load("moodle").files(Export(records, WORDS, {}, roster=roster))
    text = dict(filled)["moodle.csv"].decode()
    assert text.count(decision_text(records[0], WORDS)) == 1


LEADS = {
    "en": {
        "kim": "Excused, and in no count: 1",
        "lee": "Scored by your teacher: 1. 80 of 100 points.",
        "both": "Scored by your teacher: 1. Of the others 1 of 1 accepted. 180 of 200 points in all.",
    },
    "ko": {
        "kim": "면제되어 집계에서 뺀 결과: 1건",
        "lee": "선생님이 점수를 매긴 실습 1개, 100점 만점에 80점입니다.",
        "both": "선생님이 점수를 매긴 실습이 1개이고, 나머지 1개 중 1개를 통과했습니다. "
        "모두 200점 만점에 180점입니다.",
    },
}


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_a_teacher_scored_or_excused_is_not_called_not_accepted(
    records: Sequence[Record], lang: str
) -> None:
    kim, lee, _ = records
    pages = {
        "kim": feedback_page("kim", [kim], Words(lang), {}),
        "lee": feedback_page("lee", [lee], Words(lang), {}),
        "both": feedback_page("lee", [lee, b.record("lee", "multiplication-gru")], Words(lang), {}),
    }
    for name, page in pages.items():
        assert f'<p class="lead">{LEADS[lang][name]}</p>' in page
