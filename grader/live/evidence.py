"""Evidence of a live notebook, in the grader's own words: from its models, not from a run.

Enters: the notebook's models and names, an exercise. Leaves: Evidence, and what of it is not known
here. Touches: builds the model once more from its description, as the evaluation room does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.course.exercises import Exercise
from grader.course.families import DataReading
from grader.course.looking import (
    ELSEWHERE,
    MISSING,
    UNASKED,
    looks_of,
    may_be_of_another_file,
)
from grader.course.public import PublicCourse
from grader.evaluation.worker import build, describe
from grader.execution import Candidate
from grader.extract.distinct import each_once
from grader.extract.facts import model_facts, other_models
from grader.extract.lengths import examined
from grader.extract.matching import ModelReading, choose, read_model, telling_fit
from grader.extract.tasks import Answer, LayerAnswer
from grader.extract.training import training_facts
from grader.kernel.probe import models as probe
from grader.live.failing import FailedCell
from grader.live.names import HeldModel
from grader.live.trainings import KnownFits
from grader.score.hints_empty import has_empty
from grader.submission import Notebook
from grader.types import Evidence, Outcome, RunFacts, TrainingFacts

UNSEEN = "live.data_unseen"
NOWHERE = 0  # a live notebook's cells are in no order
ATTEMPTED_NOTHING = RunFacts(Outcome.FINISHED, 0, (), None)


@dataclass(frozen=True)
class LiveModel:
    """A model of the notebook, read as the grader reads one."""

    held: HeldModel
    known: KnownFits
    reading: ModelReading


@dataclass(frozen=True)
class LiveEvidence:
    """What is known of one exercise, and what cannot be known here."""

    evidence: Evidence
    chosen: LiveModel | None
    data_unknown: str = ""  # why nobody can tell whether the data are right: the id of a message
    epochs_unsure: bool = False  # more was trained than is known of
    failed: tuple[FailedCell, ...] = ()  # as they ran
    all_failed: bool = True  # else it is known of the last one alone that it did
    begin: bool = False  # a cell was run in which nothing stands yet where code is asked for
    engine: str = ""  # Keras' backend; "" is not known


def read_live(keras: Any, held: HeldModel, known: KnownFits) -> LiveModel:
    """Read one model."""
    told = probe.describe(keras, held.model)
    weights = tuple(probe.weights_of(held.model))
    candidate = Candidate(
        model=held.order,
        name=held.name,
        cell=NOWHERE,
        config=told["config"],
        compile=told["compile"],
        fits=known.fits,
        initial=(),
        final=weights,
        order=held.order,
        bare=bool(told["bare"]),
    )
    return LiveModel(held, known, read_model(candidate))


def evidence_of(
    keras: Any,
    models: Sequence[LiveModel],
    exercise: Exercise,
    course: PublicCourse,
    ran: Notebook | None = None,
) -> LiveEvidence:
    """Establish what the grader would of one exercise, of models that are there now.

    Args:
        keras: the notebook's.
        models: its models.
        exercise: the one that is checked.
        course: with all of them.
        ran: the cells, as they ran; None where they are not known.
    """
    chosen = _chosen(models, exercise, list(course.exercises.values()))
    if chosen is None:
        empty = Evidence(exercise.id, ATTEMPTED_NOTHING, None, (), None, None, {})
        return LiveEvidence(empty, None, begin=ran is not None and has_empty(ran))
    reading = chosen.reading.built_for(exercise)
    elsewhere = telling_fit(reading.candidate) is None and chosen.known.updates > 0  # by no fit
    data, unknown = _data(reading, exercise, course, ran)
    if chosen.known.failed and unknown == UNSEEN:
        unknown = ""  # what is missing is a fit that runs
    if elsewhere:
        unknown = unknown or UNSEEN
    evidence = Evidence(
        exercise=exercise.id,
        runs=ATTEMPTED_NOTHING,
        model=model_facts(reading, _rebuilt(keras, reading)),
        data=data.findings if data else (),
        layout=data.layout if data else None,
        training=_training(chosen, exercise),
        metrics={},
        notes=data.notes if data else (),
        hints=data.hints if data else (),
        others=other_models([one.reading for one in models], chosen.reading),
    )
    return LiveEvidence(
        evidence,
        chosen,
        data_unknown=unknown,
        epochs_unsure=chosen.known.more > 0 or elsewhere,
        engine=keras.backend.backend(),
    )


def _chosen(
    models: Sequence[LiveModel], exercise: Exercise, every: Sequence[Exercise]
) -> LiveModel | None:
    """Choose as the grader does: not a model of another exercise, where there is one of this.

    One that was built anew under its name is what the notebook has by now, trained or not.
    """
    readings = [one.reading for one in models]
    now = [one.reading for one in models if not one.held.earlier]
    others = [one for one in every if one.id != exercise.id]
    reading = (
        choose(now, exercise, others)
        or choose(readings, exercise, others)
        or choose(readings, exercise)
    )
    return next((one for one in models if one.reading is reading), None)


def _data(
    reading: ModelReading, exercise: Exercise, course: PublicCourse, ran: Notebook | None
) -> tuple[DataReading | None, str]:
    """Look at the data given to ``fit``; else say why nobody can tell, where there are any."""
    fit = telling_fit(reading.candidate)
    if fit is None:
        return None, ""
    looks = looks_of(course, exercise)
    if looks is None:
        return None, MISSING if exercise.family else UNASKED
    if fit.sample.x is None:
        return None, UNSEEN
    fit = replace(fit, sample=each_once(fit.sample))
    data = examined(looks, exercise, reading.input_shape, fit)
    if may_be_of_another_file(course.folder, exercise, data.findings, ran):
        return None, ELSEWHERE
    return data, ""


def _training(chosen: LiveModel, exercise: Exercise) -> TrainingFacts:
    """Say what the known fits did; where more may have been run, the best that can be."""
    candidate, known = chosen.reading.candidate, chosen.known
    facts = training_facts(chosen.reading, telling_fit(candidate))
    facts = replace(facts, changed=known.changed, cell=None)
    if not known.more:
        return facts
    return replace(facts, epochs=min(facts.epochs + known.more, exercise.epochs))


def _rebuilt(keras: Any, reading: ModelReading) -> Answer | None:
    """Build the model from its description, as the evaluation room does, and describe it."""
    if reading.architecture is None:
        return None
    with _undrawn():
        try:
            told = describe(build(keras, reading.architecture.as_json(), fresh=False))
        except Exception as error:  # noqa: BLE001 - as in the room: it is that model's answer
            return Answer(error=f"{type(error).__name__}: {error}", failed="build")
    layers = tuple(LayerAnswer(tuple(one["output_shape"]), one["params"]) for one in told["layers"])
    return Answer(layers, told["total_params"])


@contextmanager
def _undrawn() -> Iterator[None]:
    """Leave the notebook's random numbers as they were: it may have seeded them."""
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002 - notebooks' own
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002
