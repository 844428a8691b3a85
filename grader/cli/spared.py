"""What fails for one student fails alone: the others get theirs, and the command says who did not.

Enters: steps that are taken for each student, whatever they raise. Leaves: what could be made; a
line per step for those left out. Touches: keeps tracebacks below OUT; stderr.

A full disk is everybody's trouble and not a student's: it is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from grader.cli.errors import tell
from grader.record.faults import keep_fault
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Message, Record

MOST_NAMES = 20  # in one line
LONGEST_NAME = 60
LONGEST_ERROR = 200


class Step(StrEnum):
    """What is made of a student's records."""

    SHOWN = "shown"
    PICTURE = "picture"
    PAGE = "page"
    OVERVIEW = "overview"
    GRADEBOOK = "gradebook"
    EXPORT = "export"
    REGRADE = "regrade"
    MERGE = "merge"


TOLD = {
    Step.SHOWN: "cli.spared_shown",
    Step.PICTURE: "cli.spared_picture",
    Step.PAGE: "cli.spared_page",
    Step.OVERVIEW: "cli.spared_overview",
    Step.GRADEBOOK: "cli.spared_gradebook",
    Step.EXPORT: "cli.spared_export",
    Step.REGRADE: "cli.spared_regrade",
    Step.MERGE: "cli.spared_merge",
}

Made = TypeVar("Made")


@dataclass(frozen=True)
class _Failure:
    step: Step
    student: str
    cause: str  # equal for what has the same cause
    why: Message


class Spared:
    """Who was left out of what, and why."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._found: list[_Failure] = []

    def __bool__(self) -> bool:
        """Whether anybody was."""
        return bool(self._found)

    def students(self, step: Step) -> list[str]:
        """Name those who were left out of a step, each once."""
        return list(dict.fromkeys(one.student for one in self._found if one.step is step))

    def keep(self, step: Step, student: str, error: Exception) -> None:
        """Note that a step failed for a student.

        Raises:
            GraderError: the disk is full, which is not about a student.
        """
        if isinstance(error, GraderError):
            if error.message.id == "record.disk_full":
                raise error
            cause, why = error.message.id, error.message
        else:
            cause = keep_fault(self.out, error)
            said = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
            why = Message("cli.fault_kept", {"error": printable(said), "kept": cause})
        self._found.append(_Failure(step, student, cause, why))

    @contextmanager
    def alone(self, step: Step, student: str) -> Iterator[None]:
        """Do something for one student; where it raises, note it and go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one student never takes the class along
            self.keep(step, student, error)

    def made(
        self, step: Step, make: Callable[[Sequence[Record]], Made], records: Sequence[Record]
    ) -> Made:
        """Make one thing of all records; of those with whom it can be made where it cannot.

        Raises:
            Exception: it cannot be made for anybody, or fails for a reason that is nobody's alone.
        """
        try:
            return make(records)
        except Exception as error:
            failing = _failing_alone(make, records)
            if not failing or len(failing) == len({record.student for record in records}):
                if not isinstance(error, GraderError):
                    keep_fault(self.out, error)
                raise
        for student, alone in failing.items():
            self.keep(step, student, alone)
        return make([record for record in records if record.student not in failing])

    def made_if_any(
        self, step: Step, make: Callable[[Sequence[Record]], Made], records: Sequence[Record]
    ) -> Made | None:
        """Make one thing of all records, or of some; None where it can be made for nobody."""
        try:
            return self.made(step, make, records)
        except Exception as error:  # noqa: BLE001 - what comes after it is made all the same
            for student in dict.fromkeys(record.student for record in records):
                self.keep(step, student, error)
            return None

    def tell(self, words: Words) -> None:
        """Name everybody who was left out, a line per step and cause."""
        grouped: dict[tuple[Step, str], list[_Failure]] = {}
        for one in self._found:
            grouped.setdefault((one.step, one.cause), []).append(one)
        for (step, _), failures in grouped.items():
            students = list(
                dict.fromkeys(printable(f.student, limit=LONGEST_NAME) for f in failures)
            )
            shown = ", ".join(students[:MOST_NAMES]) + (", …" if students[MOST_NAMES:] else "")
            why = words.say(failures[0].why)
            tell(words(TOLD[step], students=shown, count=len(students), why=why))


def _failing_alone(
    make: Callable[[Sequence[Record]], object], records: Sequence[Record]
) -> dict[str, Exception]:
    """Find the students with whose records alone it fails."""
    by_student: dict[str, list[Record]] = {}
    for record in records:
        by_student.setdefault(record.student, []).append(record)
    failing: dict[str, Exception] = {}
    for student, theirs in by_student.items():
        try:
            make(theirs)
        except Exception as error:  # noqa: BLE001 - that is what is asked
            failing[student] = error
    return failing
