"""Which exercises a notebook without a name holds: layers, inputs and data decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.execution import FitSample
from grader.extract.apart import Together
from grader.extract.extract import extract
from grader.extract.held import exercises_held, whose_data
from grader.extract.matching import ModelReading, read_model
from grader.score.grade import grade_of
from grader.types import UNKNOWN, Engine, Verdict
from tests.extract.notebooks import (
    Room,
    asked,
    candidate,
    given,
    layer,
    own_data,
    run_with,
    sequential,
)

COURSE = load_course(Path(__file__).parents[2])
DRAW = np.random.default_rng(5)


def of(name: str) -> Exercise:
    return COURSE.exercise(name)


def held(*readings: ModelReading) -> list[str]:
    whose = whose_data(COURSE, Together())
    return [
        one.id for one in exercises_held(readings, list(COURSE.exercises.values()), whose).exercises
    ]


def reading(config: Any, sample: FitSample | None = None) -> ModelReading:
    return read_model(candidate(config, sample))


def dense(activation: str = "linear", units: int = 1) -> dict[str, Any]:
    return layer("Dense", units=units, activation=activation)


GRU_ON_WINDOWS = sequential(
    layer("GRU", units=32, return_sequences=False), dense("tanh"), shape=(4, 1)
)


def spam(length: int, units: int = 32, words: int = 10_000) -> ModelReading:
    """Messages as word numbers, and whether they are spam."""
    config = sequential(
        layer("Embedding", input_dim=words, output_dim=32),
        layer("LSTM", units=units, return_sequences=False),
        dense("sigmoid"),
        shape=(length,),
    )
    messages = DRAW.integers(0, words, (200, length))
    return reading(config, given(messages, DRAW.integers(0, 2, 200)))


def generator(steps: int = 40, characters: int = 60) -> ModelReading:
    """The next character of a novel, as many textbooks have it."""
    config = sequential(
        layer("LSTM", units=128, return_sequences=False),
        dense("softmax", characters),
        shape=(steps, characters),
    )
    text = np.eye(characters, dtype=np.float32)[DRAW.integers(0, characters, (200, steps))]
    after = np.eye(characters, dtype=np.float32)[DRAW.integers(0, characters, 200)]
    return reading(config, given(text, after))


def prices(steps: int = 60) -> ModelReading:
    """Shares of yesterday: exactly the GRU of the temperature, for other data."""
    config = sequential(layer("GRU", units=32, return_sequences=False), dense(), shape=(steps, 1))
    series = DRAW.random((200, steps, 1)).astype(np.float32)
    return reading(config, given(series, DRAW.random(200).astype(np.float32)))


def prices_with_simple_rnn(steps: int = 4) -> ModelReading:
    config = sequential(
        layer("SimpleRNN", units=16, return_sequences=False), dense(), shape=(steps, 1)
    )
    series = DRAW.random((200, steps, 1)).astype(np.float32)
    return reading(config, given(series, DRAW.random(200).astype(np.float32)))


def test_another_model_on_the_sequences_data_is_an_attempt_at_the_sequences() -> None:
    """GRU(32) looks like the temperature's; what it was given says what it is for."""
    assert held(reading(GRU_ON_WINDOWS, own_data(COURSE, of("sequence-prediction")))) == [
        "sequence-prediction"
    ]


@pytest.mark.parametrize(
    "unrelated",
    [
        spam(150),
        spam(40, units=64),
        spam(150, words=5000),
        generator(),
        prices(),
        prices(36),
        prices_with_simple_rnn(),
    ],
    ids=["spam", "spam-64", "spam-5000", "generator", "prices", "prices-36", "prices-rnn"],
)
def test_an_unrelated_notebook_holds_no_exercise(unrelated: ModelReading) -> None:
    assert held(unrelated) == []


@pytest.mark.parametrize("name", list(COURSE.exercises))
def test_the_asked_model_on_its_data_is_held(name: str) -> None:
    exercise = of(name)
    config = sequential(*asked(exercise), shape=exercise.input_shape)
    assert name in held(reading(config, own_data(COURSE, exercise)))


@pytest.mark.parametrize("name", list(COURSE.exercises))
def test_the_asked_model_that_was_never_trained_or_built_is_held(name: str) -> None:
    exercise = of(name)
    built = sequential(*asked(exercise), shape=exercise.input_shape)
    assert name in held(reading(built))
    assert name in held(reading(sequential(*asked(exercise))))


@pytest.mark.parametrize("name", ["temperature-gru", "sentiment-embedding"])
def test_so_is_it_at_a_length_of_its_own(name: str) -> None:
    exercise = of(name)
    own = exercise.sized([90, *exercise.input_shape[1:]])
    config = sequential(*asked(own), shape=own.input_shape)
    assert name in held(reading(config, own_data(COURSE, own)))


def test_the_asked_model_on_wrong_data_is_a_wrong_attempt() -> None:
    exercise = of("sequence-prediction")
    config = sequential(*asked(exercise), shape=(4, 1))
    noise = given(DRAW.random((6, 4, 1)), DRAW.random(6))
    assert held(reading(config, noise)) == ["sequence-prediction"]
    swapped = sequential(*asked(exercise), shape=(1, 4))
    assert held(reading(swapped, given(DRAW.random((6, 1, 4)), DRAW.random(6)))) == [
        "sequence-prediction"
    ]


def test_a_wrong_model_on_the_temperatures_data_is_the_nearest_of_the_temperatures() -> None:
    config = sequential(layer("GRU", units=16, return_sequences=False), dense(), shape=(36, 14))
    sample = own_data(COURSE, of("temperature-gru"))
    (found,) = held(reading(config, sample))
    assert found.startswith("temperature-")
    lstm = sequential(layer("LSTM", units=32, return_sequences=False), dense(), shape=(36, 14))
    assert held(reading(lstm, sample))[0].startswith("temperature-")


def test_no_known_exercise_says_what_was_seen_and_what_the_nearest_wants() -> None:
    model = spam(150).candidate
    (found,) = extract(run_with(model), None, COURSE, Room(of("sentiment-embedding")), lambda _: 1)
    grade = grade_of(COURSE, found, Engine.JAX, "cpu").grade
    assert (found.exercise, grade.verdict, grade.score) == (UNKNOWN, Verdict.NO_MODEL, 0.0)
    (told,) = [one.message for one in grade.checks if one.id == "structure.layers"]
    assert told.id == "structure.no_known_exercise"
    assert told.args["got"] == "(150,) → Embedding → LSTM → Dense"
    assert told.args["exercise"] == "sentiment-embedding"
    assert told.args["expected"] == "(40,) → Embedding → LSTM → Dense"
    assert "pipeline.no_model_at_all" not in [hint.id for hint in grade.hints]


def test_a_name_goes_before_any_guess() -> None:
    model = spam(150).candidate
    owed = ["sentiment-embedding"]
    (found,) = extract(run_with(model), owed, COURSE, Room(of(owed[0])), lambda _: 1)
    assert found.exercise == owed[0]
    assert found.model is not None
