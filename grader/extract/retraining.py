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

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grader.course.exercises import Exercise
from grader.course.families import DataReading, Family, Question
from grader.evaluation.allowed import FROM_LOGITS, LOSSES, OPTIMIZERS
from grader.execution import Candidate
from grader.extract.architecture import Architecture
from grader.extract.suspicion import WEIGHTS
from grader.extract.tasks import ModelTask, Training
from grader.extract.training import DEFAULT_BATCH, updates_of
from grader.types import Array, Evidence, Json, Scalar

WITH_WEIGHTS = frozenset({*WEIGHTS, "Bidirectional", "TimeDistributed"})
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
    rows: tuple[Array, Array] | None = None,
    updates: int | None = None,
) -> ModelTask | None:
    """Describe a training from scratch as the student set it up, on the exercise's data.

    It never lasts longer than the exercise asks for: that is what the threshold was measured on.
    Nor does it make more updates than the student's own did. Where the student's own training is
    proven, it lasts as long as that one: on more rows, or slower, it may have had to.

    Args:
        architecture: the student's.
        candidate: how it was trained.
        exercise: at the student's own length.
        family: of the exercise's data.
        seed: of first weights, of the order of rows, of data that are drawn.
        question: whose inputs are predicted afterwards.
        rows: inputs and targets to train on; None takes the exercise's own.
        updates: that the student's training made, where that is proven.

    Returns:
        None where optimizer or loss are not among the built-in ones, or nothing trained it.
    """
    optimizer, loss = candidate.compile.get("optimizer"), candidate.compile.get("loss")
    fit = max(candidate.fits, key=lambda one: (bool(one.arguments), one.epochs_run), default=None)
    if optimizer not in OPTIMIZERS or loss not in LOSSES:
        return None
    if fit is None and not candidate.own_updates:
        return None
    from_logits = candidate.compile.get("loss.from_logits") is True
    if from_logits and loss not in FROM_LOGITS:
        return None
    x, y = rows or family.training(np.random.default_rng(seed), exercise.data)
    arguments = fit.arguments if fit is not None else _of_a_loop(candidate)
    drawn = fit.sample.batch if fit is not None else None
    batch = _whole(arguments.get("batch_size"), drawn or DEFAULT_BATCH)
    split = _share(arguments.get("validation_split"))
    per_epoch = math.ceil(len(x) * (1.0 - split) / batch)
    epochs, steps = (
        whole(updates, per_epoch) if updates else lasting(candidate, exercise, per_epoch)
    )
    return ModelTask(
        id=exercise.id,
        architecture=architecture,
        inputs=question.inputs,
        training=Training(
            x=x,
            y=y,
            epochs=epochs,
            steps=steps,
            optimizer=str(optimizer),
            loss=str(loss),
            options=_options(candidate.compile),
            from_logits=from_logits,
            batch_size=batch,
            validation_split=split,
        ),
        seed=seed,
    )


def lasting(candidate: Candidate, exercise: Exercise, per_epoch: int) -> tuple[int, int | None]:
    """Give epochs and, where there is not one whole epoch, its updates.

    Whoever asked for one update an epoch asked for no more, however many epochs that makes.

    Args:
        candidate: how the student trained it.
        exercise: asks for so many epochs at most.
        per_epoch: updates of an epoch on the rows to train on.
    """
    asked = sum(one.epochs_run for one in candidate.fits)
    updates = updates_of(candidate) if candidate.fits else candidate.own_updates
    if not candidate.fits:
        asked = exercise.epochs
    most = max(1, min(exercise.epochs, asked))
    if not updates or updates >= most * per_epoch:
        return most, None
    return whole(updates, per_epoch)


def whole(updates: int, per_epoch: int) -> tuple[int, int | None]:
    """Give the whole epochs in so many updates; of less than one, one with its updates."""
    return (updates // per_epoch, None) if updates >= per_epoch else (1, updates)


def has_no_rate(candidate: Candidate) -> bool:
    """Whether the rate seen last is 0: its schedule ended there, or it never learned at all."""
    return candidate.compile.get("learning_rate") == 0.0


def _of_a_loop(candidate: Candidate) -> Mapping[str, Scalar]:
    """Give the batch size of a loop that called ``train_on_batch``, where its batch was seen."""
    sample = candidate.own_sample
    if sample is None or sample.x is None:
        return {}
    return {"batch_size": sample.batch or sample.x.shape[0]}


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


def can_learn(config: Mapping[str, Json]) -> bool:
    """Whether a model, as Keras tells it, has a layer with weights that a fit may move."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    return isinstance(layers, list) and any(map(_may_move, layers))


def _may_move(layer: Json) -> bool:
    if not isinstance(layer, dict) or layer.get("class_name") not in WITH_WEIGHTS:
        return False
    told = layer.get("config")
    return isinstance(told, dict) and told.get("trainable") is not False


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
