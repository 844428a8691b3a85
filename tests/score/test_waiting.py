"""Points that wait: a claimed training earns them where our own room comes as far, else a teacher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.policy.by_hand import HandLines, in_force
from grader.score.score import score
from grader.score.waiting import CONTRADICTIONS
from grader.types import (
    Evidence,
    EvidenceClass,
    Grade,
    HandKind,
    HandLine,
    Message,
    Proof,
    Repeated,
    Verdict,
)
from tests.support.builders import record, sound

COURSE = load_course(Path(__file__).parents[2])
LSTM = COURSE.exercise("multiplication-lstm")
THRESHOLD = Threshold("mse", "lower", 0.01, 0.04, "jax", "cpu", None, None, "measured")
NONE = replace(THRESHOLD, value=None, reason="overlap")
WHY = Message("proof.told", {"why": "a callback of class Own"})
PROVEN = Proof("a" * 64)
AS_FAR = Repeated({"mse": 0.01}, learned=True, times=1)
NOT_AS_FAR = Repeated({"mse": 0.011}, learned=True, times=2)
NOTHING = Repeated({"mse": 0.05}, learned=False, times=2)
FAILED = Repeated(times=1, why=Message("waiting.own_layers"))


def claimed(repeated: Repeated | None, **changes: Any) -> Evidence:
    return sound(LSTM, proof=Proof(why=WHY, repeated=repeated), **changes)


def graded(evidence: Evidence, threshold: Threshold | None = THRESHOLD) -> Grade:
    return score(evidence, LSTM, threshold)


def waiting(grade: Grade) -> dict[str, float]:
    """The points of each class that wait."""
    found: dict[str, float] = {}
    for check in grade.checks:
        if check.waiting and check.cls is not None:
            found[check.cls.value] = found.get(check.cls.value, 0.0) + check.waiting
    return {name: round(value, 2) for name, value in found.items()}


def worth(threshold: Threshold | None) -> dict[str, float]:
    """What training and accuracy are worth."""
    points = LSTM.points_for(threshold)
    about = (EvidenceClass.TRAINING, EvidenceClass.ACCURACY)
    return {one.value: round(points[one], 2) for one in about if points[one]}


@pytest.mark.parametrize("threshold", [THRESHOLD, NONE, None])
@pytest.mark.parametrize("proof", [None, PROVEN, Proof(why=WHY, repeated=AS_FAR)])
def test_what_we_trained_or_reached_ourselves_earns_all_points(
    proof: Proof | None, threshold: Threshold | None
) -> None:
    grade = graded(sound(LSTM, proof=proof), threshold)
    assert (grade.verdict, grade.score, grade.waiting) == (Verdict.ACCEPTED, 100.0, 0.0)


@pytest.mark.parametrize(
    ("repeated", "why"),
    [
        (None, "waiting.not_repeated"),
        (FAILED, "waiting.own_layers"),
        (NOT_AS_FAR, "waiting.missed"),
        (replace(AS_FAR, metrics={}), "waiting.not_repeated"),
    ],
)
def test_a_claim_that_we_did_not_come_up_to_waits_and_is_neither_right_nor_wrong(
    repeated: Repeated | None, why: str
) -> None:
    grade = graded(claimed(repeated))
    assert grade.verdict is Verdict.WAITING
    assert waiting(grade) == worth(THRESHOLD)
    assert grade.score == 100.0 - grade.waiting == 100.0 - sum(worth(THRESHOLD).values())
    held = [check for check in grade.checks if check.waiting]
    assert {check.message.id for check in held} == {why}
    assert not any(check.passed or check.failed for check in held)


@pytest.mark.parametrize("threshold", [NONE, None])
def test_without_a_threshold_the_repeated_training_is_the_training(
    threshold: Threshold | None,
) -> None:
    assert graded(claimed(NOT_AS_FAR), threshold).verdict is Verdict.ACCEPTED
    grade = graded(claimed(NOTHING), threshold)
    assert (grade.verdict, waiting(grade)) == (Verdict.WAITING, worth(threshold))


def test_structure_and_data_of_a_claim_are_earned_as_ever() -> None:
    usual = {one.id: one.points for one in graded(sound(LSTM)).checks}
    for check in graded(claimed(None)).checks:
        if check.cls not in (EvidenceClass.TRAINING, EvidenceClass.ACCURACY):
            assert check.points == usual[check.id]


def test_what_a_claim_itself_misses_is_lost_and_does_not_wait() -> None:
    grade = graded(claimed(None, metrics={"mse": 0.02}))
    assert grade.verdict is Verdict.LOW_ACCURACY
    accuracy = next(check for check in grade.checks if check.cls is EvidenceClass.ACCURACY)
    assert 0 < accuracy.waiting < accuracy.max_points
    assert graded(claimed(AS_FAR, metrics={"mse": 0.02})).verdict is Verdict.LOW_ACCURACY


@pytest.mark.parametrize("flag", sorted(CONTRADICTIONS))
def test_what_contradicts_itself_waits_whatever_we_reach(flag: str) -> None:
    grade = graded(claimed(AS_FAR, flags=(flag,)))
    assert (grade.verdict, waiting(grade)) == (Verdict.SUSPICIOUS, worth(THRESHOLD))
    assert graded(sound(LSTM, flags=(flag,))).score == 100.0, "where nobody asked, as ever"


def test_what_answered_before_it_learned_waits_though_we_trained_it() -> None:
    grade = graded(sound(LSTM, proof=PROVEN, flags=("answers_untrained",)))
    assert (grade.verdict, waiting(grade)) == (Verdict.SUSPICIOUS, worth(THRESHOLD))
    held = {check.message.id for check in grade.checks if check.waiting}
    assert held == {"waiting.answers_untrained"}


@pytest.mark.parametrize("threshold", [NONE, None])
@pytest.mark.parametrize(
    ("losses", "waits"),
    [
        ((0.3, 0.2999, 0.2998), True),
        ((0.3, 0.302, 0.299), True),
        ((0.3, 0.29, 0.28), False),
        ((0.3, 0.29, 0.2999), False),
        ((0.3, 0.2999, 5.0), False),
        ((0.3,), False),
        ((), False),
        ((0.0, 0.0), False),
        ((float("nan"), 0.3), False),
    ],
)
def test_without_a_threshold_a_loss_that_stood_still_waits_though_we_trained_it(
    losses: tuple[float, ...], waits: bool, threshold: Threshold | None
) -> None:
    training = replace(sound(LSTM).training, history={"loss": losses})
    grade = graded(sound(LSTM, proof=PROVEN, training=training), threshold)
    assert waiting(grade) == (worth(threshold) if waits else {})
    assert grade.verdict is (Verdict.WAITING if waits else Verdict.ACCEPTED)
    assert {one.message.id for one in grade.checks if one.waiting} <= {"waiting.stood_still"}


def test_a_threshold_that_earns_nothing_asks_for_no_answer() -> None:
    """As of the dense network, whose error is shown and not graded."""
    dense = COURSE.exercise("temperature-dense")
    assert not dense.points_for(THRESHOLD)[EvidenceClass.ACCURACY]
    found = sound(dense, proof=PROVEN)
    still = replace(found.training, history={"loss": (0.3, 0.2999)})
    assert score(found, dense, THRESHOLD).verdict is Verdict.ACCEPTED
    grade = score(replace(found, training=still), dense, THRESHOLD)
    assert (grade.verdict, set(waiting(grade))) == (Verdict.WAITING, {"training"})


def test_with_a_threshold_the_answers_say_whether_it_learned() -> None:
    training = replace(sound(LSTM).training, history={"loss": (0.3, 0.3)})
    assert graded(sound(LSTM, proof=PROVEN, training=training)).verdict is Verdict.ACCEPTED


def test_layers_of_its_own_wait_for_review_where_trainings_are_asked_for() -> None:
    odd = {"metrics": {}, "flags": ("needs_review",)}
    assert graded(sound(LSTM, **odd)).verdict is Verdict.LOW_ACCURACY
    grade = graded(claimed(FAILED, **odd))
    assert (grade.verdict, waiting(grade)) == (Verdict.WAITING, worth(THRESHOLD))


def test_a_loop_that_we_came_up_to_needs_no_teacher() -> None:
    loop = replace(sound(LSTM).training, fits=0, own_updates=8000, own_epochs=100, epochs=0)
    assert graded(sound(LSTM, training=loop)).verdict is Verdict.SUSPICIOUS
    grade = graded(claimed(AS_FAR, training=loop))
    assert (grade.verdict, grade.score) == (Verdict.ACCEPTED, 100.0)
    assert graded(claimed(NOT_AS_FAR, training=loop)).verdict is Verdict.WAITING


@pytest.mark.parametrize(("given", "verdict"), [(100.0, "accepted"), (60.0, "by_hand")])
def test_a_teacher_settles_it(given: float, verdict: str) -> None:
    one = record("kim", LSTM.id, grade=graded(claimed(None)))
    line = HandLine("1", "2026-05-01T00:00:00", "park", HandKind.OVERRIDE, "kim", LSTM.id)
    (ruled,) = in_force([one], HandLines((replace(line, score=given, most=100.0),)))
    assert (ruled.grade.verdict.value, ruled.grade.score, ruled.grade.waiting) == (
        verdict,
        given,
        0.0,
    )
