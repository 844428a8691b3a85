"""What the pipeline makes of one submission, with rooms replaced by canned answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.course.exercises import Course
from grader.course.expectations import (
    MeasuredData,
)
from grader.execution import Execution
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.regrade import regrade
from grader.pipeline.runner import Stop
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.seeds import hidden_seed
from grader.trainer.place import NAME
from grader.types import Engine, GraderError, Message, TimeSpent, Verdict
from tests.support.canned_rooms import (
    GRU,
    SLOT,
    NoRoom,
    World,
    execution,
    grade,
    submission,
)
from tests.support.homes import WRONG, missing


def test_a_sound_notebook_is_accepted_in_one_attempt(
    course: Course, world: World, tmp_path: Path
) -> None:
    (record,) = grade(course, tmp_path, submission()).records
    assert (record.grade.verdict, record.grade.score) == (Verdict.ACCEPTED, 100.0)
    assert [attempt.number for attempt in record.attempts] == [1]
    assert record.evidence is not None
    assert record.evidence.metrics["mse"] == pytest.approx(0.001, rel=1e-3)


def test_the_record_says_where_the_time_of_all_attempts_went(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: 0.04 if number == 1 else 0.001
    world.give = lambda _run: execution(spent=TimeSpent(start=1.0, waiting=2.0, training=30.0))
    (record,) = grade(course, tmp_path, submission()).records
    assert len(record.attempts) == 2
    assert record.spent is not None
    assert (record.spent.start, record.spent.waiting, record.spent.training) == (2.0, 4.0, 60.0)
    assert record.spent.evaluation >= 0.0


def test_a_run_that_was_kept_took_no_time_now(course: Course, world: World, tmp_path: Path) -> None:
    world.give = lambda _run: execution(spent=TimeSpent(start=1.0, training=30.0))
    grade(course, tmp_path, submission())
    for path in (tmp_path / "results").rglob("record.json"):
        path.unlink()
    (record,) = grade(course, tmp_path, submission()).records
    assert len(world.ran) == 1
    assert record.spent is not None
    assert (record.spent.start, record.spent.training) == (0.0, 0.0)


def test_what_nothing_was_run_for_says_nothing_of_its_time(
    course: Course, world: World, tmp_path: Path
) -> None:
    def failing(_run: Any) -> Execution:
        raise GraderError(Message("execute.no_kernel"))

    world.give = failing
    (record,) = grade(course, tmp_path, submission()).records
    assert record.spent is None


def test_the_record_keeps_the_hidden_seed_and_no_report_shows_it(
    course: Course, world: World, tmp_path: Path
) -> None:
    from grader.report.feedback import feedback_page
    from grader.report.json_ import results_json
    from grader.text.words import Words

    (record,) = grade(course, tmp_path, submission()).records
    assert record.hidden_seed == hidden_seed(b"s" * 32, GRU)
    shown = str(results_json([record], Words("en"), lambda _: ""))
    shown += feedback_page("kim", [record], Words("en"), {})
    assert str(record.hidden_seed) not in shown


def test_a_threshold_measured_on_other_data_is_not_used(
    course: Course, world: World, tmp_path: Path
) -> None:
    exercise = course.exercise(GRU)
    assert exercise.expectation is not None
    expectation = replace(exercise.expectation, data=MeasuredData("sha256:other"))
    other = replace(exercise, expectation=expectation)
    changed = replace(course, exercises={**course.exercises, GRU: other})
    (record,) = grade(changed, tmp_path, submission()).records
    assert record.threshold is None
    assert not [check for check in record.grade.checks if check.id == "accuracy.mse"]


def test_trainings_are_asked_for_where_the_course_says_so_of_a_notebook_on_tensorflow(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asking = replace(course, asks_trainer=True)
    grade(course, tmp_path, submission())
    grade(asking, tmp_path, submission())
    grade(asking, tmp_path, submission(), engine="jax")
    monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW,))
    grade(asking, tmp_path, submission())
    engines = [engine for engine, _ in world.ran]
    assert list(zip(engines, world.trainer, strict=True)) == [
        (Engine.JAX, False),
        (Engine.TENSORFLOW, True),
        (Engine.TENSORFLOW, False),
    ], "on JAX it trains by itself, as the first run that is kept did"


@WRONG
def test_a_home_that_keeps_nothing_costs_nobody_agrade(
    home: Callable[[Path, pytest.MonkeyPatch], None],
    course: Course,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    home(tmp_path, monkeypatch)
    asking = replace(course, asks_trainer=True)
    (record,) = grade(asking, tmp_path / "out", submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert world.trainer == [True]


@pytest.mark.parametrize("ended", ["", "asked to", "out of time"])
def test_results_beside_a_batch_stay_only_where_it_ended_early(
    ended: str, course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing(tmp_path, monkeypatch)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    asking, out = replace(course, asks_trainer=True), tmp_path / "out"
    stop = Stop()
    with Store(out) as store:
        settings = Settings(b"s" * 32)
        one = Grader(asking, NoRoom(), store, settings, stopping=stop.draining.is_set)  # type: ignore[arg-type]
        for _ in one.grade_all([submission()], LocalRunner([SLOT], stop)):
            assert (out / NAME).is_dir()
            if ended == "asked to":
                stop.draining.set()
            elif ended:
                monkeypatch.setattr(Settings, "is_late", lambda _: True)
    assert (out / NAME).is_dir() == bool(ended)


def test_a_malformed_notebook_gets_zero_for_every_exercise_it_owes(
    course: Course, world: World, tmp_path: Path
) -> None:
    problem = Message("collect.truncated_json", {"line": 1, "column": 1})
    broken = replace(submission(), notebook=None, problem=problem)
    (record,) = grade(course, tmp_path, broken).records
    assert (record.grade.verdict, record.grade.score) == (Verdict.MALFORMED, 0.0)
    assert not world.ran


def test_regrade_scores_stored_evidence_with_todays_threshold_and_runs_nothing(
    course: Course, world: World, tmp_path: Path
) -> None:
    (record,) = grade(course, tmp_path, submission()).records
    exercise = course.exercise(GRU)
    assert exercise.expectation is not None
    strict = replace(exercise.expectation.thresholds[0], value=0.0001)
    harder = replace(exercise, expectation=replace(exercise.expectation, thresholds=(strict,)))
    changed = replace(course, exercises={**course.exercises, GRU: harder})
    (again,) = regrade(changed, [record], b"s" * 32)
    assert again.grade.verdict is Verdict.LOW_ACCURACY
    assert again.execution_key == record.execution_key
    assert len(world.ran) == 1
