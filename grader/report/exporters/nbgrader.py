"""nbgrader: the columns of ``nbgrader export``."""

from __future__ import annotations

from grader.report.export import Export, Files, csv_file
from grader.report.spreadsheet import inert
from grader.types import Record

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


def files(export: Export) -> Files:
    """Give one row per record that counts, with empty scores where it is not graded.

    What somebody is excused from has a row of no points: neither earned nor to be earned.
    """
    rows: list[list[str]] = [list(COLUMNS)]
    for record in export.counting:
        score = "" if record.grade.score is None else _plain(record.grade.score)
        taken = record.by_rules.taken if record.by_rules is not None else 0.0
        raw = score if not taken else _plain((record.grade.score or 0.0) + taken)
        most = _plain(record.grade.max_score)
        rows.append([*_who(record), raw, _plain(taken), score, most])
    rows += [[*_who(record), "", "0", "", "0"] for record in export.excused]
    yield "nbgrader.csv", csv_file(rows)


def _plain(points: float) -> str:
    """Write points for a program, with at most two decimals and no separators."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def _who(record: Record) -> list[str]:
    rules = record.by_rules
    due, at = (rules.due, rules.handed_in) if rules is not None else ("", "")
    return [
        *(inert(record.exercise), due, at or record.graded_at),
        *(inert(record.student), "", "", ""),
    ]
