"""Erases all that a folder keeps of a student's work.

Enters: a student, exercises, who asks. Leaves: an exit code. Touches: OUT, under its lock; stdout.

The wish is written down first and taken out last, so that it outlives a kill; until then no page
and no export shows the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.cli.errors import USAGE
from grader.cli.opened import Opened, author_of, opened, write_pages
from grader.cli.whose import exercises_called, student_called
from grader.record import hand_file
from grader.report import wording
from grader.types import HandKind, HandLine, Record


@dataclass(frozen=True)
class ForgetOptions:
    """What ``grader forget`` was asked."""

    out: Path
    student: str
    exercises: tuple[str, ...]
    by: str | None
    sure: bool
    lang: str | None


def run_forget(options: ForgetOptions) -> int:
    """Erase a student's work, or say what would go; gives the exit code."""
    author = author_of(options.by)
    with opened(options.out, options.lang) as folder:
        pending = [one for one in folder.by_hand.to_forget if one.student == options.student]
        student = options.student if pending else _student(folder, options.student)
        exercises = () if pending else _exercises(folder, student, options.exercises)
        if not options.sure and not pending:
            print(folder.words("hand.would_forget", **_told(folder, student, exercises)))  # noqa: T201
            return USAGE
        _ask(folder, student, exercises, author)
        known = {one.id for one in folder.by_hand.to_forget}
        code = write_pages(folder, [student])
        erased = sum(one.erased for one in folder.by_hand.lines if one.id in known)
        print(folder.words("hand.forgotten", student=wording.name(student), count=erased))  # noqa: T201
        print(folder.words("hand.forgotten_elsewhere"))  # noqa: T201
        return code


def _student(folder: Opened, text: str) -> str:
    lines = (one.student for one in folder.by_hand.lines if one.student)
    return student_called(text, [*(one.student for one in folder.latest), *lines])


def _exercises(folder: Opened, student: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Give the exercises that are meant; none for all of them."""
    if not texts:
        return ()
    theirs = [one.exercise for one in folder.in_force if one.student == student]
    return tuple(exercises_called(texts, theirs, {}))


def _ask(folder: Opened, student: str, exercises: Sequence[str], author: str) -> None:
    there = {(one.student, one.exercise) for one in folder.by_hand.to_forget}
    wanted = [one for one in exercises or ("",) if not {(student, one), (student, "")} & there]
    known, new = folder.by_hand, []
    for one in wanted:
        line_id = hand_file.new_id(known)
        at = hand_file.now()
        count = len(_going(folder, student, (one,) if one else ()))
        new.append(HandLine(line_id, at, author, HandKind.FORGET, student, one, erased=count))
    hand_file.append(folder.store.out, new)


def _told(folder: Opened, student: str, exercises: Sequence[str]) -> dict[str, str | int]:
    going = _going(folder, student, exercises)
    titles = dict.fromkeys(folder.title(one.exercise) for one in going)
    return {
        "student": wording.name(student),
        "count": len(going),
        "exercises": ", ".join(titles) or "–",
    }


def _going(folder: Opened, student: str, exercises: Sequence[str]) -> list[Record]:
    """Give the results that would go."""
    theirs = [one for one in folder.latest if one.student == student]
    return [one for one in theirs if not exercises or one.exercise in exercises]
