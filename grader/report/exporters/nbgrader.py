"""nbgrader: the columns of ``nbgrader export``."""

from __future__ import annotations

from grader.report import wording
from grader.report.export import Export, Files, csv_file
from grader.report.spreadsheet import inert

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
        score = "" if record.grade.score is None else wording.points(record.grade.score)
        most = wording.points(record.grade.max_score)
        who = [inert(record.exercise), "", record.graded_at, inert(record.student), "", "", ""]
        rows.append([*who, score, "0", score, most])
    for record in export.excused:
        who = [inert(record.exercise), "", record.graded_at, inert(record.student), "", "", ""]
        rows.append([*who, "", "0", "", "0"])
    yield "nbgrader.csv", csv_file(rows)
