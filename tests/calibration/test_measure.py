"""One calibration run for real, on the smallest exercise."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.calibration.measure import TRAINED_CONTROLS, Setup, measure, plan
from grader.course.expectations import REFERENCE, CalibrationRun
from grader.course.load import load_course
from grader.pipeline.runner import Slot
from grader.types import Engine
from tests.support.notebook_runs import room

pytestmark = pytest.mark.real

COURSE = load_course(Path(__file__).parents[2])
EXERCISE = COURSE.exercise("sequence-prediction")
SLOT = Slot((0,))


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup(COURSE, EXERCISE, Engine.JAX, room())


def runs(setup: Setup, control: str) -> list[CalibrationRun]:
    wanted = plan(EXERCISE, control, Engine.JAX, 0)
    return [one.run for one in measure(setup, wanted, SLOT)]


@pytest.fixture(scope="module")
def reference(setup: Setup) -> list[CalibrationRun]:
    return runs(setup, REFERENCE)


def test_a_reference_run_brings_its_metrics_and_the_predictors_without_a_model(
    reference: list[CalibrationRun],
) -> None:
    own, *constants = reference
    assert own.control == REFERENCE
    assert own.seconds > 0
    assert constants
    assert REFERENCE not in {one.control for one in constants}
    assert all(one.metrics.keys() == own.metrics.keys() for one in constants)
    assert (own.engine, own.device, own.cores) == ("jax", "cpu", 1)


@pytest.fixture(scope="module")
def mistakes(setup: Setup) -> dict[str, CalibrationRun]:
    return {control: runs(setup, control)[0] for control in TRAINED_CONTROLS}


def test_every_known_mistake_is_measured_like_the_reference(
    mistakes: dict[str, CalibrationRun], reference: list[CalibrationRun]
) -> None:
    for control, found in mistakes.items():
        assert found.control == control
        assert found.metrics.keys() == reference[0].metrics.keys()


def test_the_same_plan_gives_the_same_figures_again(
    setup: Setup, mistakes: dict[str, CalibrationRun]
) -> None:
    (again,) = runs(setup, "one_epoch")
    assert again.metrics == mistakes["one_epoch"].metrics
