"""A textbook's slip leaves some models stuck from the start; nobody loses a point for that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.mend import mended, stuck_by_the_book
from grader.types import Evidence, LayerFact, ModelFacts, TrainingFacts
from tests.support.builders import evidence

ROOT = Path(__file__).resolve().parents[2]
STUCK = TrainingFacts(
    1, 5, changed=False, finite=True, first_loss=8.1, last_loss=8.1, history={}, compile={}, cell=3
)


@pytest.fixture(scope="module")
def conv1d() -> Exercise:
    return load_course(ROOT).exercise("sentiment-conv1d")


def facts(exercise: Exercise, activation: str) -> ModelFacts:
    wanted = [
        *exercise.layers[:-1],
        replace(exercise.layers[-1], config={"activation": activation}),
    ]
    layers = tuple(LayerFact(e.cls, e.config, e.output_shape, e.params) for e in wanted)
    return ModelFacts(layers, exercise.total_params, exercise.input_shape, 3, "model", rebuilt=True)


def found(exercise: Exercise, training: TrainingFacts | None, activation: str) -> Evidence:
    return replace(evidence(), model=facts(exercise, activation), training=training)


def test_a_fit_that_moved_nothing_without_the_sigmoid_is_the_books_doing(conv1d: Exercise) -> None:
    assert stuck_by_the_book(found(conv1d, STUCK, "linear"), conv1d)


@pytest.mark.parametrize(
    "training",
    [
        None,
        replace(STUCK, changed=True),
        replace(STUCK, finite=False),
        replace(STUCK, epochs=0),
    ],
)
def test_other_ways_not_to_learn_are_the_students(
    conv1d: Exercise, training: TrainingFacts | None
) -> None:
    assert not stuck_by_the_book(found(conv1d, training, "linear"), conv1d)


def test_with_the_activation_that_was_asked_for_nothing_is_excused(conv1d: Exercise) -> None:
    assert not stuck_by_the_book(found(conv1d, STUCK, "sigmoid"), conv1d)


def test_where_no_activation_is_asked_for_nothing_is_excused(conv1d: Exercise) -> None:
    free = replace(conv1d.layers[-1], config={"units": 1})
    open_end = replace(conv1d, layers=(*conv1d.layers[:-1], free))
    assert not stuck_by_the_book(found(conv1d, STUCK, "linear"), open_end)


def test_mending_changes_the_last_activation_only(conv1d: Exercise) -> None:
    first = LayerSpec("Conv1D", {"filters": 32, "activation": "relu"})
    dense = {"units": 1, "activation": "linear"}
    given = Architecture((200,), "int32", (first, LayerSpec("Dense", dense)))
    put_right = LayerSpec("Dense", {**dense, "activation": "sigmoid"})
    assert mended(given, conv1d) == replace(given, layers=(first, put_right))
