"""Has a claimed training done again where points wait for that.

Enters: a run, Evidence with its case. Leaves: Evidence that says what came of it. Touches: the
evaluation room, through the function that is passed in; whatever scoring loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.extract.cases import ExerciseCase
from grader.extract.repeating import repeat
from grader.extract.tasks import Answer, ModelTask
from grader.score.grade import grade_of
from grader.score.waiting import CONTRADICTIONS
from grader.types import Evidence, Message

if TYPE_CHECKING:
    from grader.pipeline.judging import Run

TRIES = 2  # each with another seed, before points wait for a teacher


def with_repeats(
    found: Evidence,
    case: ExerciseCase,
    run: Run,
    evaluate: Callable[[Sequence[ModelTask]], Mapping[str, Answer]],
) -> Evidence:
    """Do a claimed training again, with another seed where the first one did not come as far.

    Raises:
        GraderError: the evaluation room failed over it.
    """
    waited = False
    for number, seed in enumerate(run.repeat_seeds[:TRIES], 1):
        if not _waits(found, run):
            break
        waited = True
        assert found.proof is not None
        again = repeat(case, evaluate, seed, run.hidden_seeds[found.exercise], number)
        found = replace(found, proof=replace(found.proof, repeated=again))
        if again.why is not None:  # so it would be the next time
            break
    if waited and not _waits(found, run):
        found = replace(found, notes=(*found.notes, Message("proof.repeated")))
    return found


def _waits(found: Evidence, run: Run) -> bool:
    """Whether points wait that a repeated training could give."""
    if found.proof is None or found.proof.proven or CONTRADICTIONS & set(found.flags):
        return False
    judged = grade_of(run.course, found, run.execution.engine, run.execution.device)
    return judged.grade.waiting > 0
