"""Grades as a table for spreadsheets.

Enters: Records. Leaves: CSV, one row per record. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.hand_ins import Counting
from grader.report import by_hand, wording
from grader.report.spreadsheet import csv_text, inert
from grader.text.words import Words
from grader.types import Record

COLUMNS = (
    *("student", "submission", "exercise", "verdict", "graded", "score"),
    *("max_score", "flags", "first_reason", "counts"),
    *("by_hand", "found_score", "text_by_hand", "decided_by", "comments", "waiting"),
)


def gradebook(records: Sequence[Record], words: Words) -> str:
    """Give the grades in force; ungraded or excused is an empty score, never a zero.

    ``found_score`` is the grader's own, whatever was decided by hand. ``waiting``: points beside
    the score that a teacher has yet to give or refuse; empty where none are.
    """
    counts = Counting(records)
    return csv_text([COLUMNS, *(_row(record, counts, words) for record in records)])


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
        str(float(grade.waiting)) if grade.waiting else "",
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
