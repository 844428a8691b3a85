"""Grades as a table for spreadsheets.

Enters: Records. Leaves: a pandas data frame, one row per record. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.report import wording
from grader.report.spreadsheet import inert
from grader.text.words import Words
from grader.types import Record

if TYPE_CHECKING:
    import pandas as pd


def gradebook(records: Sequence[Record], words: Words) -> pd.DataFrame:
    """Give the grades; ungraded is an empty score, never a zero."""
    import pandas as pd

    rows = [
        {
            "student": inert(record.student),
            "submission": inert(record.submission),
            "exercise": inert(record.exercise),
            "verdict": record.grade.verdict.value,
            "graded": record.grade.graded,
            "score": record.grade.score,
            "max_score": record.grade.max_score,
            "flags": inert(" ".join(record.grade.flags)),
            "first_reason": inert(wording.reason(record, words)),
        }
        for record in records
    ]
    columns = (
        *("student", "submission", "exercise", "verdict", "graded", "score"),
        *("max_score", "flags", "first_reason"),
    )
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype({"score": "float64", "max_score": "float64", "graded": "bool"})
