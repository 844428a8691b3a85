"""What tests of the grader share: a course with a threshold, and rooms that are canned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.course.data import data_fingerprint
from grader.course.exercises import Course
from grader.course.expectations import (
    SCHEMA,
    Expectation,
    MeasuredData,
    MeasuredStructure,
    Threshold,
)
from grader.course.families import load_family
from grader.course.load import load_course
from tests.support.canned_rooms import GRU, ROOT, World


@pytest.fixture
def course() -> Course:
    """The real course with a threshold of mse .01 for the GRU exercise; notebooks train."""
    course = replace(load_course(ROOT), asks_trainer=False)
    exercise = course.exercise(GRU)
    threshold = Threshold("mse", "lower", 0.01, 0.045, "jax", "cpu", None, None, "test")
    assert course.reference is not None
    assert exercise.family is not None
    data = data_fingerprint(exercise, load_family(course.reference, exercise.family))
    structure = MeasuredStructure((), 8671)
    expectation = Expectation(
        SCHEMA, GRU, "standard", MeasuredData(data), structure, (), (threshold,)
    )
    return replace(
        course, exercises={**course.exercises, GRU: replace(exercise, expectation=expectation)}
    )


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Canned rooms."""
    return World(monkeypatch)
