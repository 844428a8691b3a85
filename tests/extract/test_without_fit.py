"""Trained by a loop of the notebook's own: its weights are judged, and a teacher is asked to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.course.families import DataReading, load_family
from grader.course.load import load_course
from grader.execution import Candidate
from grader.extract.extract import extract
from grader.extract.matching import read_model
from grader.extract.tasks import Answer, ModelTask
from grader.score.grade import grade_of
from grader.types import Engine, Evidence, EvidenceClass, Grade, Message, Proof, Repeated, Verdict
from tests.extract.notebooks import Room, asked, candidate, own_data, run_with, sequential

COURSE = load_course(Path(__file__).parents[2])
EXERCISE = COURSE.exercise("multiplication-gru")
SEQUENCE = COURSE.exercise("sequence-prediction")
LOOP = Message("source.own_loop", {"cell": 4, "how": "GradientTape"})
SEED = 7
PER_EPOCH = 80  # 2560 rows in batches of 32
LEAST = EXERCISE.min_epochs * PER_EPOCH


class Knows(Room):
    """A room whose model knows the hidden answers."""

    def _answer(self, task: ModelTask) -> Answer:
        answer = super()._answer(task)
        assert COURSE.reference is not None
        family = load_family(COURSE.reference, "multiplication")
        reading = DataReading((), "mark-number")
        question = family.ask(reading, np.random.default_rng(SEED), EXERCISE.data)
        return replace(answer, predictions=question.answers.reshape(-1, 1).astype(np.float32))


def by_a_loop(updates: int, *, moved: bool = True) -> Candidate:
    made = candidate(sequential(*asked(EXERCISE), shape=EXERCISE.input_shape))
    final = (np.ones(2, np.float32),) if moved else made.final
    return replace(made, final=final, own_updates=updates)


def found(made: Candidate) -> Evidence:
    (evidence,) = extract(run_with(made), [EXERCISE.id], COURSE, Knows(EXERCISE), lambda _: SEED)
    return evidence


def graded(evidence: Evidence) -> Grade:
    return grade_of(COURSE, evidence, Engine.JAX, "cpu").grade


def points(grade: Grade, cls: EvidenceClass) -> float:
    return sum(check.points for check in grade.checks if check.cls is cls)


def test_the_weights_that_a_loop_of_its_own_left_are_judged() -> None:
    grade = graded(replace(found(by_a_loop(LEAST)), hints=(LOOP,)))
    assert points(grade, EvidenceClass.ACCURACY) == 25.0
    assert points(grade, EvidenceClass.TRAINING) == 15.0
    assert points(grade, EvidenceClass.DATA) == 0.0
    assert "trained_without_fit" in grade.flags
    assert grade.verdict is Verdict.SUSPICIOUS  # a teacher looks; never "not trained"


def test_another_model_that_is_given_to_fit_takes_nothing_from_a_loop() -> None:
    """What the code looks like decides nothing."""
    assert graded(found(by_a_loop(LEAST))).score == 85.0


def test_a_tape_that_only_stands_in_the_code_earns_nothing() -> None:
    """The weights were planted, and whoever wrote the code knew what is looked for."""
    grade = graded(replace(found(by_a_loop(0)), hints=(LOOP,), flags=("no_training_seen",)))
    assert points(grade, EvidenceClass.ACCURACY) == 0.0
    assert grade.verdict is Verdict.UNTRAINED
    assert grade.flags == ("no_training_seen",)


@pytest.mark.parametrize("updates", [1, EXERCISE.min_epochs - 1])
def test_fewer_updates_than_any_training_needs_earn_no_accuracy(updates: int) -> None:
    grade = graded(replace(found(by_a_loop(updates)), hints=(LOOP,)))
    assert points(grade, EvidenceClass.ACCURACY) == 0.0
    assert "trained_without_fit" in grade.flags


def test_the_points_for_epochs_grow_with_the_updates() -> None:
    earned = [
        points(graded(found(by_a_loop(epochs * PER_EPOCH))), EvidenceClass.TRAINING)
        for epochs in (1, 5, EXERCISE.min_epochs, 50)
    ]
    assert earned == sorted(earned)
    assert earned[0] < earned[1] < earned[2] == earned[3] == 15.0


def test_weights_of_unknown_origin_earn_nothing() -> None:
    """No loop at all: they were loaded, or set."""
    grade = graded(found(by_a_loop(0)))
    assert points(grade, EvidenceClass.ACCURACY) == 0.0
    assert "trained_without_fit" not in grade.flags


def test_a_model_that_nothing_moved_is_asked_nothing() -> None:
    evidence = found(by_a_loop(LEAST, moved=False))
    assert evidence.metrics == {}
    assert evidence.unmet == Message("accuracy.never_fitted")
    grade = graded(replace(evidence, hints=(LOOP,)))
    assert points(grade, EvidenceClass.ACCURACY) == 0.0
    assert points(grade, EvidenceClass.TRAINING) == 0.0


@pytest.mark.parametrize("bias", [0.0, 0.1])
def test_where_nobody_saw_the_first_weights_those_that_no_layer_starts_with_have_moved(
    bias: float,
) -> None:
    """TensorFlow built the model in the first compiled step of the loop."""
    kernels = [
        np.zeros((1, 10)),
        np.eye(10),
        np.full(10, bias),
        np.zeros((10, 1)),
        np.full(1, bias),
    ]
    weights = tuple(np.asarray(one, np.float32) for one in kernels)
    made = candidate(sequential(*asked(SEQUENCE), shape=(4, 1)))
    seen_late = replace(made, initial=weights, final=weights, own_updates=100)
    assert read_model(seen_late).moved is bool(bias)
    assert not read_model(replace(seen_late, own_updates=0)).moved


# --- an exercise without a threshold --------------------------------------------------------------


def sequence(updates: int, **changes: object) -> Grade:
    made = candidate(sequential(*asked(SEQUENCE), shape=(4, 1)))
    made = replace(made, final=(np.ones(2, np.float32),), own_updates=updates)
    made = replace(made, **changes)  # type: ignore[arg-type]
    (evidence,) = extract(run_with(made), [SEQUENCE.id], COURSE, Room(SEQUENCE), lambda _: SEED)
    return graded(evidence)


def test_what_a_tape_was_given_is_not_seen_and_all_else_counts() -> None:
    grade = sequence(100)
    assert (grade.score, grade.verdict) == (75.0, Verdict.SUSPICIOUS)


@pytest.mark.parametrize("flags", [(), ("no_training_seen",)])
@pytest.mark.parametrize("learned", [True, False])
def test_where_trainings_are_ours_the_points_for_what_a_tape_was_given_wait(
    learned: bool, flags: tuple[str, ...]
) -> None:
    """Nobody saw the data: they are neither right nor wrong, and a teacher looks.

    That no fit was seen contradicts nothing.
    """
    made = candidate(sequential(*asked(SEQUENCE), shape=(4, 1)))
    made = replace(made, final=(np.ones(2, np.float32),), own_updates=100)
    (evidence,) = extract(run_with(made), [SEQUENCE.id], COURSE, Room(SEQUENCE), lambda _: SEED)
    proof = Proof(repeated=Repeated(learned=learned))
    grade = graded(replace(evidence, proof=proof, flags=flags))
    (data,) = (check for check in grade.checks if check.cls is EvidenceClass.DATA)
    assert (data.message.id, data.points, data.waiting) == ("waiting.unseen_data", 0.0, 25.0)
    assert grade.verdict is Verdict.WAITING
    assert grade.score == (75.0 if learned else 75.0 - points_for_training())
    assert grade.score + grade.waiting == 100.0


def points_for_training() -> float:
    return sum(
        check.points for check in sequence(100).checks if check.cls is EvidenceClass.TRAINING
    )


def test_a_model_that_nothing_trained_has_no_data_to_wait_for() -> None:
    made = candidate(sequential(*asked(SEQUENCE), shape=(4, 1)))
    (evidence,) = extract(run_with(made), [SEQUENCE.id], COURSE, Room(SEQUENCE), lambda _: SEED)
    grade = graded(replace(evidence, proof=Proof()))
    assert grade.waiting == 0.0
    assert grade.verdict is Verdict.UNTRAINED


def test_what_train_on_batch_was_given_counts() -> None:
    sample = replace(own_data(COURSE, SEQUENCE), kind="dataset")
    grade = sequence(100, own_sample=sample)
    assert (grade.score, grade.verdict) == (100.0, Verdict.SUSPICIOUS)
    assert grade.flags == ("trained_without_fit",)
