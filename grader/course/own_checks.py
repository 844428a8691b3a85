"""Checks of an exercise's own, told by ``reference/<id>/checks.py``.

Enters: an Exercise. Leaves: its OwnChecks. Touches: executes that module, once as long as it does
not change.

Like a family it is instructor's code: run by the judge, never mounted into a student's room. It
defines ``CHECKS``, a tuple of OwnCheck.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.course.exercises import Exercise
from grader.course.modules import load_module
from grader.types import Evidence, EvidenceClass, GraderError, Message, Scalar

FILE = "checks.py"
# As the standard checks of grader/score are called; a family's findings are known with evidence.
_RESERVED = re.compile(
    r"runs\.(cells|readable)|structure\.(layers|total|layer-\d+)|data\.(fit|unlooked)"
    r"|training\.(weights|epochs)|accuracy\.none|\w+\.own"
)
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
        problem = next(_problems(checks, exercise, str(path)), None)
    except (Exception, SystemExit) as error:
        args = {"path": str(path), "error": repr(error)}
        raise GraderError(Message("course.broken_checks", args)) from error
    if problem is not None:
        raise GraderError(problem)
    return checks


def _problems(checks: tuple[OwnCheck, ...], exercise: Exercise, path: str) -> Iterator[Message]:
    if not isinstance(checks, tuple) or not all(isinstance(one, OwnCheck) for one in checks):
        yield Message("course.checks_no_tuple", {"path": path})
    yield from _bad_ids([check.id for check in checks], path)
    for check in checks:
        if not check.points > 0:
            without: dict[str, Scalar] = {"path": path, "id": check.id, "points": check.points}
            yield Message("course.checks_no_points", without)
    for cls in EvidenceClass:
        asked = sum(check.points for check in checks if check.cls is cls)
        most = exercise.points[cls]
        args: dict[str, Scalar] = {"path": path, "class": cls.value, "asked": asked, "most": most}
        if asked and not most:
            yield Message("course.checks_none_to_take", args)
        # Without points of their own, the standard checks could fail and nobody would see it.
        elif asked and asked >= most:
            yield Message("course.checks_take_all", args)


def _bad_ids(ids: Sequence[str], path: str) -> Iterator[Message]:
    for one in ids:
        if not _ID.fullmatch(one):
            yield Message("course.checks_bad_id", {"path": path, "id": one})
        if _RESERVED.fullmatch(one):
            yield Message("course.checks_standard_id", {"path": path, "id": one})
        if ids.count(one) > 1:
            yield Message("course.checks_same_id", {"path": path, "id": one})
