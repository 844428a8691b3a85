"""Rows that repeat themselves are no second rows."""

from __future__ import annotations

import numpy as np
import pytest

from grader.course.near import distinct_places
from grader.execution import ArraySample, FitSample
from grader.extract.distinct import each_once
from grader.types import Array

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
    assert counted(given(rows, whole=20_000)) == pytest.approx(20_000, rel=0.01)


@pytest.mark.parametrize("rows", [60, 200, 400])
def test_few_rows_drawn_again_and_again_are_few_however_many_they_are(rows: int) -> None:
    """A share of those that are seen says nothing of the others: no new ones come."""
    drawn = RNG.random((rows, 3))[RNG.integers(0, rows, 5000)]
    assert counted(given(np.tile(drawn, (20, 1)), shown=5000)) == rows


@pytest.mark.parametrize("rows", [3000, 8000])
def test_rows_of_which_a_part_comes_twice_by_chance_are_nearly_as_many_as_differ(rows: int) -> None:
    drawn = RNG.random((rows, 3))[RNG.integers(0, rows, 9000)]
    differ = len(np.unique(drawn, axis=0))
    assert counted(given(drawn, shown=5000)) == pytest.approx(differ, rel=0.2)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_zero_is_zero_whatever_its_sign(kind: type[np.floating]) -> None:
    x = np.zeros((8, 3), kind)
    x[::2, 1] = -0.0
    assert distinct_places(x, np.zeros(8)).tolist() == [0]
    assert distinct_places(np.arange(4).reshape(4, 1), np.ones(4)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("noise", [1e-7, 1e-6])
def test_a_little_noise_makes_no_second_row(noise: float) -> None:
    x = np.repeat(RNG.random((2, 100, 2)), 1000, axis=0)
    x = RNG.permutation(x + RNG.normal(0, noise, x.shape)).astype(np.float32)
    assert len(distinct_places(x, x[:, 3, 1] * x[:, 8, 1])) < 10


def test_standardized_windows_are_all_of_them() -> None:
    hours = np.cumsum(RNG.normal(size=(3000, 3)), axis=0)
    hours = ((hours - hours.mean(axis=0)) / hours.std(axis=0)).astype(np.float32)
    windows = np.stack([hours[i : i + 12] for i in range(2900)])
    assert len(distinct_places(windows, hours[40:2940, 0])) == 2900


@pytest.mark.parametrize("beside", [1e6, 1e-6, 0.0])
def test_a_feature_of_another_size_hides_no_difference(beside: float) -> None:
    x = np.full((500, 4, 2), beside, np.float32)
    x[:, :, 0] = np.arange(500)[:, None] / 500
    assert len(distinct_places(x, np.zeros(500, np.float32))) == 500


def test_an_outlier_hides_no_difference() -> None:
    x = RNG.random((500, 6, 1), dtype=np.float32)
    x[7, 2] = 1e9
    assert len(distinct_places(x, x[:, 0])) == 500


def test_a_smooth_curve_is_as_many_windows_as_it_has() -> None:
    curve = np.sin(np.arange(5000) / 200).astype(np.float32)
    windows = np.stack([curve[i : i + 10] for i in range(4900)])[:, :, None]
    assert len(distinct_places(windows, curve[10:4910])) > 4700, "it comes round"


def test_a_row_with_what_is_no_number_is_a_row() -> None:
    x = np.full((3, 2), np.nan)
    x[0] = 1.0
    assert 0 in distinct_places(x, np.zeros(3))


@pytest.mark.parametrize("shape", [(5, 0), (5, 0, 3)])
def test_rows_without_a_number_in_them_are_told_apart_by_their_targets(
    shape: tuple[int, ...],
) -> None:
    """Windows that a slip made empty are looked at like any others."""
    assert list(distinct_places(np.zeros(shape, np.float32), np.arange(5.0))) == [0, 1, 2, 3, 4]
    assert list(distinct_places(np.zeros(shape, np.float32), np.ones(5))) == [0]
