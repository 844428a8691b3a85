"""Which of the course's notebooks a change can make another verdict of.

Enters: names of changed files, the course as it is and as it was. Leaves: Touched, and the cases
that are to run. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.course.exercises import ASSIGNMENTS, REFERENCE, SAMPLES, Course
from grader.course.load import SETTINGS
from grader.verify.cases import CHAPTER, CourseCase, Kind

FAMILIES, WORDS, DATA = "families", "locale", "data"
CHAPTERS = f"{REFERENCE}/{CHAPTER}/expected.toml"


@dataclass(frozen=True)
class Touched:
    """What changed files may have an effect on; names of files are relative to the course."""

    exercises: frozenset[str]  # every notebook of theirs is to run
    notebooks: frozenset[str]  # samples and chapters that are to run whatever else is
    near: frozenset[str]  # exercises whose files are to be looked at besides


def touched(names: Iterable[str], now: Course, before: Course | None) -> Touched:
    """Follow each file of the course to the exercises that depend on it.

    Args:
        names: of files below the course's root that were added, edited or removed.
        now: the course with the change.
        before: the course without it; None where there is none that can be read.
    """
    courses = [one for one in (now, before) if one is not None]
    every = frozenset(key for course in courses for key in course.exercises)
    whole: set[str] = set()
    single: set[str] = set()
    near: set[str] = set()
    for name in names:
        top, *rest = PurePosixPath(name).parts
        if top == SETTINGS:
            whole |= every if _graded_otherwise(now, before) else frozenset()
        elif len(rest) > 1 and rest[0] in every and SAMPLES in rest[1:-1]:
            single.add(name)
            near.add(rest[0])
        elif len(rest) > 1 and rest[0] in every:
            whole.add(rest[0])
        elif top == REFERENCE and rest[:1] == [CHAPTER]:
            single.add(name)
        elif top == REFERENCE and rest[:1] == [FAMILIES] and rest[1:2] != [WORDS]:
            whole |= _sharing(courses, "family", rest) or every
        elif top == REFERENCE and rest[:1] == [DATA]:
            whole |= _sharing(courses, "dataset", rest) or every
    return Touched(frozenset(whole), frozenset(single), frozenset(near))


def to_run(every: Sequence[CourseCase], what: Touched) -> list[CourseCase]:
    """Give the notebooks that may get another verdict than before."""
    return [
        case
        for case in every
        if case.name in what.notebooks
        or not what.exercises.isdisjoint(case.wanted)
        or (case.kind is Kind.CHAPTER and CHAPTERS in what.notebooks)
    ]


def is_of_the_course(name: str) -> bool:
    """Whether a file is one that this looks at."""
    return name == SETTINGS or PurePosixPath(name).parts[0] in (ASSIGNMENTS, REFERENCE)


def _sharing(courses: Sequence[Course], field: str, rest: Sequence[str]) -> set[str]:
    """Give the exercises of the family or data set that a file is named after; none of a helper."""
    name = PurePosixPath(rest[1]).stem if len(rest) > 1 else ""
    return {
        key
        for course in courses
        for key, one in course.exercises.items()
        if getattr(one, field) == name
    }


def _graded_otherwise(now: Course, before: Course | None) -> bool:
    """Whether course.toml says otherwise what notebooks run with; its rules move no verdict."""
    return before is None or _run_with(now) != _run_with(before)


def _run_with(course: Course) -> tuple[object, ...]:
    return course.packages, course.old_api, course.asks_trainer, course.profile
