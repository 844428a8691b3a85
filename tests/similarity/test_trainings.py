"""Equal results under different code: told where few share them."""

from __future__ import annotations

import numpy as np
import pytest

from grader.similarity.trainings import (
    CURVE,
    FEW,
    LEAST_EPOCHS,
    WEIGHTS,
    Result,
    curve_digest,
    equal_trainings,
    weights_digest,
)

LOSSES = tuple(0.5 / (n + 1) for n in range(10))


def result(student: str, digest: str = "d", code: str = "", kind: str = WEIGHTS) -> Result:
    return Result(student, f"{student}/a.ipynb", "lstm", code or student, kind, digest)


def test_two_with_different_code_and_equal_weights_are_told() -> None:
    (group,) = equal_trainings([result("lee"), result("kim"), result("ho", "other")])
    assert (group.students, group.kinds) == (("kim", "lee"), (WEIGHTS,))


def test_weights_and_curve_of_the_same_students_are_one_row() -> None:
    both = [result(name, kind=kind) for name in ("kim", "lee") for kind in (WEIGHTS, CURVE)]
    (group,) = equal_trainings(both)
    assert group.kinds == (CURVE, WEIGHTS)


def test_what_many_share_is_the_exercise_s_usual_result() -> None:
    assert equal_trainings([result(str(n)) for n in range(FEW + 1)]) == []


def test_equal_code_is_told_elsewhere() -> None:
    assert equal_trainings([result("kim", code="c"), result("lee", code="c")]) == []


def test_a_student_s_own_hand_ins_are_no_group() -> None:
    assert equal_trainings([result("kim", code="a"), result("kim", code="b")]) == []


def test_no_digest_is_nobodys() -> None:
    assert equal_trainings([result("kim", ""), result("lee", "")]) == []


def test_weights_are_equal_to_the_last_bit_or_not() -> None:
    weights = (np.ones((2, 3), np.float32), np.zeros(3, np.float32))
    nudged = (weights[0].copy(), weights[1])
    nudged[0][0, 0] = np.nextafter(np.float32(1), np.float32(2))
    assert weights_digest(weights) == weights_digest(tuple(map(np.copy, weights)))
    assert weights_digest(weights) != weights_digest(nudged)
    assert weights_digest(weights) != weights_digest((weights[0].reshape(3, 2), weights[1]))
    assert weights_digest(()) == ""


@pytest.mark.parametrize(
    "losses",
    [(), LOSSES[: LEAST_EPOCHS - 1], (0.5,) * 50, (float("nan"),) * 50],
    ids=["none", "few", "level", "nan"],
)
def test_a_curve_that_tells_nothing_has_no_digest(losses: tuple[float, ...]) -> None:
    assert curve_digest(losses) == ""


def test_a_curve_is_compared_in_the_digits_that_people_see() -> None:
    assert curve_digest(LOSSES) == curve_digest([loss * (1 + 1e-9) for loss in LOSSES])
    assert curve_digest(LOSSES) != curve_digest([loss * 1.001 for loss in LOSSES])
