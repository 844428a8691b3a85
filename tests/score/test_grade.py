"""What is kept of the threshold that a grade was scored with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.exercises import Course
from grader.course.expectations import Rate, Threshold
from grader.course.load import load_course
from grader.score.grade import TRAINERS, grade_of, used_threshold
from grader.trainer.keys import ENGINE
from grader.types import Engine, Message, Proof, Repeated
from tests.support.builders import sound

THRESHOLD = Threshold("mse", "lower", 0.01, 0.04, "jax", "cpu", Rate(0.01, 0.1), None, "measured")


def test_without_a_threshold_nothing_is_kept() -> None:
    assert used_threshold(None, 3) is None


def test_it_tells_how_often_bad_luck_fails_correct_work_in_every_attempt() -> None:
    kept = used_threshold(THRESHOLD, 3)
    assert kept is not None
    assert (kept.false_fail, kept.attempts) == (pytest.approx(0.1**3), 3)


def test_where_nobody_measured_it_says_nothing_about_bad_luck() -> None:
    kept = used_threshold(replace(THRESHOLD, widened=True), 3)
    assert kept is not None
    assert (kept.false_fail, kept.attempts) == (None, None)


def _with_own_measurement(course: Course, runs: int) -> Course:
    """The weather's GRU with a threshold of the trainer's own, from so many correct runs."""
    exercise = course.exercise("temperature-gru")
    assert exercise.expectation is not None
    others = [one for one in exercise.expectation.runs if one.engine != "trainer"]
    ours = next(one for one in others if one.control == "reference")
    entry = next(one for one in exercise.expectation.thresholds if one.engine == "jax")
    measured = replace(
        exercise.expectation,
        runs=(*others, *[replace(ours, engine="trainer")] * runs),
        thresholds=(entry, replace(entry, engine="trainer")),
    )
    changed = replace(exercise, expectation=measured)
    return replace(course, exercises={**course.exercises, exercise.id: changed})


def _jax_runs(course: Course) -> int:
    measured = course.exercise("temperature-gru").expectation
    assert measured is not None
    return measured.correct_runs("jax")


@pytest.mark.parametrize(
    ("proof", "engine", "widened"),
    [(None, "jax", True), (Proof(), "jax", True), (Proof("a" * 64), "jax", False)],
)
def test_what_we_trained_is_held_against_what_was_measured_where_we_train(
    proof: Proof | None, engine: str, widened: bool
) -> None:
    """The notebook ran on TensorFlow, for which nobody measured this exercise."""
    course = _with_own_measurement(load_course(Path(__file__).parents[2]), 0)
    found = sound(course.exercise("temperature-gru"), proof=proof)
    used = grade_of(course, found, Engine.TENSORFLOW, "cpu").threshold
    assert used is not None
    assert (used.engine, used.widened) == (engine, widened)


@pytest.mark.parametrize(("reached", "waits"), [(0.0, False), (0.5, True)])
def test_a_claim_done_again_is_held_against_what_was_measured_where_we_train(
    reached: float, waits: bool
) -> None:
    """Between the threshold and the one that is widened for TensorFlow, points wait."""
    course = _with_own_measurement(load_course(Path(__file__).parents[2]), 0)
    exercise = course.exercise("temperature-gru")
    known, here = (exercise.threshold(one, "cpu", None) for one in ("jax", "tensorflow"))
    assert known is not None
    assert here is not None
    assert known.value is not None
    assert here.value is not None
    assert (here.engine, here.widened) == ("jax", True)
    figure = {known.metric: known.value + reached * (here.value - known.value)}
    again = Proof(why=Message("proof.another"), repeated=Repeated(figure, learned=True, times=1))
    found = sound(exercise, proof=again, metrics=figure)
    graded = grade_of(course, found, Engine.TENSORFLOW, "cpu").grade
    assert (graded.waiting > 0) is waits
    assert graded.score is not None
    assert graded.score + graded.waiting == graded.max_score


def test_our_trainings_are_done_where_the_key_says() -> None:
    assert TRAINERS == (ENGINE, "cpu")


@pytest.mark.parametrize(
    ("proof", "engine", "widened"),
    [(None, "jax", True), (Proof(), "jax", True), (Proof("a" * 64), "trainer", False)],
)
def test_once_our_trainings_were_measured_they_are_held_against_that(
    proof: Proof | None, engine: str, widened: bool
) -> None:
    """What the notebook trained by itself is not, however near the figures are."""
    course = load_course(Path(__file__).parents[2])
    course = _with_own_measurement(course, _jax_runs(course))
    exercise = course.exercise("temperature-gru")
    found = sound(exercise, proof=proof)
    used = grade_of(course, found, Engine.TENSORFLOW, "cpu").threshold
    assert used is not None
    assert (used.engine, used.widened) == (engine, widened)


def test_fewer_runs_of_our_own_than_of_jax_decide_nothing_yet() -> None:
    course = load_course(Path(__file__).parents[2])
    fewer = _with_own_measurement(course, _jax_runs(course) - 1)
    exercise = fewer.exercise("temperature-gru")
    found = sound(exercise, proof=Proof("a" * 64))
    used = grade_of(fewer, found, Engine.TENSORFLOW, "cpu").threshold
    assert used is not None
    assert (used.engine, used.widened) == ("jax", False)
