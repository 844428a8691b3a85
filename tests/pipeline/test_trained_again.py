"""When a model is trained again by the judge, instead of its notebook being run again."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.course.exercises import Alternative, Course
from grader.execution import Execution, Training
from grader.extract.evaluate import RoomFailedError
from grader.extract.matching import read_model
from grader.extract.proof import layers_digest, weights_digest
from grader.extract.tasks import Answer, ModelTask
from grader.pipeline import attempts
from grader.types import Message, Verdict
from tests.support.canned_rooms import (
    CONFIG,
    GRU,
    World,
    execution,
    grade,
    submission,
)

FIXES_SEEDS = "import numpy as np\nnp.random.seed(1)\nmodel.fit(X, Y)"


def _slipping(course: Course) -> Course:
    """The exercise asks for a last activation that a textbook leaves out, and takes both."""
    exercise = course.exercise(GRU)
    *others, last = exercise.layers
    book = Alternative(
        exercise.layers, 8671, exercise.input_shape, Message("course.inline"), exercise.form
    )
    asked = replace(last, config={**last.config, "activation": "sigmoid"})
    slipping = replace(exercise, layers=(*others, asked), accept=(book,))
    return replace(course, exercises={**course.exercises, GRU: slipping})


def _unmoved() -> Execution:
    made = execution()
    (one,) = made.candidates
    compiled = {**one.compile, "loss": "binary_crossentropy"}
    return replace(made, candidates=(replace(one, final=one.initial, compile=compiled),))


def _ours(made: Execution, updates: int, *, moved: bool = True) -> Training:
    (candidate,) = made.candidates
    architecture = read_model(candidate).architecture
    assert architecture is not None
    return Training(
        3,
        "k",
        layers=layers_digest(architecture.layers),
        weights=weights_digest(candidate.final),
        epochs=100,
        updates=updates,
        moved=moved,
        sample=candidate.fits[-1].sample,
    )


def test_a_model_that_the_textbooks_slip_left_stuck_is_trained_again_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.give = lambda _run: _unmoved()
    (record,) = grade(_slipping(course), tmp_path, submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    assert "training.mended" in {check.message.id for check in record.grade.checks}
    assert (len(world.ran), world.trained) == (1, [record.attempts[1].seed])


def test_what_the_slip_wasted_of_a_training_of_ours_is_made_again_in_full(
    course: Course, world: World, tmp_path: Path
) -> None:
    """As many updates as were asked for, also where these are more than the exercise asks for."""
    made = _unmoved()
    world.give = lambda _run: replace(made, trainings=(_ours(made, 9000, moved=False),))
    (record,) = grade(_slipping(course), tmp_path, submission()).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    (training,) = (task.training for task in world.tasks if task.training is not None)
    per_epoch = -(-len(training.x) // training.batch_size)
    assert training.steps is None
    assert training.epochs == 9000 // per_epoch > course.exercise(GRU).epochs


def test_a_model_that_nothing_may_move_is_not_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    """Its slip is not what keeps it from learning: its layers are frozen."""
    frozen = copy.deepcopy(CONFIG)
    for layer in frozen["config"]["layers"]:
        layer["config"]["trainable"] = False
    made = _unmoved()
    still = replace(made.candidates[0], config=frozen)
    world.give = lambda _run: replace(made, candidates=(still,))
    (record,) = grade(_slipping(course), tmp_path, submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert world.trained == []


def test_a_model_that_was_given_no_rate_is_not_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    """It never learned by its own settings, so ours have none to learn by."""
    made = _unmoved()
    (one,) = made.candidates
    still = replace(one, compile={**one.compile, "learning_rate": 0.0})
    world.give = lambda _run: replace(made, candidates=(still,))
    (record,) = grade(_slipping(course), tmp_path, submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert world.trained == []


def test_a_model_whose_loss_has_a_slope_is_not_put_right(
    course: Course, world: World, tmp_path: Path
) -> None:
    """Its slip is not what keeps it from learning: its rate is 0, say, whoever sets it."""
    world.give, world.begins_at = lambda _run: _unmoved(), 0.5
    (record,) = grade(_slipping(course), tmp_path, submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert world.trained == []


def test_a_model_that_no_fit_moved_is_not_trained_by_us_without_such_a_slip(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.give = lambda _run: _unmoved()
    (record,) = grade(course, tmp_path, submission()).records
    assert record.grade.verdict is Verdict.UNTRAINED
    assert (len(world.ran), world.trained) == (1, [])


def test_rooms_that_train_a_model_anew_are_training_and_those_that_ask_it_evaluation(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr(attempts, "time", clock)
    world.give = lambda _run: _unmoved()
    (record,) = grade(_slipping(course), tmp_path, submission()).records
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    assert record.spent is not None
    assert record.spent.training == 1.0 * len(world.trained)
    assert record.spent.evaluation >= 1.0


def test_a_notebook_that_fixes_its_seeds_is_retrained_instead_of_rerun(
    course: Course, world: World, tmp_path: Path
) -> None:
    world.error = lambda number: 0.04 if number == 1 else 0.001
    (record,) = grade(course, tmp_path, submission(FIXES_SEEDS)).records
    assert record.grade.verdict is Verdict.ACCEPTED
    assert [attempt.kind for attempt in record.attempts] == ["run", "retrain"]
    assert len(world.ran) == 1
    assert world.trained == [record.attempts[1].seed]


def test_seeds_that_are_fixed_change_nothing_where_the_trainer_draws_them(
    course: Course, world: World, tmp_path: Path
) -> None:
    """The same order has another seed in the next attempt; nobody trains more than was asked."""
    made = execution()
    world.give = lambda _run: replace(made, trainings=(_ours(made, 100),))
    world.error = lambda number: 0.04 if number == 1 else 0.001
    (record,) = grade(course, tmp_path, submission(FIXES_SEEDS)).records
    assert [attempt.kind for attempt in record.attempts] == ["run", "run"]
    assert (len(world.ran), world.trained) == (2, [])


def test_a_story_of_a_training_that_nobody_heard_of_has_no_second_attempt(
    course: Course, world: World, tmp_path: Path
) -> None:
    """Its points wait, whatever we could make of its model."""
    world.give = lambda _run: replace(execution(), trainings=())
    world.error = lambda _number: 0.04
    (record,) = grade(course, tmp_path, submission(FIXES_SEEDS)).records
    assert record.grade.flags == ("training_unheard",)
    assert (len(world.ran), world.trained) == (1, [])


@pytest.mark.parametrize(
    ("limit", "asked"), [("EVALUATION_SECONDS", 0), ("TRAINING_LIMITS", 1)], ids=["judge", "train"]
)
def test_the_rooms_that_judge_a_notebook_have_a_time_limit_together(
    course: Course,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    asked: int,
) -> None:
    monkeypatch.setattr(attempts, limit, -1.0)
    monkeypatch.setattr(attempts, "ROOM_SECONDS", -1.0)
    world.error = lambda _: 0.04
    (record,) = grade(course, tmp_path, submission(FIXES_SEEDS)).records
    assert record.grade.score is None
    assert record.grade.checks[0].message.id == "evaluate.altogether"
    assert (world.asked, world.trained) == (asked, [])


@pytest.mark.parametrize(("timeout", "seconds"), [(600.0, 1200.0), (20.0, 300.0)])
def test_a_training_anew_may_take_longer_than_the_notebook_itself(
    course: Course, world: World, tmp_path: Path, timeout: float, seconds: float
) -> None:
    world.error = lambda _: 0.04
    grade(course, tmp_path, submission(FIXES_SEEDS), timeout=timeout)
    assert world.limits == [300.0, seconds, seconds]


def test_a_training_anew_that_is_stopped_takes_no_score_away(
    course: Course, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(tasks: Sequence[ModelTask], room: object, **how: Any) -> dict[str, Answer]:
        if tasks[0].training is None:
            return world._evaluate(tasks, room, **how)
        told = {"seconds": how["timeout"], "megabytes": 4096}
        raise RoomFailedError(Message("evaluate.stopped", told), tasks[0].id)

    monkeypatch.setattr(attempts, "evaluate", slow)
    world.error = lambda _: 0.02
    (record,) = grade(course, tmp_path, submission(FIXES_SEEDS)).records
    assert record.grade.verdict is Verdict.LOW_ACCURACY
    assert [attempt.kind for attempt in record.attempts] == ["run"]
    assert record.evidence is not None
    assert "evaluate.training_stopped" in {note.id for note in record.evidence.notes}
