"""The course's rules for a class: names as hand-ins have them, sections, times (``times``).

Enters: a Course, what was handed in. Leaves: Rules, what is odd about their names. Touches: reads
rosters and worksheets.

``course.toml`` calls people as the class page does, or as any column of the roster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from grader.cli.platforms import platform_numbers
from grader.cli.roster import class_of
from grader.cli.times import times_of
from grader.course.exercises import Course
from grader.policy.rules import Rules, folded
from grader.record import class_file
from grader.report.attendance import people_of
from grader.report.owed import Ahead, never_ahead
from grader.report.roster import (
    CALLED,
    NO_PLATFORMS,
    PLATFORM_S,
    SECTIONS,
    Roster,
    column_called,
    full_names,
    logins,
    match,
    one_word,
)
from grader.text.near import near_names
from grader.text.printable import printable
from grader.types import GraderError, Message, Record

LONGEST = 60


@dataclass(frozen=True)
class ClassNames:
    """Who is who: in ``course.toml``, on the roster, among those who handed in."""

    students: Sequence[str]
    roster: Roster = ()
    platforms: Mapping[str, str] = field(default_factory=dict)  # as ``match`` takes them
    everybody: bool = False  # whoever handed in nothing is called as the roster has it

    @cached_property
    def rows(self) -> dict[int, str]:
        """The students of the roster's rows."""
        absent = people_of(self.roster) if self.everybody else {}
        return absent | match(self.students, self.roster, CALLED, self.platforms)

    @cached_property
    def _cells(self) -> dict[str, set[int]]:
        called: dict[str, set[int]] = defaultdict(set)
        for number, person in enumerate(self.roster):
            for column, value in person.items():
                if value and column not in SECTIONS:
                    called[folded(value)].add(number)
        return called

    @cached_property
    def _full_names(self) -> dict[str, set[int]]:
        called: dict[str, set[int]] = defaultdict(set)
        for number, person in enumerate(self.roster):
            for name in full_names(person):
                called[name].add(number)
        return called

    def holders(self, name: str) -> list[int]:
        """Give the rows of whom a name is: a whole cell, or given and family name together."""
        found = self._cells.get(folded(name)) or self._full_names.get(one_word(name), set())
        return sorted(found) if name.strip() else []

    def row(self, name: str) -> int | None:
        """Give the one row that holds a name; None where none does, or several."""
        rows = self.holders(name)
        return rows[0] if len(rows) == 1 else None

    def student(self, name: str) -> str | None:
        """Give what somebody is called by hand-ins; None where there is no hand-in.

        What the roster says comes first: a login is its owner's choice, and could be another one's
        number.
        """
        there = next((one for one in self.students if folded(one) == folded(name)), None)
        row = self.row(name)
        return (self.rows.get(row) if row is not None else None) or there


def rules_for(course: Course, records: Iterable[Record], out: Path | None = None) -> Rules:
    """Give the course's rules for what was handed in.

    Args:
        course: whose rules.
        records: all that was handed in.
        out: the folder whose roster may tell when; None where nothing is kept yet.

    Raises:
        GraderError: course.toml, its roster or a worksheet says something that cannot be.
    """
    records = list(records)
    students = sorted({one.student for one in records})
    numbered = {student: one[0] for student, one in platform_numbers(records).items()}
    rules = rules_about(course.rules, students, class_of(course, out), numbered)
    seen = class_file.read(out).hand_ins if out is not None else {}
    return replace(rules, times=times_of(course, records, out), seen=seen)


def rules_about(
    rules: Rules,
    students: Sequence[str],
    roster: Roster,
    platforms: Mapping[str, str] = NO_PLATFORMS,
    *,
    everybody: bool = False,
) -> Rules:
    """Give the rules with people as hand-ins call them; ``everybody``: else as the roster does.

    Raises:
        GraderError: the roster has no such column with sections as course.toml names.
    """
    names = ClassNames(students, roster, platforms, everybody)

    def called(name: str) -> str:
        return names.student(name) or name

    groups = [
        replace(one, members=tuple(dict.fromkeys(map(called, one.members)))) for one in rules.groups
    ]
    longer = [
        replace(one, student=called(one.student)) if one.student else one
        for one in rules.extensions
    ]
    sections = dict(_sections(rules, names, [it for one in groups for it in one.members]))
    return replace(rules, groups=groups, extensions=longer, sections=sections)


def ahead_of(course: Course, students: Iterable[str], roster: Roster) -> Ahead:
    """Say who has time left for which exercise, by this machine's clock.

    Args:
        course: whose deadlines.
        students: who handed in.
        roster: the class.
    """
    if not course.rules.dated:
        return never_ahead
    rules = rules_about(course.rules, sorted({*students}), roster, everybody=True)
    return partial(rules.is_ahead, now=datetime.now(UTC))


def nobodys(course: Course, students: Iterable[str], roster: Roster) -> Iterator[Message]:
    """Say which names of ``course.toml`` are nobody's: a slip there costs somebody an extension.

    Without a roster whoever handed in nothing yet is unknown too, so only who is nearly called as
    somebody who did is told.

    Args:
        course: whose names.
        students: who handed in.
        roster: the class.
    """
    rules, names = course.rules, ClassNames(sorted({*students}), roster)
    said = [*(one.student for one in rules.extensions if one.student)]
    said += [member for group in rules.groups for member in group.members]
    numbered = filter(None, map(PLATFORM_S.fullmatch, names.students))
    known = [
        *names.students,
        *(one["name"] for one in numbered),
        *(value for person in names.roster for value in person.values()),
    ]
    for name in dict.fromkeys(said):
        if names.student(name) is not None or names.row(name) is not None:
            continue
        if several := names.holders(name):
            told = printable(", ".join(logins(names.roster, several)), limit=300)
            args = {"name": printable(name, limit=LONGEST), "known": told}
            yield Message("rules.several" if told else "rules.several_alike", args)
        else:
            near = next(iter(near_names(name, filter(None, known), 1)), "")
            args = {"name": printable(name, limit=LONGEST), "near": printable(near, limit=LONGEST)}
            if near or names.roster:
                yield Message("rules.nobody_near" if near else "rules.nobody", args)
    yield from _no_sections(rules, names)


def _no_sections(rules: Rules, names: ClassNames) -> Iterator[Message]:
    """Say which sections have more time and nobody in them."""
    column = section_column(rules, names.roster)
    known = {one.get(column, "").strip() for one in names.roster} - {""} if column else set()
    for one in rules.extensions:
        if one.section and folded(one.section) not in map(folded, known):
            told = printable(", ".join(sorted(known)), limit=300) or "–"
            args = {"name": printable(one.section, limit=LONGEST), "known": told}
            yield Message("rules.no_section", args)


def _sections(rules: Rules, names: ClassNames, members: Iterable[str]) -> Iterator[tuple[str, str]]:
    column = section_column(rules, names.roster)
    if column is None:
        return
    absent = ((row, one) for one in members if (row := names.row(one)) is not None)
    for row, student in (*names.rows.items(), *absent):
        if section := names.roster[row].get(column, "").strip():
            yield student, section


def section_column(rules: Rules, roster: Roster) -> str | None:
    """Give the column with the sections: the one that is named, else one that is usually called so.

    Raises:
        GraderError: the named one is not there.
    """
    if rules.roster is None or not roster:
        return None
    named = rules.roster.section
    if not named:
        return next((one for one in SECTIONS if one in roster[0]), None)
    column = column_called(roster, named)
    if column is None:
        found = printable(", ".join(roster[0]), limit=300)
        args = {"path": rules.roster.file, "wanted": named, "found": found}
        raise GraderError(Message("rules.no_column", args))
    return column
