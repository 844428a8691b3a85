"""Trains a student's architecture anew in the evaluation room, with another seed.

Enters: what a notebook claims about its training, the exercise's own data. Leaves: a ModelTask;
whether chance alone kept a model from learning, and what it would have learned with. Touches
nothing.

For a notebook that fixes its seeds another run of the notebook would repeat itself exactly; only a
retraining can tell an unlucky seed from a wrong model.

Nor would another run help a model that a textbook's slip left stuck. Without its last activation it
may begin where the loss has no slope, and then no fit moves it. That is decided by the seed, so the
student is right and the weights are as they were. The judge trains the same layers again, as the
exercise means them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grader.course.exercises import Exercise
from grader.course.families import DataReading, Family, Question
from grader.evaluation.allowed import FROM_LOGITS, LOSSES, OPTIMIZERS
from grader.extract.architecture import Architecture
from grader.extract.tasks import ModelTask, Training
from grader.types import Candidate, Evidence, Json, Scalar

OPTIONS = tuple(
    "learning_rate momentum nesterov rho beta_1 beta_2 epsilon clipnorm clipvalue weight_decay "
    "amsgrad".split()
)


def canonical_question(
    family: Family, exercise: Exercise, hidden_seed: int
) -> tuple[DataReading, Question]:
    """Give the hidden question in the exercise's own layout."""
    layouts = exercise.data.get("layouts")
    layout = str(layouts[0]) if isinstance(layouts, list) and layouts else "canonical"
    reading = DataReading((), layout)
    return reading, family.ask(reading, np.random.default_rng(hidden_seed), exercise.data)


def retraining(
    architecture: Architecture,
    candidate: Candidate,
    exercise: Exercise,
    family: Family,
    seed: int,
    question: Question,
) -> ModelTask | None:
    """Describe a training from scratch as the student set it up, on the exercise's data.

    It never lasts longer than the exercise asks for: that is what the threshold was measured on.

    Returns:
        None where optimizer or loss are not among the built-in ones.
    """
    optimizer, loss = candidate.compile.get("optimizer"), candidate.compile.get("loss")
    fit = max(candidate.fits, key=lambda one: (bool(one.arguments), one.epochs_run), default=None)
    if optimizer not in OPTIMIZERS or loss not in LOSSES or fit is None:
        return None
    from_logits = candidate.compile.get("loss.from_logits") is True
    if from_logits and loss not in FROM_LOGITS:
        return None
    x, y = family.training(np.random.default_rng(seed), exercise.data)
    return ModelTask(
        id=exercise.id,
        architecture=architecture,
        inputs=question.inputs,
        training=Training(
            x=x,
            y=y,
            epochs=max(1, min(exercise.epochs, sum(one.epochs_run for one in candidate.fits))),
            optimizer=str(optimizer),
            loss=str(loss),
            options=_options(candidate.compile),
            from_logits=from_logits,
            batch_size=_whole(fit.arguments.get("batch_size"), 32),
            validation_split=_share(fit.arguments.get("validation_split")),
        ),
        seed=seed,
    )


def stuck_by_the_book(evidence: Evidence, exercise: Exercise) -> bool:
    """Whether a fit did all that was asked of it, on a model with an accepted slip, for nothing.

    The structure passed: a last activation that is not the exercise's is one that it accepts.
    """
    training, model = evidence.training, evidence.model
    if training is None or model is None or not model.layers:
        return False
    wanted = _last_activation(exercise)
    slipped = wanted is not None and model.layers[-1].config.get("activation") != wanted
    moved_nothing = training.finite and not (training.changed or training.unseen)
    return slipped and moved_nothing and training.epochs >= exercise.min_epochs


def with_asked_activation(architecture: Architecture, exercise: Exercise) -> Architecture:
    """Give the architecture with the last activation that the exercise asks for."""
    *others, last = architecture.layers
    put_right = replace(last, config={**last.config, "activation": _last_activation(exercise)})
    return replace(architecture, layers=(*others, put_right))


def _last_activation(exercise: Exercise) -> Json:
    return exercise.layers[-1].config.get("activation")


def _options(compiled: Mapping[str, Json]) -> dict[str, Json]:
    found = {key: compiled.get(f"optimizer.{key}") for key in OPTIONS}
    rate = compiled.get("learning_rate")
    if isinstance(rate, float) and rate > 0:
        found["learning_rate"] = rate
    decay = compiled.get("optimizer.decay")  # of the textbooks' time: lr / (1 + decay * updates)
    if isinstance(decay, float) and decay > 0 and isinstance(found["learning_rate"], float):
        found["decay"] = decay
    return {k: v for k, v in found.items() if isinstance(v, (bool, int, float))}


def _whole(value: Scalar, default: int) -> int:
    return value if type(value) is int and value > 0 else default


def _share(value: Scalar) -> float:
    return float(value) if isinstance(value, float) and 0 < value < 1 else 0.0
