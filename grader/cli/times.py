"""When people handed in, as files of the school's system tell: worksheets, or the class's roster.

Enters: a Course, what was handed in, a folder. Leaves: times by student and exercise. Touches:
reads these files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from grader.cli.roster import known_roster, roster_file
from grader.course.exercises import Course
from grader.policy.rules import Terms
from grader.record import class_file
from grader.report import worksheet
from grader.report.roster import Roster
from grader.text.printable import printable
from grader.types import UNKNOWN, GraderError, Message, Record


def times_of(
    course: Course, records: Sequence[Record], out: Path | None
) -> dict[tuple[str, str], str]:
    """Give when each handed in, ISO 8601 without an offset; an exercise's own worksheet wins.

    Raises:
        GraderError: a worksheet cannot be read, or tells no times.
    """
    students = sorted({one.student for one in records})
    return _roster_times(course, records, out) | _times(course, students)


def _times(course: Course, students: Sequence[str]) -> dict[tuple[str, str], str]:
    told: dict[tuple[str, str], str] = {}
    for exercise, terms in course.rules.exercises.items():
        if terms.worksheet:
            found = worksheet.times(students, read_worksheet(course.root / terms.worksheet))
            told |= {(student, exercise): at for student, at in found.items()}
    return told


def _roster_times(
    course: Course, records: Sequence[Record], out: Path | None
) -> dict[tuple[str, str], str]:
    """Give the times of the roster, where it is Moodle's grading worksheet of these hand-ins.

    An exercise with a worksheet of its own is left to that one. Moodle numbers people anew for each
    assignment, so whoever is found by that number handed in for this one. Of others it has to be
    certain in another way which exercises the worksheet is about: nobody is late on a guess.
    """
    terms = course.rules.exercises
    asked = [one for one in records if (it := terms.get(one.exercise)) and it.due is not None]
    asked = [one for one in asked if not terms[one.exercise].worksheet]
    if out is None or not asked:
        return {}
    with suppress(GraderError):  # told with everybody's state
        roster, _ = known_roster(course, out)
        if roster and worksheet.has_times(roster):
            authors = {one.author for one in records}
            told = worksheet.times(authors, roster)
            certain = bool(class_file.read(out).roster) and _is_one_hand_in(records, terms)
            sure = authors if certain else worksheet.numbered(authors, roster)
            there = sure & told.keys()
            return {(o.author, o.exercise): told[o.author] for o in asked if o.author in there}
    return {}


def _is_one_hand_in(records: Sequence[Record], terms: Mapping[str, Terms]) -> bool:
    """Whether all without a worksheet of its own was asked for at once: one exercise, or a chapter.

    Of a chapter every notebook answers every exercise.
    """
    answered: dict[tuple[str, str], set[str]] = {}
    for one in records:
        if one.exercise != UNKNOWN and not terms.get(one.exercise, Terms()).worksheet:
            answered.setdefault((one.author, one.submission), set()).add(one.exercise)
    every = set().union(*answered.values())
    return all(theirs == every for theirs in answered.values())


def read_worksheet(path: Path) -> Roster:
    """Read a worksheet.

    Raises:
        GraderError: it cannot be read, or tells no times.
    """
    rows = roster_file(path)
    if not worksheet.has_times(rows):
        found = printable(", ".join(rows[0]), limit=300)
        args = {"path": str(path), "wanted": worksheet.COLUMNS[0], "found": found}
        raise GraderError(Message("rules.no_column", args))
    return rows
