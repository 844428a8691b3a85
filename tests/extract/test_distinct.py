"""Rows that repeat themselves are no second rows."""

from __future__ import annotations

import numpy as np
import pytest

from grader.extract.distinct import distinct_places, each_once
from grader.types import Array, ArraySample, FitSample

RNG = np.random.default_rng(4)


def given(x: Array, whole: int | None = None, shown: int = 512) -> FitSample:
    """What is seen of arrays of so many rows: the first ones."""
    rows = len(x) if whole is None else whole
    y = x[:, :1] * 2
    parts = [ArraySample((rows, *one.shape[1:]), str(one.dtype), one[:shown], {}) for one in (x, y)]
    return FitSample(*parts)


def counted(sample: FitSample) -> int:
    found = each_once(sample)
    assert found.x is not None
    assert found.y is not None
    assert found.x.shape[0] == found.y.shape[0]
    return found.x.shape[0]


def test_rows_that_differ_are_all_of_them() -> None:
    assert counted(given(RNG.random((400, 3)))) == 400


def test_each_row_many_times_counts_once() -> None:
    assert counted(given(np.repeat(RNG.random((40, 3)), 10, axis=0))) == 40


def test_of_many_rows_the_others_repeat_themselves_as_often_as_those_shown() -> None:
    rows = np.repeat(RNG.random((300, 3)), 10, axis=0)
    assert counted(given(rows)) == pytest.approx(300, abs=10)


@pytest.mark.parametrize(("rows", "times"), [(6, 100), (150, 100)])
def test_rows_laid_one_turn_after_the_other_are_those_of_one_turn(rows: int, times: int) -> None:
    assert counted(given(np.tile(RNG.random((rows, 3)), (times, 1)))) == rows


def test_a_row_that_comes_again_late_makes_no_turn_of_all_before_it() -> None:
    rows = RNG.random((512, 3))
    rows[511] = rows[0]
    assert counted(given(rows, whole=20_000)) == 20_000 * 511 // 512


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_zero_is_zero_whatever_its_sign(kind: type[np.floating]) -> None:
    x = np.zeros((8, 3), kind)
    x[::2, 1] = -0.0
    assert distinct_places(x, np.zeros(8)).tolist() == [0]
    assert distinct_places(np.arange(4).reshape(4, 1), np.ones(4)).tolist() == [0, 1, 2, 3]
