"""When a notebook is run again, and which of its runs counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.exercises import Course
from grader.execution import CellRun
from grader.types import CellError, Engine, Outcome, Verdict
from tests.support.canned_rooms import (
    GRU,
    World,
    execution,
    grade,
    submission,
)


def test_an_unlucky_run_is_repeated_with_another_recorded_seed_before_points_are_lost(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: 0.04 if number == 1 else 0.001
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.number for attempt in record.attempts] == [1, 2]
    assert len({attempt.seed for attempt in record.attempts}) == 2


def test_attempts_end_at_the_rubrics_limit_and_the_best_one_counts(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: {1: 0.04, 2: 0.02, 3: 0.03}[number]
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.LOW_ACCURACY
    assert len(record.attempts) == course.exercise(GRU).attempts == 3
    assert record.evidence is not None
    assert record.evidence.metrics["mse"] == pytest.approx(0.02, rel=1e-3)


def test_wrong_work_is_not_repeated(course: Course, world: World, tmp_path: Path) -> None:
    world.give = lambda _run: replace(execution(), candidates=())
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.NO_MODEL
    assert len(world.ran) == 1


def test_an_exception_on_jax_is_seen_on_tensorflow_before_it_costs_a_point(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(3, "error", 0.1, "", CellError("TypeError", "JAX only", ""))
    world.give = lambda run: (
        replace(execution(), cells=(failed,)) if run.engine is Engine.JAX else execution()
    )
    (record,) = grade(course, tmp_path, submission()).records
    assert [engine for engine, _ in world.ran] == [Engine.JAX, Engine.TENSORFLOW]
    assert record.engine is Engine.TENSORFLOW
    assert record.grade.score == 100.0


def test_of_two_runs_the_better_counts(course: Course, world: World, tmp_path: Path) -> None:
    failed = CellRun(4, "error", 0.1, "", CellError("TypeError", "JAX only", ""))
    ran = CellRun(3, "ok", 1.0, "", None)
    whole = replace(execution(), cells=(ran, failed))
    cut = replace(execution(), outcome=Outcome.TIME_LIMIT, candidates=())
    world.give = lambda run: whole if run.engine is Engine.JAX else cut
    (record,) = grade(course, tmp_path, submission()).records
    assert [engine for engine, _ in world.ran] == [Engine.JAX, Engine.TENSORFLOW]
    assert (record.engine, record.grade.verdict) == (Engine.JAX, Verdict.ACCEPTED)
    assert [one.engine for one in record.attempts] == [Engine.JAX, Engine.TENSORFLOW]


def test_of_two_runs_that_earn_the_same_the_second_counts(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(3, "error", 0.1, "", CellError("TypeError", "on both", ""))
    world.give = lambda _run: replace(execution(), cells=(failed,))
    (record,) = grade(course, tmp_path, submission()).records
    assert record.engine is Engine.TENSORFLOW


def test_a_run_that_found_the_exercise_counts_before_one_that_found_none(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(4, "error", 0.1, "", CellError("TypeError", "JAX only", ""))
    ran = CellRun(3, "ok", 1.0, "", None)
    whole = replace(execution(), cells=(ran, failed))
    nothing = replace(execution(), cells=(ran,), candidates=())
    world.give = lambda run: whole if run.engine is Engine.JAX else nothing
    (record,) = grade(course, tmp_path, replace(submission(), exercises=None)).records
    assert (record.exercise, record.engine) == (GRU, Engine.JAX)


def test_an_error_that_no_engine_causes_is_not_run_twice(
    course: Course, world: World, tmp_path: Path
) -> None:
    failed = CellRun(4, "error", 0.1, "", CellError("NameError", "name 'x' is not defined", ""))
    world.give = lambda _run: replace(execution(), cells=(failed,))
    grade(course, tmp_path, submission())
    assert len(world.ran) == 1


@pytest.mark.parametrize(
    ("seconds", "engines"),
    [(100.0, "JTTT"), (200.0, "JTT"), (301.0, "J")],
    ids=["died once", "died twice", "died late"],
)
def test_the_runs_of_a_notebook_have_a_time_limit_together(
    course: Course, world: World, tmp_path: Path, seconds: float, engines: str
) -> None:
    """As many limits as it has attempts, and one to spare."""
    died = replace(execution(), outcome=Outcome.KERNEL_DIED, candidates=(), seconds=seconds)
    trained = replace(execution(), seconds=100.0)
    world.give = lambda run: died if run.engine is Engine.JAX else trained
    world.error = lambda _: 0.04
    (record,) = grade(course, tmp_path, submission(), timeout=100.0).records
    assert "".join(engine.value[0].upper() for engine, _ in world.ran) == engines
    assert record.evidence is not None
    told = {note.id for note in record.evidence.notes}
    assert ("execute.not_again" in told) is (engines == "J")
