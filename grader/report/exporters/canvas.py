"""Canvas: the CSV of its gradebook import.

Canvas knows an assignment again by its column "title (id)"; the ids are taken from the roster,
which is Canvas' own export.
"""

from __future__ import annotations

import re

from grader.report.export import Export, Files, csv_file
from grader.report.roster import folded
from grader.report.spreadsheet import inert

KEYS = ("SIS Login ID", "SIS User ID", "ID", "Student")
COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POSSIBLE = "    Points Possible"
EXCUSED = "EX"  # Canvas' own word for it
_ASSIGNMENT = re.compile(r"(?P<title>.+) \((?P<id>\d+)\)")


def files(export: Export) -> Files:
    """Give one row per student, one column per exercise."""
    ids = _ids(export)
    columns = [_column(export, one, ids) for one in export.exercises]
    possible = [f"{export.worth(one):.2f}" for one in export.exercises]
    rows = [[*COLUMNS, *columns], [POSSIBLE, "", "", "", "", *possible]]
    for person, student in export.people(KEYS, "Student"):
        who = [inert(person.get(column, "")) for column in COLUMNS]
        rows.append([*who, *(_score(export, student, one) for one in export.exercises)])
    yield "canvas.csv", csv_file(rows)


def _ids(export: Export) -> dict[str, str]:
    """Find the exercises among Canvas' own columns."""
    header = export.roster[0] if export.roster else ()
    columns = [match for name in header if (match := _ASSIGNMENT.fullmatch(name))]
    numbers = {folded(match["title"]): match["id"] for match in columns}
    found = {}
    for exercise, called in export.names.items():
        number = next((numbers[folded(one)] for one in called if folded(one) in numbers), None)
        if number is not None:
            found[exercise] = number
    return found


def _column(export: Export, exercise: str, ids: dict[str, str]) -> str:
    title = inert(export.title(exercise))
    return f"{title} ({ids[exercise]})" if exercise in ids else title


def _score(export: Export, student: str, exercise: str) -> str:
    return EXCUSED if export.is_excused(student, exercise) else export.score(student, exercise)
