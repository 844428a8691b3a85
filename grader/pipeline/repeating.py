"""Has a claimed training done again where points wait for that.

Enters: Evidence with its case, by what it is judged. Leaves: Evidence that says what came of it.
Touches: the evaluation room, through the function that is passed in; whatever scoring loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.course.exercises import Course
from grader.extract.cases import ExerciseCase
from grader.extract.repeating import repeat
from grader.extract.tasks import Evaluate
from grader.score.grade import grade_of
from grader.score.waiting import ABOUT_TRAINING, contradicts
from grader.types import Engine, Evidence, Message

TRIES = 2  # each with another seed, before points wait for a teacher


@dataclass(frozen=True)
class Repeats:
    """By what claimed trainings of a run are done again and judged.

    ``seeds``: of the trainings, in turn. ``hidden_seeds``: of every exercise's hidden data.
    """

    course: Course
    engine: Engine
    device: str
    seeds: Sequence[int]
    hidden_seeds: Mapping[str, int]
    evaluate: Evaluate

    def added(self, found: Evidence, case: ExerciseCase) -> Evidence:
        """Do a claimed training again, with another seed where the first did not come as far.

        Raises:
            GraderError: the evaluation room failed over it.
        """
        waited = False
        for number, seed in enumerate(self.seeds[:TRIES], 1):
            if not self._waits(found):
                break
            waited = True
            assert found.proof is not None
            hidden_seed = self.hidden_seeds[found.exercise]
            again = repeat(case, self.evaluate, seed, hidden_seed, number)
            found = replace(found, proof=replace(found.proof, repeated=again))
            if again.why is not None:  # so it would be the next time
                break
        if waited and not self._waits(found):
            found = replace(found, notes=(*found.notes, Message("proof.repeated")))
        return found

    def _waits(self, found: Evidence) -> bool:
        """Whether points wait that a repeated training could give."""
        if found.proof is None or found.proof.proven or contradicts(found):
            return False
        checks = grade_of(self.course, found, self.engine, self.device).grade.checks
        return any(check.waiting > 0 for check in checks if check.cls in ABOUT_TRAINING)
