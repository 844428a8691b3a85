"""Canvas: the CSV of its gradebook import.

Canvas knows an assignment again by its column "title (id)"; of a column that it does not know it
makes a new assignment. So the columns, and the points that they are out of, are those of the
roster, which is Canvas' own export, and what stands there stays where there is nothing new: an
empty cell would take a grade away. Canvas knows people by ``ID``, whatever else is said of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from grader.report.columns import Column, Columns, columns_of, listed
from grader.report.export import Export, Files, Lack, csv_file
from grader.report.spreadsheet import inert
from grader.text.printable import printable
from grader.types import Message

KEYS = ("SIS Login ID", "SIS User ID", "ID", "Student")
COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POSSIBLE = "    Points Possible"
EXCUSED = "EX"  # Canvas' own word for it
READ_ONLY = "read only"
# In the order in which Canvas writes and reads them; those of the first line are never missing.
_PEOPLE = ("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account")
_ASSIGNMENT = re.compile(r".+ \(\d+\)")


def files(export: Export) -> Files:
    """Give one row per person, one column per assignment.

    Raises:
        GraderError: a column that somebody chose is not there.
    """
    columns = _columns(export).columns
    about = _about(export)
    rows = [[*about, *(one.header for one in columns)]]
    rows.append([POSSIBLE, *[""] * (len(about) - 1), *(_possible(export, one) for one in columns)])
    for person, student in _people(export):
        who = [inert(person.get(column, "")) for column in about]
        rows.append([*who, *(_cell(export, person, student, one) for one in columns)])
    yield "canvas.csv", csv_file(rows)


def lacks(export: Export) -> Iterator[Lack]:
    """Name exercises whose column nobody knows, and columns that Canvas does not let be changed."""
    found = _columns(export)
    headers = [*_assignments(export)]
    if found.homeless:
        args = {"exercises": listed(found.homeless), "first": printable(found.homeless[0])}
        told = Message("report.canvas_no_column", args | {"columns": listed(headers)})
        yield Lack(told, exercises=found.homeless)
    for one in found.columns:
        if READ_ONLY in _assignments(export).get(one.header, ""):
            yield Lack(Message("report.canvas_read_only", {"column": printable(one.header)}))
    for _, student in _people(export):
        if student is not None:
            for one in found.columns:
                yield from export.scaled(student, one)
    if new := [one.header for one in found.columns if not one.held]:
        yield Lack(Message("report.canvas_new", {"columns": listed(new)}), serious=False)


def _people(export: Export) -> Iterator[tuple[Mapping[str, str], str | None]]:
    """Give a row's person: of the roster, or who Canvas' own names say that it is."""
    if export.roster is not None:
        yield from export.everyone(KEYS)
        return
    for _, student in export.people(KEYS, "Student"):
        platform, name, number = export.numbers.get(student, ("", "", ""))
        named = {"Student": name, "ID": number}
        yield (named if platform == "canvas" else {"Student": student}), student


def _about(export: Export) -> tuple[str, ...]:
    """Give the columns about people: the roster's own, for Canvas reads them by their places."""
    header = export.roster[0] if export.roster is not None else ()
    if not {"Student", "ID", "Section"} <= {*header}:
        return COLUMNS
    return (*(one for one in _PEOPLE if one in header), "Section")


def _columns(export: Export) -> Columns:
    """Find the columns of the roster; where it has none, or may get some, exercises have their own.

    Raises:
        GraderError: a column that somebody chose is not there.
    """
    there = _assignments(export)
    possible = {one: float(points) for one, points in there.items() if _is_number(points)}
    found = columns_of(export.exercises, [*there], export.names, export.chosen, possible)
    if there and not export.new_columns:
        return found
    own = [Column(inert(export.title(one)), (one,)) for one in found.homeless]
    return Columns((*found.columns, *own))


def _assignments(export: Export) -> dict[str, str]:
    """Give the roster's columns of assignments, and what stands there of points possible."""
    if export.roster is None:
        return {}
    row = next((one for one in export.roster if _is_about_points(one)), {})
    return {one: row.get(one, "") for one in export.roster[0] if _ASSIGNMENT.fullmatch(one)}


def _is_about_points(row: Mapping[str, str]) -> bool:
    return row.get("Student", "").strip() == POSSIBLE.strip()


def _is_number(points: str) -> bool:
    """Whether it is what a column can be out of; one that is out of nothing says nothing."""
    return re.fullmatch(r" *\d{1,9}(\.\d{1,9})? *", points) is not None and float(points) > 0


def _possible(export: Export, column: Column) -> str:
    """Give a column's points as Canvas has them: others would be taken for a change of them."""
    if column.held:
        return _assignments(export)[column.header]
    return f"{export.out_of(column):.2f}"


def _cell(export: Export, person: Mapping[str, str], student: str | None, column: Column) -> str:
    if student is not None and export.is_excused(student, *column.exercises):
        return EXCUSED
    points = export.points(student, column) if student is not None else ""
    return points or person.get(column.header, "")
