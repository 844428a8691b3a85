"""One exercise at a time: what goes wrong over one takes no other with it.

Enters: what is to be done for an exercise. Leaves: what it gives, or Unjudged. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from grader.types import GraderError, Message

T = TypeVar("T")


@dataclass(frozen=True)
class Unjudged:
    """An exercise that could not be judged, and why: a fault of ours."""

    exercise: str
    message: Message


class Care(Protocol):
    """How the work for one exercise is done."""

    def do(self, exercise: str, work: Callable[[], T]) -> T | Unjudged:
        """Do it."""


class Together:
    """What goes wrong over one exercise is raised: for those who want to see it."""

    def do(self, exercise: str, work: Callable[[], T]) -> T | Unjudged:
        """Do it, whosever it is."""
        del exercise
        return work()


@dataclass(frozen=True)
class Apart:
    """What goes wrong over one exercise leaves that one ungraded.

    ``begins`` is told of an exercise before anything is done for it: should the process end over
    it, the next one is given it in ``left_out``. ``fault`` says what nobody expected.
    """

    fault: Callable[[Exception], Message]
    left_out: Mapping[str, Message] = field(default_factory=dict)
    begins: Callable[[str], None] = lambda _: None

    def do(self, exercise: str, work: Callable[[], T]) -> T | Unjudged:
        """Do it; what it raises is ours."""
        if exercise in self.left_out:
            return Unjudged(exercise, self.left_out[exercise])
        self.begins(exercise)
        try:
            return work()
        except GraderError as error:
            return Unjudged(exercise, error.message)
        except Exception as error:  # noqa: BLE001 - one exercise never takes the chapter with it
            return Unjudged(exercise, self.fault(error))
