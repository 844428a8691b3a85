"""Rows that differ by more than noise."""

from __future__ import annotations

import numpy as np
import pytest

from grader.course.near import among, apart, first_pairs, first_places

RNG = np.random.default_rng(8)


def noisy(base: int, times: int, width: int, noise: float) -> np.ndarray:
    rows = np.repeat(RNG.random((base, width)), times, axis=0)
    return RNG.permutation(rows + RNG.uniform(-noise, noise, rows.shape))


def test_rows_that_differ_are_all_there() -> None:
    rows = RNG.random((3000, 5))
    assert apart(rows, 1e-6).tolist() == list(range(3000))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(("base", "times"), [(1, 3000), (2, 1500), (40, 70)])
def test_of_rows_with_noise_on_them_one_of_each_is_left(base: int, times: int, kind: type) -> None:
    rows = noisy(base, times, 50, 1e-6).astype(kind)
    left = apart(rows, 1e-5)
    assert len(left) == base
    assert (np.diff(left) > 0).all() if base > 1 else left.size
    nearest = np.abs(rows[:, None, :] - rows[left][None, :, :]).max(axis=2).min(axis=1)
    assert nearest.max() <= 1e-5, "every row is near one that is left"


def test_noise_that_is_not_small_beside_what_rows_differ_by_is_found_all_the_same() -> None:
    rows = noisy(100, 20, 100, 0.01)
    assert len(apart(rows, 0.02)) < 300, "some are counted twice, and no more than that"


@pytest.mark.parametrize("noise", [0.001, 0.004, 0.009])
def test_noise_of_nearly_all_that_is_no_difference_makes_few_more_rows(noise: float) -> None:
    rows = noisy(900, 3, 100, noise)
    assert 900 <= len(apart(rows, 0.02)) <= 1100


def test_rows_that_are_near_each_other_one_after_the_other_are_no_single_row() -> None:
    """From end to end of a chain it is far; each of its rows leads as far as the tolerance goes."""
    rows = np.arange(1000.0)[:, None]
    assert len(apart(rows, 1.5)) == 500


def test_one_number_that_differs_is_enough() -> None:
    rows = np.zeros((4, 30))
    rows[np.arange(4), [3, 3, 7, 7]] = [0.0, 1.0, 2.0, 2.0]
    assert len(apart(rows, 0.5)) == 3


def test_each_number_may_have_a_tolerance_of_its_own() -> None:
    rows = np.array([[0.0, 1000.0], [0.0, 1001.0], [0.1, 1000.0]])
    assert len(apart(rows, np.array([0.01, 5.0]))) == 2


def test_what_is_no_number_is_near_nothing() -> None:
    rows = np.full((3, 2), np.nan)
    assert len(apart(rows, 1.0)) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows(count: int) -> None:
    assert apart(np.ones((count, 2)), 1.0).tolist() == list(range(count))


def test_the_same_rows_have_the_same_answer() -> None:
    rows = noisy(20, 50, 4, 0.05)
    assert apart(rows, 0.05).tolist() == apart(rows, 0.05).tolist()


def test_of_rows_that_are_near_each_other_the_first_is_left() -> None:
    rows = np.array([[5.0], [1.0], [5.1], [0.9], [9.0], [5.0]])
    assert apart(rows, 0.3).tolist() == [0, 1, 4]


@pytest.mark.parametrize("kind", [np.int32, np.float16, np.float64])
def test_the_first_places_of_rows_are_those_that_numpy_finds(kind: type) -> None:
    rows = RNG.integers(0, 3, (200, 2, 2)).astype(kind)
    targets = RNG.integers(0, 2, 200)
    alone = np.unique(rows.reshape(200, -1), axis=0, return_index=True)[1]
    assert first_places(rows).tolist() == sorted(alone.tolist())
    both = np.concatenate([rows.reshape(200, -1), targets[:, None]], axis=1)
    pairs = np.unique(both, axis=0, return_index=True)[1]
    assert first_pairs(rows, targets).tolist() == sorted(pairs.tolist())


@pytest.mark.parametrize("shape", [(0, 3), (4, 0)])
def test_rows_of_nothing_are_one_at_most(shape: tuple[int, int]) -> None:
    assert first_places(np.zeros(shape)).tolist() == list(range(min(1, shape[0])))


def test_of_rows_that_all_differ_the_others_do_too() -> None:
    assert among(np.arange(512), 512, 20_000) == 20_000
    assert among(np.arange(512), 512, 512) == 512


def test_where_nothing_new_came_of_late_nothing_comes() -> None:
    assert among(np.arange(300), 512, 20_000) == 300


def test_where_new_rows_come_as_before_they_go_on_coming() -> None:
    assert among(np.arange(0, 512, 4), 512, 5120) == 1280


def test_new_rows_at_the_end_alone_are_no_more_than_all_of_them_let_expect() -> None:
    """Nobody can lay rows so that a few new ones stand for all."""
    places = np.concatenate([[0], np.arange(384, 512)])
    assert among(places, 512, 512 * 11) == 129 + 5120 * 129 // 512


def test_of_nothing_seen_nothing_is_told() -> None:
    assert among(np.zeros(0, np.int64), 0, 900) == 0
