"""Trained by a loop of the notebook's own: its weights are judged, and a teacher is asked to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from grader.course.families import DataReading, load_family
from grader.course.load import load_course
from grader.extract.evaluate import Answer, ModelTask
from grader.extract.extract import extract
from grader.score.grade import grade_of
from grader.types import Engine, Evidence, EvidenceClass, Grade, Message
from tests.extract.notebooks import Room, asked, candidate, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])
EXERCISE = COURSE.exercise("multiplication-gru")
LOOP = Message("source.own_loop", {"cell": 4, "how": "GradientTape"})
SEED = 7


class Knows(Room):
    """A room whose model knows the hidden answers."""

    def _answer(self, task: ModelTask) -> Answer:
        answer = super()._answer(task)
        assert COURSE.reference is not None
        family = load_family(COURSE.reference, "multiplication")
        reading = DataReading((), "mark-number")
        question = family.ask(reading, np.random.default_rng(SEED), EXERCISE.data)
        return replace(answer, predictions=question.answers.reshape(-1, 1).astype(np.float32))


def found(*, moved: bool) -> Evidence:
    made = candidate(sequential(*asked(EXERCISE), shape=EXERCISE.input_shape))
    if moved:
        made = replace(made, final=(np.ones(2, np.float32),))
    (evidence,) = extract(run_with(made), [EXERCISE.id], COURSE, Knows(EXERCISE), lambda _: SEED)
    return evidence


def graded(evidence: Evidence) -> Grade:
    return grade_of(COURSE, evidence, Engine.JAX, "cpu").grade


def accuracy(grade: Grade) -> float:
    return sum(check.points for check in grade.checks if check.cls is EvidenceClass.ACCURACY)


def test_the_weights_that_a_loop_of_its_own_left_are_judged() -> None:
    grade = graded(replace(found(moved=True), hints=(LOOP,)))
    assert accuracy(grade) == 25.0
    assert "trained_without_fit" in grade.flags


def test_weights_of_unknown_origin_earn_nothing() -> None:
    """No loop in the code: they were loaded, or set."""
    grade = graded(found(moved=True))
    assert accuracy(grade) == 0.0
    assert "trained_without_fit" not in grade.flags


def test_a_model_that_nothing_moved_is_asked_nothing() -> None:
    evidence = found(moved=False)
    assert evidence.metrics == {}
    assert evidence.unmet == Message("accuracy.never_fitted")
    assert accuracy(graded(replace(evidence, hints=(LOOP,)))) == 0.0
