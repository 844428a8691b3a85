"""Candidates as a notebook would leave them: configurations, data given to fit, weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from grader.course.exercises import Course, Exercise, ExpectedLayer
from grader.course.families import load_family
from grader.execution import ArraySample, Candidate, Execution, Fit, FitSample
from grader.extract.tasks import Answer, LayerAnswer, ModelTask
from grader.types import Array
from tests.support.builders import execution

ROWS = 64  # that a sample has


def layer(cls: str, **config: Any) -> dict[str, Any]:
    """One layer of Keras' serialised configuration."""
    return {"class_name": cls, "config": config}


def sequential(*layers: dict[str, Any], shape: Sequence[int | None] | None = None) -> Any:
    """A Sequential; without a shape it was never built."""
    start = [] if shape is None else [layer("InputLayer", batch_shape=[None, *shape])]
    return {"class_name": "Sequential", "config": {"layers": [*start, *layers]}}


def asked(exercise: Exercise) -> list[dict[str, Any]]:
    """The layers that an exercise asks for, wrappers included."""
    return [_written(one) for one in exercise.layers]


def _written(one: ExpectedLayer) -> dict[str, Any]:
    outer, _, inner = one.cls.rstrip(")").partition("(")
    settings = dict(one.config)
    return layer(outer, layer=layer(inner, **settings)) if inner else layer(outer, **settings)


def given(inputs: Array, targets: Array) -> FitSample:
    """What the probe sees of arrays that fit was given."""
    return FitSample(
        *(ArraySample(one.shape, str(one.dtype), one[:ROWS], {}) for one in (inputs, targets))
    )


def own_data(course: Course, exercise: Exercise) -> FitSample:
    """The exercise's own training data, at its sizes."""
    assert course.reference is not None
    assert exercise.family is not None
    family = load_family(course.reference, exercise.family)
    return given(*family.training(np.random.default_rng(1), exercise.data))


def candidate(
    config: Mapping[str, Any], sample: FitSample | None = None, *, order: int = 1, epochs: int = 10
) -> Candidate:
    """A model: trained on a sample where one is given, else only built."""
    fits = () if sample is None else (Fit(4, sample, epochs, epochs, {}, True, {}),)
    initial, final = (np.zeros(2, np.float32),), (np.ones(2, np.float32),)
    if sample is None:
        final = initial
    return Candidate(order, "model", 3, config, {}, fits, initial, final, order)


def run_with(*candidates: Candidate) -> Execution:
    """A run that left these models."""
    return replace(execution(), candidates=candidates)


class Room:
    """An evaluation room that answers every task as the exercise's own model would be described."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.tasks: list[ModelTask] = []

    def __call__(self, tasks: Sequence[ModelTask]) -> dict[str, Answer]:
        """Describe the layers; answer 0 to everything."""
        self.tasks += tasks
        return {task.id: self._answer(task) for task in tasks}

    def _answer(self, task: ModelTask) -> Answer:
        own = self.exercise.sized(task.architecture.input_shape)
        layers = tuple(LayerAnswer(one.output_shape, one.params) for one in own.layers)
        rows = 0 if task.inputs is None else len(task.inputs)
        zeros = np.zeros((rows, 1), np.float32) if rows else None
        return Answer(layers, own.total_params, zeros)
