"""Moodle: the CSV of its grade import, with one identifying column and a column per exercise.

"-" is no grade: so is what is not graded, and what a student is excused from. Moodle leaves it out
of its sums where its gradebook excludes empty grades, as it does unless it is told otherwise.
"""

from __future__ import annotations

from grader.report.export import Export, Files, csv_file
from grader.report.spreadsheet import inert

KEYS = ("username", "idnumber", "email", "id", "Identifier")

NO_EXCUSES = "report.moodle_excused"


def files(export: Export) -> Files:
    """Give one row per student; the roster is Moodle's export of participants.

    Raises:
        GraderError: the roster has no such column as ``--key`` names.
    """
    key = export.key
    export.require(key)
    rows = [[key, *(inert(export.title(one)) for one in export.exercises)]]
    for person, student in export.people(KEYS, key):
        scores = (export.score(student, one) or "-" for one in export.exercises)
        rows.append([inert(person.get(key, "")), *scores])
    yield "moodle.csv", csv_file(rows)
