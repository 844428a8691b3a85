"""A textbook's slip that costs nobody a point, and the models that it leaves stuck.

Enters: Evidence whose structure and data are right, an Exercise. Leaves: whether chance alone kept
the model from learning, and the architecture with the slip put right. Touches nothing.

Without its last activation a model may begin where the loss has no slope, and then no fit moves it.
That is decided by the seed, so the student is right and the weights are as they were. The judge
trains the same layers again, as the exercise means them.
"""

from __future__ import annotations

from dataclasses import replace

from grader.course.exercises import Exercise
from grader.extract.architecture import Architecture
from grader.types import Evidence, Json


def stuck_by_the_book(evidence: Evidence, exercise: Exercise) -> bool:
    """Whether a fit did all that was asked of it, on a model with an accepted slip, for nothing.

    The structure passed: a last activation that is not the exercise's is one that it accepts.
    """
    training, model = evidence.training, evidence.model
    if training is None or model is None or not model.layers:
        return False
    wanted = _last_activation(exercise)
    slipped = wanted is not None and model.layers[-1].config.get("activation") != wanted
    moved_nothing = training.finite and not training.changed
    return slipped and moved_nothing and training.epochs >= exercise.min_epochs


def mended(architecture: Architecture, exercise: Exercise) -> Architecture:
    """Give the architecture with the last activation that the exercise asks for."""
    *others, last = architecture.layers
    put_right = replace(last, config={**last.config, "activation": _last_activation(exercise)})
    return replace(architecture, layers=(*others, put_right))


def _last_activation(exercise: Exercise) -> Json:
    return exercise.layers[-1].config.get("activation")
