"""Moodle's grading worksheet of an assignment, and its zip of feedback files.

Enters: an Export whose roster is such a worksheet. Leaves: the same worksheet with grades and
feedback filled in, a zip to upload. Touches nothing.

Moodle reads both by ``Participant 1234`` and the number of it, and takes a row only where ``Last
modified (grade)`` is not older than what it knows: whatever is not filled in stays as it was. A
grade above the maximum, or for somebody whose grade cannot be changed, it passes over. The columns
are called as ``moodle_words`` has them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from grader.report import moodle_words as called
from grader.report import wording
from grader.report.by_hand import all_texts
from grader.report.columns import Column
from grader.report.export import Export, Lack, csv_file
from grader.report.spreadsheet import inert
from grader.text.printable import printable
from grader.types import GraderError, Message, Record

_READ = frozenset(
    {
        *(one for names in called.NEEDED for one in names),
        *(*called.MOST, *called.CHANGEABLE, *called.FEEDBACK, *called.SUBMITTED),
    }
)
_NUMBER = re.compile(r"\D*(\d{1,18})")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of a zip, so that the same pages give the same bytes
PAGE = "feedback.html"


def is_worksheet(header: Sequence[str]) -> bool:
    """Whether a roster is one."""
    return all(called.column(header, names) for names in called.NEEDED)


def column(export: Export) -> Column:
    """Give the worksheet's one column, and what is in it.

    Raises:
        GraderError: there are several exercises, and nobody said which of them are in it; or a
            column was named that it does not have.
    """
    assert export.roster is not None
    grade = called.column(export.roster[0], called.GRADE)
    chosen = tuple(one for one in export.exercises if export.chosen.get(one) in called.GRADE)
    for exercise, named in export.chosen.items():
        if named not in called.GRADE:
            args = {"column": printable(named), "exercise": printable(exercise), "columns": grade}
            raise GraderError(Message("report.column_unknown", args))
    if not chosen and len(export.exercises) > 1:
        listed = printable(", ".join(export.exercises), limit=300)
        choose = " ".join(f'--column "{one}={grade}"' for one in export.exercises)
        args = {"exercises": listed, "choose": printable(choose, limit=600)}
        raise GraderError(Message("report.moodle_several", args))
    return Column(grade, chosen or tuple(export.exercises), held=True)


def filled(export: Export, keys: Sequence[str]) -> bytes:
    """Give the worksheet with what is known filled in; other rows and cells as they were."""
    assert export.roster is not None
    header, one = [*export.roster[0]], column(export)
    rows = [header]
    for person, student in export.everyone(keys):
        told = {} if student is None else _told(export, student, one, person)
        rows.append([told.get(name) or _kept(name, person[name]) for name in header])
    return csv_file(rows)


def _kept(name: str, text: str) -> str:
    """Leave a cell as it is where Moodle reads it: another comment would be taken for a new one."""
    return text if name in _READ else inert(text)


def _told(export: Export, student: str, one: Column, person: Mapping[str, str]) -> dict[str, str]:
    there = _out_of(one, person)
    points = export.points(student, there)
    told = {one.header: points} if points else {}
    comments = called.column(person, called.FEEDBACK)
    if comments and (text := _feedback(export, student, there)):
        told[comments] = inert(text, markup=True)
    return told


def _out_of(one: Column, person: Mapping[str, str]) -> Column:
    """Give the column with the maximum that Moodle has for a row."""
    text = person.get(called.column(person, called.MOST), "").replace(",", ".")
    possible = float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else 0.0
    return Column(one.header, one.exercises, possible or None, one.held)


def _feedback(export: Export, student: str, one: Column) -> str:
    """Say in a few lines what came of it, as HTML, which Moodle takes a comment for."""
    theirs = [r for r in export.counted_of(student) if r.exercise in one.exercises]
    return "<br>".join(escape(line, quote=False) for line in _lines(theirs, export, one))


def _lines(records: Sequence[Record], export: Export, one: Column) -> Iterator[str]:
    words = export.words
    for record in records:
        title = wording.title(record.exercise, export.titles, words)
        verdict = wording.verdict_name(record, words)
        score = "" if record.grade.score is None else f" ({_score(record, export, one)})"
        yield printable(f"{title}: {verdict}{score}")
        told = dict.fromkeys([_why(record, export), *all_texts(record, words)])  # each once
        yield from map(printable, filter(None, told))


def _score(record: Record, export: Export, one: Column) -> str:
    """Write a score as the student's page does, and what it is in a column out of other points."""
    score, possible = wording.score_of(record, always=True), export.out_of(one)
    there = export.points(record.student, one)
    if not there or len(one.exercises) > 1 or possible == record.grade.max_score:
        return score
    args = {"score": score, "points": wording.points(float(there))}
    return export.words("report.score_there", possible=wording.points(possible), **args)


def _why(record: Record, export: Export) -> str:
    return wording.reason_for_student(record, export.words)


def lacks(export: Export, keys: Sequence[str]) -> Iterator[Lack]:
    """Name exercises that are in another worksheet, and those whose grade Moodle would pass over.

    Raises:
        GraderError: as ``column`` does.
    """
    there = column(export).exercises
    if others := tuple(one for one in export.exercises if one not in there):
        told = Message(
            "report.moodle_others", {"exercises": printable(", ".join(others), limit=300)}
        )
        yield Lack(told, serious=False, exercises=others)
    closed = [
        student
        for person, student in export.everyone(keys)
        if student is not None and person.get(called.column(person, called.CHANGEABLE)) in called.NO
    ]
    yield from _excuses(export, keys)
    if closed:
        names = ", ".join(printable(one, limit=60) for one in closed)
        yield Lack(Message("report.moodle_closed", {"count": len(closed), "students": names}))


def _excuses(export: Export, keys: Sequence[str]) -> Iterator[Lack]:
    """Name who is excused from all of the column, and say of others what was scaled."""
    one = column(export)
    there = [(person, student) for person, student in export.everyone(keys) if student is not None]
    whole = [student for _, student in there if export.is_excused(student, *one.exercises)]
    if whole:
        names = ", ".join(printable(each, limit=60) for each in whole)
        told = Message("report.worksheet_excused", {"count": len(whole), "students": names})
        yield Lack(told, serious=False)
    for person, student in there:
        yield from export.scaled(student, _out_of(one, person))


def feedback_zip(export: Export, keys: Sequence[str]) -> bytes | None:
    """Give students' pages as Moodle takes them back; None where there are none.

    Moodle reads whose a file is from the number between its first two underscores.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for person, student in export.everyone(keys):
            number = _NUMBER.fullmatch(person.get(called.column(person, called.IDENTIFIER), ""))
            page = export.page(student) if student is not None else None
            if number is None or page is None:
                continue
            name = re.sub(
                r"[_/\\\0]+",
                " ",
                printable(person.get(called.column(person, called.FULL_NAME), "")),
            ).strip()
            path = f"{name or 'Participant'}_{number[1]}_assignfeedback_file_{PAGE}"
            archive.writestr(zipfile.ZipInfo(path, _FIRST_DAY), page, zipfile.ZIP_DEFLATED)
        if not archive.namelist():
            return None
    return made.getvalue()
