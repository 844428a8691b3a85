"""Everybody of the class: what an OUT folder knows of it, beside its records.

Enters: what was collected, a roster's path, Records. Leaves: People. Touches: ``class.json`` in
OUT; reads the roster.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from grader.cli.roster import class_of, known_roster, roster_file
from grader.cli.rules import ahead_of
from grader.collect.collect import Collected
from grader.collect.people import LOOSE
from grader.course.exercises import Course
from grader.policy.replaced import HandIn, Seen
from grader.policy.rules import Terms
from grader.record import class_file, hand_file
from grader.record.class_file import Aside, Look
from grader.record.forgetting import whole_names
from grader.report.owed import Missing, owed
from grader.report.people import People, people
from grader.report.roster import Roster
from grader.text.printable import printable
from grader.types import UNKNOWN, GraderError, Message, Record

GRADES, PEOPLE = "grades.csv", "people.csv"  # tables of everything, in OUT
NUMBERS = frozenset({"ID", "id"})  # columns
LONGEST = 60  # characters of a title in a line


def remember(
    out: Path,
    *,
    course: Course | None = None,
    roster: Path | None = None,
    look: Look | None = None,
    hand_ins: Mapping[HandIn, Seen] | None = None,
) -> None:
    """Keep where the course that grades and the roster are, what was left aside, what was seen.

    A file that cannot be read may name a roster: it stays, and is told, until one is named.

    Raises:
        GraderError: the roster is none, or is a table that is written there, or the disk refuses.
    """
    before = after = class_file.read(out)
    if before.unread and roster is None:
        return
    if roster is not None:
        roster_file(roster)
        _require_not_ours(roster, out)
        after = replace(after, roster=str(roster.absolute()), unread=())
    if course is not None:
        after = replace(after, course=str(course.root.resolve()))
    if look is not None:
        after = after.seen(look)
    if hand_ins is not None:
        after = replace(after, hand_ins=hand_ins)
    if after != before:
        class_file.write(out, after)


def _require_not_ours(roster: Path, out: Path) -> None:
    """Refuse a table of ours: it is written anew, with whoever is in it for a class.

    Raises:
        GraderError: it is one.
    """
    for table in (out / GRADES, out / PEOPLE):
        if table.exists() and roster.samefile(table):
            raise GraderError(Message("cli.roster_ours", {"path": str(roster)}))


def look_of(paths: Sequence[Path], collected: Collected) -> Look:
    """Give what was left aside under the given paths."""
    unread = [Aside(message, student) for student, message in collected.unread]
    loose = [Aside(one, unread=False) for one in collected.notes if one.id == LOOSE]
    others = [Aside(message, student, unread=False) for student, message in collected.others]
    return Look(tuple(sorted({str(path.absolute()) for path in paths})), (*unread, *loose, *others))


def roster_or_nobody(course: Course, out: Path) -> Roster:
    """Give the class's roster; nobody where there is none, or where it cannot be read."""
    return kept_roster(course, out)[0] or ()  # what is wrong is told with everybody's state


def kept_roster(course: Course, out: Path) -> tuple[Roster | None, tuple[Message, ...]]:
    """Give the class's roster, None where there is none; and why nobody knows of it, if so."""
    unread = class_file.read(out).unread
    try:
        return known_roster(course, out)[0], unread
    except GraderError as error:
        return None, (*unread, error.message)


def roster_of(
    named: Path | None, course: Course, out: Path, keys: Collection[str], key: str = ""
) -> tuple[Roster | None, str]:
    """Give the roster that was named, else the class's where it is some other system's own.

    Args:
        named: on the command line.
        course: whose roster it may be.
        out: whose roster it may be, before the course's.
        keys: the columns by which that system knows people. A number alone is no sign of it: other
            lists have an "ID", too.
        key: the column that was named with the roster.

    Raises:
        GraderError: the named one cannot be read.
    """
    if named is not None:
        return roster_file(named, key), str(named)
    try:
        roster, path = known_roster(course, out)
    except GraderError:  # told with everybody's state
        return None, ""
    known = {one for one in keys if roster and one in roster[0]}
    return (roster, path) if known - NUMBERS else (None, "")


def people_of(
    course: Course, out: Path, records: Sequence[Record], roster: Roster | None = None
) -> tuple[People, list[Message]]:
    """Give everybody, and what is wrong with what was kept about the class.

    Args:
        course: in whose order exercises are.
        out: the folder.
        records: with the grades in force.
        roster: another one than that of the folder; where that has none, the course's is taken.
    """
    kept = class_file.read(out)
    wrong = kept.unread
    if roster is None:
        roster, wrong = kept_roster(course, out)
    forgotten = {one.student for one in hand_file.read(out).by_hand.to_forget}
    aside = [one for look in kept.looks for one in look.aside if not _is_about(one, forgotten)]
    unread: dict[str, list[Message]] = {}
    others: dict[str, list[Message]] = {}
    for one in aside:
        if one.unread or one.student:
            (unread if one.unread else others).setdefault(one.student, []).append(one.message)
    found = {record.exercise for record in records} - {UNKNOWN}
    exercises = [one for one in course.exercises if one in found]
    exercises += sorted(found - course.exercises.keys())
    loose = [one.message for one in aside if not (one.unread or one.student)]
    ahead = ahead_of(course, {one.student for one in records}, class_of(course, out))
    due = owed(exercises, named(course), is_class=roster is not None)
    everybody = people(records, exercises, roster, unread, loose, others, ahead, due)
    return replace(everybody, unheard=_unheard(course, found)), [*wrong]


def _unheard(course: Course, found: Collection[str]) -> list[str]:
    """Give what exercises are called that were due for everybody, and that nobody handed in.

    They may lie in another folder, so nobody is said to lack them.
    """
    now = datetime.now(UTC)
    due = ((one, course.rules.exercises.get(one, Terms())) for one in course.exercises)
    past = ((one, terms.title) for one, terms in due if terms.due is not None and terms.due < now)
    return [printable(title or one, limit=LONGEST) for one, title in past if one not in found]


def named(course: Course) -> set[str]:
    """Give the exercises that ``course.toml`` says something of."""
    return {*course.rules.exercises, *(course.owed or ())}


def missing_of(course: Course, everybody: People, student: str) -> Missing:
    """Give what a student lacks, and what that counts in the total."""
    person = everybody.person(student)
    if person is None:
        return Missing()
    lacks = everybody.lacking(person)
    terms = course.rules.exercises
    most = [
        terms.get(one, Terms()).weight * course.exercises[one].max_score
        for one in lacks
        if one in course.exercises
    ]
    return Missing(lacks, math.fsum(most), person.others)


def left_aside(out: Path, student: str) -> int:
    """Count what was left aside of a student, or names them."""
    looks = class_file.read(out).looks
    return sum(_is_about(one, {student}) for look in looks for one in look.aside)


def forget(out: Path, student: str, exercise: str = "") -> None:
    """Erase what was left aside of a student, or names them, and what was seen of their work.

    ``exercise``: of the work for this one alone.

    Raises:
        GraderError: the disk refuses.
    """
    before = class_file.read(out)
    theirs = {who for who in before.hand_ins if who[0] == student and exercise in {"", who[1]}}
    hand_ins = {who: it for who, it in before.hand_ins.items() if who not in theirs}
    after = replace(before, hand_ins=hand_ins)
    if not exercise:  # what cannot be read may name them, too
        looks = [
            Look(one.paths, tuple(each for each in one.aside if not _is_about(each, {student})))
            for one in before.looks
        ]
        after = replace(after, looks=tuple(one for one in looks if one.aside), unread=())
    if after != before:
        class_file.write(out, after)


def _is_about(one: Aside, students: set[str]) -> bool:
    if one.student in students:
        return True
    named = whole_names(students)
    return any(
        isinstance(value, str) and named.search(value) for value in one.message.args.values()
    )
