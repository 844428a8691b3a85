"""Calibration on the trainer: a way of its own beside the engines."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.calibration import calibrate as module
from grader.calibration import measure as measuring
from grader.calibration.calibrate import calibrate, check_calibration
from grader.calibration.curves import Learned, keep, read
from grader.calibration.measure import Measured, Plan, Setup, measure_reference, plan
from grader.course.exercises import Course
from grader.course.expectations import REFERENCE, TRAINER
from grader.course.load import load_course
from grader.types import Engine, GraderError, Message, Proof, TimeSpent
from tests.calibration.test_calibrate import (
    GRU,
    MODEL,
    ROOM,
    SLOT,
    measured,
    one_exercise,
    stored,
)
from tests.support import builders as b


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return one_exercise(tmp_path)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Simulates every run; gives the plans that were asked for."""
    asked: list[Plan] = []

    def simulated(setup: Setup, plan: Plan, slot: Any) -> list[Measured]:
        asked.append(plan)
        mse = 2e-4 if plan.control == REFERENCE else 0.05
        run = replace(
            measured(plan.control, plan.seed, mse * (1 + plan.seed % 7 / 20)), engine=plan.way
        )
        history = {"loss": (0.05, 0.0123456)} if plan.control == REFERENCE else {}
        return [Measured(run, MODEL, history)]

    monkeypatch.setattr("grader.record.files.os.fsync", lambda _: None)
    monkeypatch.setattr(module, "measure", simulated)
    monkeypatch.setattr(module, "measure_reference", lambda *args: simulated(*args)[0])
    return asked


def on_trainer(course: Course, count: int = 6, curves: Path | None = None) -> None:
    calibrate(
        course,
        load_course(course.root).exercise(GRU),
        Engine.JAX,
        count,
        ROOM,
        (SLOT,),
        lambda _: None,
        by_trainer=True,
        curves=curves,
    )


def test_it_is_measured_beside_the_engines_and_goes_on_where_it_stopped(
    course: Course, done: list[Plan]
) -> None:
    calibrate(course, course.exercise(GRU), Engine.JAX, 6, ROOM, (SLOT,), lambda _: None)
    on_jax = len(done)
    on_trainer(course)
    assert len(done) == 2 * on_jax
    assert {run["engine"] for run in stored(course)["runs"]} == {"jax", TRAINER}
    assert {one["engine"] for one in stored(course)["thresholds"]} == {"jax", TRAINER}
    on_trainer(course, 8)
    assert [one.control for one in done[2 * on_jax :]] == [REFERENCE] * 2
    assert all(one.by_trainer for one in done[on_jax:])


def test_the_file_says_what_computed_recurrent_layers(
    course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    calibrate(course, course.exercise(GRU), Engine.JAX, 6, ROOM, (SLOT,), lambda _: None)
    assert "kernel" not in stored(course)["environment"]
    on_trainer(course)
    assert stored(course)["environment"]["kernel"] == "keras"


def test_its_time_is_no_notebooks_own(course: Course, done: list[Plan]) -> None:
    """Time limits and plans are those of notebooks that train by themselves."""
    before = load_course(course.root).exercise(GRU)
    on_trainer(course)
    after = load_course(course.root).exercise(GRU)
    assert after.expectation is not None
    assert after.expectation.reference_seconds(TRAINER) == 40.0
    for engine in ("jax", "tensorflow"):
        assert after.timeout(engine) == before.timeout(engine)
    assert after.reference_seconds() == before.reference_seconds()


def test_curves_are_kept_by_seed_and_the_later_of_two_counts(
    course: Course, done: list[Plan], tmp_path: Path
) -> None:
    on_trainer(course, curves=tmp_path / "curves")
    kept = read(tmp_path / "curves", GRU, TRAINER)
    references = {one.seed for one in done if one.control == REFERENCE}
    assert kept.keys() == references
    seed = min(references)
    assert kept[seed]["curves"] == {"loss": [0.05, 0.01235]}
    again = Learned(TRAINER, seed, "mse", {"loss": (math.nan,)})
    keep(tmp_path / "curves", GRU, "sha256:a", again)
    assert read(tmp_path / "curves", GRU, TRAINER)[seed]["curves"] == {"loss": [None]}
    assert read(tmp_path / "curves", GRU, "jax") == {}


def test_a_check_compares_with_its_own_runs(course: Course, done: list[Plan]) -> None:
    exercise = course.exercise(GRU)
    calibrate(course, exercise, Engine.JAX, 12, ROOM, (SLOT,), lambda _: None)
    with pytest.raises(GraderError) as error:
        check_calibration(
            course, load_course(course.root).exercise(GRU), Engine.JAX, ROOM, SLOT, by_trainer=True
        )
    assert error.value.message.id == "calibrate.too_few_runs"
    on_trainer(course, 12)
    found = check_calibration(
        course, load_course(course.root).exercise(GRU), Engine.JAX, ROOM, SLOT, by_trainer=True
    )
    assert (found.engine, found.stored) == (TRAINER, 12)
    assert all(one.by_trainer for one in done[-2:])


class TestOneRun:
    """The reference's notebook runs on TensorFlow, and asks."""

    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """What was executed: the run, and who begins to train."""
        found: list[Any] = []
        execution = replace(b.execution(), spent=TimeSpent(training=30.0), seconds=5.0)

        def execute(run: Any, room: Any, trainer: Any = None) -> Any:
            found.append((run, trainer))
            return execution

        @contextmanager
        def trainer(room: Any, cores: Any, seed: int, *_: Any) -> Any:
            yield f"trainer of {seed}"

        monkeypatch.setattr(measuring, "execute", execute)
        monkeypatch.setattr(measuring, "trainer", trainer)
        monkeypatch.setattr(measuring, "room_files", lambda *_: {})
        return found

    @pytest.fixture
    def proven(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Proof | None], None]:
        def of(proof: Proof | None) -> None:
            evidence = replace(b.evidence(GRU), metrics={"mse": 1e-4}, proof=proof)
            monkeypatch.setattr(measuring, "extract", lambda *_: (evidence,))

        return of

    def test_its_time_is_its_own_and_the_trainings(
        self, course: Course, ran: list[Any], proven: Any
    ) -> None:
        proven(Proof(key="a"))
        setup = Setup(course, course.exercise(GRU), Engine.JAX, ROOM)
        one = plan(setup.exercise, REFERENCE, Engine.JAX, 0, by_trainer=True)
        found = measure_reference(setup, one, SLOT)
        ((run, trainer),) = ran
        assert (run.engine, trainer) == (Engine.TENSORFLOW, f"trainer of {one.seed}")
        assert (found.run.engine, found.run.seconds) == (TRAINER, 35.0)
        assert found.history

    def test_one_that_trained_by_itself_is_no_run_of_the_trainers(
        self, course: Course, ran: list[Any], proven: Any
    ) -> None:
        setup = Setup(course, course.exercise(GRU), Engine.JAX, ROOM)
        one = plan(setup.exercise, REFERENCE, Engine.JAX, 0, by_trainer=True)
        for proof in (None, Proof(why=Message("proof.another"))):
            proven(proof)
            with pytest.raises(GraderError) as error:
                measure_reference(setup, one, SLOT)
            assert error.value.message.id == "calibrate.reference_failed"

    def test_without_it_nobody_trains_for_the_notebook(
        self, course: Course, ran: list[Any], proven: Any
    ) -> None:
        proven(None)
        setup = Setup(course, course.exercise(GRU), Engine.JAX, ROOM)
        found = measure_reference(setup, plan(setup.exercise, REFERENCE, Engine.JAX, 0), SLOT)
        ((run, trainer),) = ran
        assert (run.engine, trainer) == (Engine.JAX, None)
        assert (found.run.engine, found.run.seconds) == ("jax", 5.0)
