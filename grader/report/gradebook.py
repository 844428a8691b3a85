"""Grades as a table for spreadsheets.

Enters: Records. Leaves: CSV, one row per record. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.policy.hand_ins import Counting
from grader.report import by_hand, points, wording
from grader.report.late import late_texts
from grader.report.spreadsheet import csv_text, inert
from grader.text.words import Words
from grader.types import EvidenceClass, Record

POINTS = tuple(f"points_{one.value}" for one in EvidenceClass)
COLUMNS = (
    *("student", "submission", "exercise", "verdict", "graded", "score"),
    *("max_score", "flags", "first_reason", "counts"),
    *("by_hand", "found_score", "text_by_hand", "decided_by", "comments", "waiting"),
    *("percent", "weight", "section", "attempt", "attempts", "handed_in", "due"),
    *("late", "days_late", "taken_off", "late_reason", "handed_in_by"),
    *POINTS,
    "page",
)
# What a column holds that is no text.
TRUTHS = frozenset({"graded", "counts"})
WHOLE = frozenset({"attempt", "attempts", "days_late"})
NUMBERS = frozenset(
    {"score", "max_score", "found_score", "waiting", "percent", "weight", "taken_off", *POINTS}
)
NO_PAGES: Mapping[str, str] = {}


def gradebook(records: Sequence[Record], words: Words, pages: Mapping[str, str] = NO_PAGES) -> str:
    """Give the grades in force; ungraded or excused is an empty score, never a zero.

    ``found_score`` is the grader's own, whatever was taken off for being late or decided by hand.
    ``waiting``: points beside the score that a teacher has yet to give or refuse; empty where none
    are. ``late`` is one of ``Timing``: unknown is not in time. ``pages``: student to the student's
    page, as seen from this file; "" where there is none. ``points_runs`` and so on: what the five
    questions earned, before lateness and before anything by hand.
    """
    return csv_text([COLUMNS, *rows(records, words, pages)])


def rows(
    records: Sequence[Record], words: Words, pages: Mapping[str, str] = NO_PAGES
) -> Iterator[tuple[str, ...]]:
    """Give a row of cells for each record, as ``gradebook`` has them."""
    counts = Counting(records)
    for one in records:
        page = inert(pages.get(one.student, ""))
        yield (*_row(one, counts, words), *_by_class(one), page)


def _row(record: Record, counts: Counting, words: Words) -> tuple[str, ...]:
    grade = record.grade
    return (
        inert(record.student),
        inert(record.submission),
        inert(record.exercise),
        grade.verdict.value,
        str(grade.graded),
        "" if grade.score is None else str(float(grade.score)),
        str(float(grade.max_score)),
        inert(" ".join(grade.flags)),
        inert(wording.reason(record, words)),
        str(counts.counts(record)),
        *_by_hand(record),
        str(float(record.waiting)) if record.waiting else "",
        *_by_rules(record, words),
    )


def _by_hand(record: Record) -> tuple[str, ...]:
    line, found = by_hand.decision(record), by_hand.found_score(record)
    comments = record.by_hand.comments if record.by_hand is not None else ()
    return (
        "" if line is None else line.kind.value,
        "" if found is None else str(float(found)),
        "" if line is None else inert(line.text),
        "" if line is None else inert(line.by),
        inert(" / ".join(one.text for one in comments)),
    )


def _by_rules(record: Record, words: Words) -> tuple[str, ...]:
    rules = record.by_rules
    if rules is None:
        return ("",) * (COLUMNS.index(POINTS[0]) - COLUMNS.index("percent"))
    share = points.percent(record)
    return (
        "" if share is None else f"{share:.2f}",
        f"{rules.weight:g}",
        inert(rules.section),
        str(rules.attempt),
        str(rules.attempts),
        rules.handed_in,
        rules.due,
        rules.timing.value,
        str(rules.days),
        str(float(rules.taken)),
        inert(" ".join(late_texts(record, words))),
        inert(rules.handed_in_by),
    )


def _by_class(record: Record) -> Iterator[str]:
    for cls in EvidenceClass:
        earned = [check.points for check in record.grade.checks if check.cls is cls]
        yield str(round(float(sum(earned)), 2)) if earned else ""
