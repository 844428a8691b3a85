"""Checks of an exercise's own, told by ``reference/<id>/checks.py``.

Enters: an Exercise. Leaves: its OwnChecks. Touches: executes that module, once as long as it does
not change.

Like a family it is instructor's code: run by the judge, never mounted into a student's room. It
defines ``CHECKS``, a tuple of OwnCheck.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.course.exercises import Exercise
from grader.course.modules import load_module
from grader.types import Evidence, EvidenceClass, GraderError, Message

FILE = "checks.py"
_ID = re.compile(rf"(?:{'|'.join(EvidenceClass)})\.[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class CheckAnswer:
    """What a check found in one student's evidence."""

    fraction: float  # of the check's points: 1.0 right, 0.0 wrong
    expected: str  # "Dense(1)"
    got: str
    en: str  # one sentence for the student, right or wrong, in either language
    ko: str

    def message(self) -> Message:
        """Give the sentence as a Message: the catalogue of each language picks its own."""
        return Message("course.inline", {"en": self.en, "ko": self.ko})


@dataclass(frozen=True)
class OwnCheck:
    """A question about the evidence that only this exercise asks."""

    id: str  # "structure.narrowing": its evidence class, and a name of its own
    points: float  # of those that the class has in exercise.toml; what is left is the others'
    ask: Callable[[Evidence, Exercise], CheckAnswer]

    @property
    def cls(self) -> EvidenceClass:
        """The class whose points it takes, and whose verdict it leads to."""
        return EvidenceClass(self.id.split(".")[0])


def checks_path(exercise: Exercise) -> Path | None:
    """Where an exercise's own checks are; None in a student's copy."""
    return exercise.reference_path / FILE if exercise.reference_path is not None else None


def load_own_checks(exercise: Exercise) -> tuple[OwnCheck, ...]:
    """Load an exercise's own checks; none where there is no such file.

    Raises:
        GraderError: names the file and what is wrong with it.
    """
    path = checks_path(exercise)
    if path is None or not path.is_file():
        return ()
    try:
        checks: tuple[OwnCheck, ...] = load_module(path).CHECKS
        problem = next(_problems(checks, exercise), None)
    except Exception as error:
        raise _broken(path, repr(error)) from error
    if problem is not None:
        raise _broken(path, problem)
    return checks


def _problems(checks: tuple[OwnCheck, ...], exercise: Exercise) -> Iterator[str]:
    if not isinstance(checks, tuple) or not all(isinstance(one, OwnCheck) for one in checks):
        yield "CHECKS: tuple[OwnCheck, ...]"
    ids = [check.id for check in checks]
    yield from (f"id {one!r}" for one in ids if not _ID.fullmatch(one))
    yield from (f"id {one!r}, twice" for one in ids if ids.count(one) > 1)
    yield from (f"{one.id}: points {one.points!r}" for one in checks if not one.points > 0)
    for cls in EvidenceClass:
        asked = sum(check.points for check in checks if check.cls is cls)
        most = exercise.points[cls]
        # Without points of their own, the standard checks could fail and nobody would see it.
        if asked and asked >= most:
            yield f"{cls.value}: {asked:g} points, less than {most:g} wanted"


def _broken(path: Path, error: str) -> GraderError:
    return GraderError(Message("course.broken_checks", {"path": str(path), "error": error}))
