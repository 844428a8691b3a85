"""Erases all that a folder keeps of a student's work.

Enters: a student, exercises, who asks. Leaves: an exit code. Touches: OUT, under its lock; stdout.

The wish is written down first and taken out last, so that it outlives a kill; until then no page
and no export shows the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.cli import people
from grader.cli.forgetting import exercises_kept, lines_about
from grader.cli.kept import ALL_ACCEPTED
from grader.cli.opened import Opened, author_of, opened, write_pages
from grader.cli.roster import known_roster
from grader.cli.rules import ClassNames
from grader.cli.whose import student_called
from grader.course.called import exercises_called, names_of
from grader.course.load import SETTINGS
from grader.record import class_file, hand_file
from grader.report import wording
from grader.report.attendance import matched, mentioned
from grader.text.printable import printable
from grader.types import GraderError, HandKind, HandLine, Record


@dataclass(frozen=True)
class ForgetOptions:
    """What ``grader forget`` was asked."""

    out: Path
    student: str
    exercises: tuple[str, ...]
    by: str | None
    sure: bool
    lang: str | None


@dataclass(frozen=True)
class _Going:
    """What there is to forget of somebody."""

    records: Sequence[Record]
    lines: Sequence[HandLine]
    aside: int  # notes of what was left aside

    @property
    def count(self) -> int:
        """How much it is in all."""
        return len(self.records) + len(self.lines) + self.aside


def run_forget(options: ForgetOptions) -> int:
    """Erase a student's work, or say what would go, which ends well; gives the exit code."""
    author = author_of(options.by)
    finished = _finished(options)
    left = options.exercises
    if finished:
        left = tuple(one for one in _ids(options.exercises) if one not in finished)
    if "" in finished or (finished and not left):
        return ALL_ACCEPTED
    with opened(options.out, options.lang) as folder:
        student = _student(folder, options.student)
        exercises = _exercises(folder, student, left)
        if not options.sure:
            print(_would_forget(folder, student, exercises))  # noqa: T201
            for said in () if exercises else _still_named(folder, student):
                print(said)  # noqa: T201
            return ALL_ACCEPTED
        told = _told(folder, student, _going(folder, student, exercises))
        _ask(folder, student, exercises, author)
        code = write_pages(folder, [student])
        print(folder.words("hand.forgotten", **told))  # noqa: T201
        print(folder.words("hand.forgotten_elsewhere"))  # noqa: T201
        for said in () if exercises else _still_named(folder, student):
            print(said)  # noqa: T201
        return code


def _still_named(folder: Opened, student: str) -> Iterator[str]:
    """Say which files name somebody, whatever is erased here, and what comes of it."""
    course, shown = folder.course, wording.name(student)
    try:
        roster, path = known_roster(course, folder.store.out)
    except GraderError:  # told with everybody's state
        roster, path = None, ""
    if roster and (matched([student], roster) or mentioned([student], roster)):
        yield folder.words("hand.on_roster", student=shown, path=printable(path))
    names = ClassNames([student], roster or ())
    said = [one.student for one in course.rules.extensions]
    said += [member for group in course.rules.groups for member in group.members]
    if any(names.student(one) == student for one in said if one):
        place = printable(str(course.root / SETTINGS))
        yield folder.words("hand.in_rules", student=shown, path=place)


def _finished(options: ForgetOptions) -> set[str]:
    """Finish what was asked of this student before and cut off; gives its exercises, "" for all."""
    before = hand_file.read(options.out).by_hand.to_forget
    asked = [one for one in before if one.student == options.student]
    if asked:
        with opened(options.out, options.lang) as folder:
            write_pages(folder, [options.student])
            words, student = folder.words, wording.name(options.student)
            titles = ", ".join(folder.title(one.exercise) for one in asked if one.exercise) or "–"
            count = sum(one.erased for one in asked)
            print(words("hand.forgotten", student=student, count=count, exercises=titles))  # noqa: T201
    return {one.exercise for one in asked}


def _ids(texts: Sequence[str]) -> list[str]:
    return [one.strip() for text in texts for one in text.split(",") if one.strip()]


def _student(folder: Opened, text: str) -> str:
    lines = (one.student for one in folder.by_hand.lines if one.student)
    looks = class_file.read(folder.store.out).looks
    unread = (each.student for one in looks for each in one.aside if each.student)
    there = [*(one.student for one in folder.latest), *lines, *unread]
    return student_called(text, there, folder.roster)


def _exercises(folder: Opened, student: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Give the exercises that are meant; none for all of them."""
    if not texts:
        return ()
    theirs = [one.exercise for one in folder.in_force if one.student == student]
    names = {one: told for one, told in names_of(folder.course).items() if one in theirs}
    return tuple(exercises_called(texts, theirs, names))


def _ask(folder: Opened, student: str, exercises: Sequence[str], author: str) -> None:
    there = {(one.student, one.exercise) for one in folder.by_hand.to_forget}
    wanted = [one for one in exercises or ("",) if not {(student, one), (student, "")} & there]
    known, new, counted = folder.by_hand, [], 0
    for number, one in enumerate(wanted, 1):
        line_id = hand_file.new_id(known)
        at = hand_file.now()
        upto = _going(folder, student, wanted[:number] if one else ()).count
        count, counted = upto - counted, upto
        new.append(HandLine(line_id, at, author, HandKind.FORGET, student, one, erased=count))
    hand_file.append(folder.store.out, new)


def _would_forget(folder: Opened, student: str, exercises: Sequence[str]) -> str:
    going = _going(folder, student, exercises)
    of = {"results": len(going.records), "lines": len(going.lines), "aside": going.aside}
    return folder.words("hand.would_forget", **_told(folder, student, going), **of)


def _told(folder: Opened, student: str, going: _Going) -> dict[str, str | int]:
    exercises = [*(one.exercise for one in going.records), *(one.exercise for one in going.lines)]
    titles = dict.fromkeys(folder.title(one) for one in exercises if one)
    return {
        "student": wording.name(student),
        "count": going.count,
        "exercises": ", ".join(titles) or "–",
    }


def _going(folder: Opened, student: str, exercises: Sequence[str]) -> _Going:
    """Give what would go; for all exercises where none is named."""
    records = [one for one in folder.latest if one.student == student]
    lines = [one for one in folder.by_hand.lines if one.kind is not HandKind.FORGET]
    if exercises:
        records = [one for one in records if one.exercise in exercises]
    theirs = [one for it in exercises or ("",) for one in lines_about(lines, student, it)]
    left = exercises_kept(folder.store, student) - {*exercises} if exercises else ()
    return _Going(records, theirs, 0 if left else people.left_aside(folder.store.out, student))
