"""A model that was never built has its layers: the exercise knows the shape they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.load import load_course
from grader.execution import Candidate, FitSample
from grader.extract.extract import extract
from grader.extract.matching import read_model
from grader.score.grade import grade_of
from grader.types import Engine, EvidenceClass
from tests.extract.notebooks import Room, asked, candidate, own_data, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])


def unbuilt(name: str, sample: FitSample | None = None) -> Candidate:
    """The asked layers without an input shape; a fit that failed leaves its data."""
    made = candidate(sequential(*asked(COURSE.exercise(name))), sample, epochs=0)
    return Candidate(**{**vars(made), "initial": (), "final": ()})


@pytest.mark.parametrize("name", list(COURSE.exercises))
def test_its_structure_earns_what_a_built_ones_does(name: str) -> None:
    exercise = COURSE.exercise(name)
    (found,) = extract(run_with(unbuilt(name)), [name], COURSE, Room(exercise), lambda _: 1)
    grade = grade_of(COURSE, found, Engine.JAX, "cpu").grade
    structure = [check for check in grade.checks if check.cls is EvidenceClass.STRUCTURE]
    assert all(check.passed for check in structure)
    assert found.flags == ()
    assert "diagnose.not_a_chain" not in [hint.id for hint in grade.hints]


def test_it_is_asked_nothing_since_it_has_no_weights() -> None:
    """Fresh weights would be some other model's answers."""
    exercise = COURSE.exercise("multiplication-gru")
    sample = own_data(COURSE, exercise)
    room = Room(exercise)
    (found,) = extract(
        run_with(unbuilt(exercise.id, sample)), [exercise.id], COURSE, room, lambda _: 1
    )
    assert [task.inputs for task in room.tasks] == [None]
    assert found.metrics == {}
    assert found.unmet is not None
    assert found.unmet.id == "model.unbuilt"


def test_the_length_of_data_that_were_given_to_it_is_its_own() -> None:
    exercise = COURSE.exercise("sentiment-embedding")
    sample = own_data(COURSE, exercise.sized((500,)))
    reading = read_model(unbuilt(exercise.id, sample)).built_for(exercise)
    assert reading.architecture is not None
    assert reading.architecture.input_shape == (500,)


def test_data_of_another_kind_do_not_spoil_the_layers() -> None:
    """Two axes where three are wanted: that is why the fit failed, and not the layers."""
    exercise = COURSE.exercise("sequence-prediction")
    sample = own_data(COURSE, COURSE.exercise("sentiment-embedding"))
    reading = read_model(unbuilt(exercise.id, sample)).built_for(exercise)
    assert reading.architecture is not None
    assert reading.architecture.input_shape == (4, 1)


def test_a_shape_that_keras_noted_as_fit_failed_over_it_does_not_spoil_them_either() -> None:
    """``fit(X[:, :, 0], Y)``: no layer was made, and the configuration has the shape (4,)."""
    exercise = COURSE.exercise("sequence-prediction")
    sample = own_data(COURSE, COURSE.exercise("sentiment-embedding"))
    made = candidate(sequential(*asked(exercise), shape=(4,)), sample, epochs=0)
    half_built = Candidate(**{**vars(made), "initial": (), "final": ()})
    reading = read_model(half_built).built_for(exercise)
    assert reading.architecture is not None
    assert reading.architecture.input_shape == (4, 1)
    assert reading.obstacle is not None
    whole = read_model(made).built_for(exercise)
    assert whole.architecture is not None
    assert whole.architecture.input_shape == (4,)
