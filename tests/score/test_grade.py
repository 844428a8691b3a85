"""What is kept of the threshold that a grade was scored with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.course.expectations import Rate, Threshold
from grader.score.grade import used_threshold

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
