"""Moodle: the grading worksheet of an assignment, filled in, or the CSV of a course's grade import.

The roster decides: a worksheet comes back filled in, with a zip of the feedback pages to upload.
With a list of participants the file has an identifying column and a column per exercise; there "-"
is no grade, as what is not graded has, and what a student is excused from. Moodle leaves it out of
its sums where its gradebook excludes empty grades, as it does unless it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from grader.report import filled_worksheet as worksheet
from grader.report.columns import Column
from grader.report.export import LONGEST_COLUMNS, Export, Files, Lack, csv_file
from grader.report.moodle_words import GRADE, GRADED, IDENTIFIER, KEYS, column
from grader.report.roster import column_called
from grader.report.spreadsheet import inert
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar


def files(export: Export) -> Files:
    """Give one row per student; the roster is Moodle's worksheet, or its export of participants.

    Raises:
        GraderError: nothing says who is who, or the roster has no such column as ``--key`` names,
            or is a grading worksheet that Moodle would not take back.
    """
    _refuse_half_a_worksheet(export)
    if _has_worksheet(export):
        yield "moodle.csv", worksheet.filled(export, KEYS)
        if (pages := worksheet.feedback_zip(export, KEYS)) is not None:
            yield "feedback.zip", pages
        return
    key = _key(export)
    columns = [Column(inert(_title(export, one)), (one,)) for one in export.exercises]
    rows = [[key, *(one.header for one in columns)]]
    for person, student in _people(export, key):
        if who := person.get(key, ""):
            rows.append([inert(who), *(export.points(student, one) or "-" for one in columns)])
    yield "moodle.csv", csv_file(rows)


def lacks(export: Export) -> Iterator[Lack]:
    """Name those whom Moodle would not know, or whose grades it would pass over."""
    _refuse_half_a_worksheet(export)
    if _has_worksheet(export):
        yield from worksheet.lacks(export, KEYS)
        return
    key = _key(export)
    known = {student for person, student in _people(export, key) if person.get(key)}
    matched = {student for _, student in export.people(KEYS, key)}
    if unknown := sorted(matched - known):
        names = ", ".join(printable(one, limit=60) for one in unknown)
        args: dict[str, Scalar] = {"key": key, "count": len(unknown), "students": names}
        yield Lack(Message("report.moodle_nobody", args), students=tuple(unknown))
    if excused := sorted({one.student for one in export.excused} & known):
        names = ", ".join(printable(_excused_of(export, one), limit=300) for one in excused)
        told = Message("report.moodle_excused", {"count": len(excused), "students": names})
        yield Lack(told, serious=False)


def _excused_of(export: Export, student: str) -> str:
    """Name somebody, and what they are excused from where it is not all."""
    titles = ", ".join(_title(export, one.exercise) for one in export.excused_of(student))
    whole = export.is_excused(student, *export.exercises)
    return student if whole else f"{student} ({titles})"


def _has_worksheet(export: Export) -> bool:
    return export.roster is not None and worksheet.is_worksheet([*export.roster[0]])


def _refuse_half_a_worksheet(export: Export) -> None:
    """Refuse a grading worksheet whose columns are called otherwise: it is no list of participants.

    Raises:
        GraderError: it is one, and nobody said by which column people are to be known.
    """
    header = export.roster[0] if export.roster else ()
    has = column(header, IDENTIFIER) and column(header, GRADE)
    if has and not _has_worksheet(export) and not export.key:
        found = printable(", ".join(header), limit=LONGEST_COLUMNS)
        args = {"path": export.roster_path, "found": found, "wanted": " / ".join(GRADED)}
        raise GraderError(Message("report.moodle_half_worksheet", args))


def _key(export: Export) -> str:
    """Give the column to identify by: as it was said, else the roster's first that Moodle knows.

    Raises:
        GraderError: the roster has no such column; or without one nobody said what folders are.
    """
    if export.roster is None:
        if not export.key:
            raise GraderError(Message("report.moodle_who"))
        return export.key
    there = [one for one in KEYS if one in export.roster[0] and one not in IDENTIFIER]
    whole = [one for one in there if all(row.get(one) for row in export.roster)]
    key = export.key or next(iter(whole or there), "username")
    key = column_called(export.roster, key) or key
    export.require(key)
    return key


def _people(export: Export, key: str) -> list[tuple[Mapping[str, str], str]]:
    """Pair rows with students; what a platform made of a name is nothing that Moodle knows."""
    people = export.people(KEYS, key)
    if export.roster is not None:
        return people
    return [(row, student) for row, student in people if student not in export.numbers]


def _title(export: Export, exercise: str) -> str:
    return export.chosen.get(exercise) or export.title(exercise)
