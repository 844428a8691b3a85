"""fit was called on another model than the one that is meant: what it was given is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.course.exercises import Exercise
from grader.course.load import load_course
from grader.execution import Candidate, FitSample
from grader.extract.extract import extract
from grader.score.grade import grade_of
from grader.types import Engine, EvidenceClass, Grade, Message, OtherModel, Verdict
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
EXERCISE = COURSE.exercise("sequence-prediction")
SHAPE = EXERCISE.input_shape
LARGER = sequential(layer("SimpleRNN", units=50), layer("Dense", units=1), shape=SHAPE)


def meant(exercise: Exercise = EXERCISE) -> Candidate:
    """The model that is asked for, and only built."""
    return candidate(sequential(*asked(exercise), shape=exercise.input_shape))


def compared(sample: FitSample, *, name: str = "model2", order: int = 2) -> Candidate:
    """A larger one beside it, trained."""
    return replace(candidate(LARGER, sample, order=order), name=name, cell=7)


def graded(*made: Candidate, owed: tuple[str, ...] = (EXERCISE.id,)) -> Grade:
    found = extract(run_with(*made), owed, COURSE, Room(EXERCISE), lambda _: 7)
    return grade_of(COURSE, found[0], Engine.JAX, "cpu").grade


def points(grade: Grade, cls: EvidenceClass) -> float:
    return sum(check.points for check in grade.checks if check.cls is cls)


def test_right_data_count_though_another_model_was_trained_on_them() -> None:
    grade = graded(meant(), compared(own_data(COURSE, EXERCISE)))
    assert points(grade, EvidenceClass.DATA) == pytest.approx(25.0)
    assert points(grade, EvidenceClass.TRAINING) == 0.0
    assert grade.verdict is Verdict.UNTRAINED
    assert grade.score == 75.0
    told = {"name": "model", "other": "model2", "cell": 7}
    assert grade.hints[0].id == "diagnose.trained_elsewhere"
    assert grade.hints[0].args == told


def test_whose_data_they_are_is_told() -> None:
    run = run_with(meant(), compared(own_data(COURSE, EXERCISE)))
    (found,) = extract(run, [EXERCISE.id], COURSE, Room(EXERCISE), lambda _: 7)
    assert found.data_of == OtherModel("model2", 7, 10, ("SimpleRNN", "Dense"))
    note = Message("data.of_another_model", {"other": "model2", "cell": 7})
    assert note in found.notes
    grade = grade_of(COURSE, found, Engine.JAX, "cpu").grade
    assert {check.cell for check in grade.checks if check.cls is EvidenceClass.DATA} == {7}


def test_wrong_data_cost_their_points_and_the_missing_training_is_said_first() -> None:
    """Whole numbers in the place of tenths."""
    right = own_data(COURSE, EXERCISE)
    assert right.x is not None
    assert right.y is not None
    whole = FitSample(*(replace(one, rows=np.round(one.rows * 10)) for one in (right.x, right.y)))
    grade = graded(meant(), compared(whole))
    assert 0.0 < points(grade, EvidenceClass.DATA) < 25.0
    assert grade.verdict is Verdict.UNTRAINED
    assert grade.hints[0].id == "diagnose.trained_elsewhere"


def test_of_several_the_likest_is_asked() -> None:
    """An LSTM of longer sequences was trained further below."""
    other = sequential(layer("LSTM", units=10), layer("Dense", units=1), shape=(8, 1))
    noise = np.random.default_rng(1).normal(size=(6, 8, 1))
    unlike = candidate(other, given(noise, noise[:, 0, 0]), order=3)
    grade = graded(meant(), compared(own_data(COURSE, EXERCISE)), unlike)
    assert points(grade, EvidenceClass.DATA) == pytest.approx(25.0)
    assert grade.hints[0].args["other"] == "model2"


def test_a_model_that_was_fitted_is_judged_by_its_own_data() -> None:
    noise = np.random.default_rng(1).normal(size=(6, *SHAPE))
    own = candidate(meant().config, given(noise, noise[:, 0, 0]))
    grade = graded(own, compared(own_data(COURSE, EXERCISE)))
    assert points(grade, EvidenceClass.DATA) < 25.0
    assert grade.verdict is Verdict.WRONG_DATA


def test_weights_that_something_else_moved_borrow_no_data() -> None:
    """They were loaded, or set: nothing says that these data made them."""
    loaded = replace(meant(), final=(np.ones(2, np.float32),))
    grade = graded(loaded, compared(own_data(COURSE, EXERCISE)))
    assert points(grade, EvidenceClass.DATA) == 0.0


def test_in_a_chapter_the_data_of_another_exercises_model_are_that_exercises() -> None:
    one, other = COURSE.exercise("multiplication-gru"), COURSE.exercise("multiplication-lstm")
    theirs = sequential(*asked(other), shape=other.input_shape)
    trained = candidate(theirs, own_data(COURSE, other), order=2)
    grade = graded(meant(one), trained, owed=(one.id, other.id))
    assert points(grade, EvidenceClass.DATA) == 0.0


def test_where_nothing_was_fitted_there_are_no_data() -> None:
    grade = graded(meant(), candidate(LARGER, order=2))
    assert points(grade, EvidenceClass.DATA) == 0.0
    assert grade.hints[0].id == "diagnose.never_fitted"
