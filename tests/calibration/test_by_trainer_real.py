"""One calibration run on the trainer, for real: the smallest exercise, in rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.calibration.measure import Setup, measure, plan
from grader.calibration.together import _asked
from grader.course.expectations import REFERENCE, TRAINER
from grader.course.load import load_course
from grader.pipeline.runner import Slot
from grader.types import Engine
from tests.support.notebook_runs import room

pytestmark = [pytest.mark.real, pytest.mark.kernel]


def test_the_reference_asks_and_what_came_of_it_is_measured() -> None:
    course = load_course(Path(__file__).parents[2])
    exercise = course.exercise("sequence-prediction")
    setup = Setup(course, exercise, Engine.JAX, room())
    wanted = plan(exercise, REFERENCE, Engine.JAX, 0, by_trainer=True)
    first, *constants = measure(setup, wanted, Slot((0,)))
    assert (first.run.control, first.run.engine) == (REFERENCE, TRAINER)
    assert {one.run.engine for one in constants} == {TRAINER}
    assert first.run.metrics.keys() == constants[0].run.metrics.keys()
    assert len(first.history["loss"]) == exercise.epochs
    again, *_ = measure(setup, wanted, Slot((0,)))
    assert again.run.metrics == first.run.metrics, "its seed alone decides"
    other, *_ = measure(
        setup, plan(exercise, REFERENCE, Engine.JAX, 1, by_trainer=True), Slot((0,))
    )
    assert other.run.metrics != first.run.metrics


def test_a_reference_ends_at_its_order_where_a_device_trains_all_of_them() -> None:
    course = load_course(Path(__file__).parents[2])
    exercise = course.exercise("sequence-prediction")
    setup = Setup(course, exercise, Engine.JAX, room())
    wanted = plan(exercise, REFERENCE, Engine.JAX, 0, by_trainer=True, device="NVIDIA T4")
    told: list[Exception] = []
    lost: set[int] = set()
    found = _asked(setup, told.append, lost, wanted, Slot((0,)))
    assert found is not None
    assert not told
    assert not lost
    same, order = found
    assert same == wanted
    assert order.fit.epochs == exercise.epochs
    assert order.arrays["x"].shape[1:] == order.architecture.input_shape
