"""One exercise of one run, scored; and of several runs, which one counts.

Enters: exercises of runs with their grades. Leaves: those that earn more. Touches nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from grader.execution import Execution
from grader.types import Attempt, Evidence, Grade, UsedThreshold


@dataclass(frozen=True)
class Scored:
    """One exercise of one run, scored; ungraded where there is no evidence."""

    exercise: str
    evidence: Evidence | None
    grade: Grade
    threshold: UsedThreshold | None
    execution: Execution
    attempts: tuple[Attempt, ...]

    @property
    def points(self) -> float:
        """The score; what is ungraded has none."""
        return self.grade.score or 0.0

    def better(self, other: Scored) -> Scored:
        """Give whichever earns more, with the attempts of both.

        Where the other could not be judged, nobody knows: it was owed. Where it has no attempt of
        its own, it is this very one, perhaps with a word more.
        """
        if other.evidence is None:
            return other
        attempts = (*self.attempts, *other.attempts)
        worth = (self.points, self.grade.waiting), (other.points, other.grade.waiting)
        better = worth[1] > worth[0] or not other.attempts
        return replace(other if better else self, attempts=attempts)


def better_run(first: tuple[Scored, ...], second: tuple[Scored, ...]) -> tuple[Scored, ...]:
    """Give the exercises of the run that earns more, of each what earns more, with all attempts.

    Where both earn the same, the second run counts; what of it could not be judged is owed.
    """
    earlier = {case.exercise: case for case in first}
    later = {case.exercise: case for case in second}
    owed = any(case.evidence is None for case in second)
    chosen = second if owed or _total(second) >= _total(first) else first
    return tuple(_better(earlier.get(one.exercise), later.get(one.exercise)) for one in chosen)


def _total(run: tuple[Scored, ...]) -> float:
    return math.fsum(case.points for case in run)


def _better(first: Scored | None, second: Scored | None) -> Scored:
    """Give the better of the runs of an exercise, at least one of which holds it."""
    if second is None:
        assert first is not None
        return first
    if first is None or second.evidence is None:
        return second
    attempts = (*first.attempts, *second.attempts)
    return replace(first if first.points > second.points else second, attempts=attempts)
