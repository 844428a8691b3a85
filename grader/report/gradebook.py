"""Grades as a table for spreadsheets.

Enters: Records. Leaves: CSV, one row per record. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.hand_ins import Counting
from grader.report import wording
from grader.report.spreadsheet import csv_text, inert
from grader.text.words import Words
from grader.types import Record

COLUMNS = (
    *("student", "submission", "exercise", "verdict", "graded", "score"),
    *("max_score", "flags", "first_reason", "counts"),
)


def gradebook(records: Sequence[Record], words: Words) -> str:
    """Give the grades; ungraded is an empty score, never a zero."""
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
    )
