"""What is kept of the rows that an order trains on."""

from __future__ import annotations

import numpy as np
import pytest

from grader.execution import ArraySample
from grader.trainer.seen import FEWEST, KEPT_BYTES, seen_rows
from grader.types import Array

RNG = np.random.default_rng(5)


def kept(x: Array, y: Array, seed: int = 3) -> tuple[ArraySample, ArraySample]:
    sample = seen_rows(x, y, seed)
    assert sample.kind == "arrays"
    assert sample.x is not None
    assert sample.y is not None
    return sample.x, sample.y


def test_rows_that_differ_are_kept_as_they_came() -> None:
    x, y = RNG.normal(size=(10, 3, 2)).astype(np.float32), RNG.normal(size=(10, 1))
    inputs, targets = kept(x, y)
    np.testing.assert_array_equal(inputs.rows, x)
    np.testing.assert_array_equal(targets.rows, y)
    assert (inputs.shape, targets.shape) == ((10, 3, 2), (10, 1))
    assert inputs.statistics["max"] == x.max()


def test_a_row_that_comes_again_is_no_second_row() -> None:
    x, y = np.arange(4.0).reshape(2, 2), np.array([0, 1])
    inputs, targets = kept(np.tile(x, (500, 1)), np.tile(y, 500))
    np.testing.assert_array_equal(inputs.rows, x)
    np.testing.assert_array_equal(targets.rows, y)
    assert inputs.shape == (2, 2)


def test_the_same_input_with_another_target_is_another_row() -> None:
    inputs, targets = kept(np.zeros((4, 2), np.int32), np.array([1, 2, 1, 3]))
    assert targets.rows.tolist() == [1, 2, 3]
    assert inputs.shape == (3, 2)


@pytest.mark.parametrize("width", [40_000, 100_000])
def test_of_many_rows_some_are_drawn_from_all_of_them(width: int) -> None:
    """What is right in the first rows alone is seen not to be."""
    x = np.zeros((300, width), np.uint8)
    x[:, 0], x[:, 1] = np.arange(300) % 256, np.arange(300) // 256
    y = np.arange(300, dtype=np.float32)
    inputs, targets = kept(x, y)
    places = targets.rows.astype(int)
    assert inputs.shape == (300, width)
    assert len(places) == max(FEWEST, KEPT_BYTES // (width + 4))
    assert len(set(places)) == len(places)
    quarter = len(places) // 4
    for part in (places[:quarter], places[-quarter:]):  # as they were drawn: no part is the last
        assert part.min() < 100
        assert part.max() > 200
    np.testing.assert_array_equal(inputs.rows, x[places])
    other = kept(x, y, seed=4)[1].rows
    assert other.tolist() != targets.rows.tolist(), "the seed decides, and it is not told"


def test_rows_of_nothing_are_one() -> None:
    assert kept(np.zeros((5, 0)), np.zeros((5, 0)))[0].shape == (1, 0)


def test_of_no_rows_none_are_kept() -> None:
    """As where all of them weigh nothing."""
    inputs, targets = kept(np.zeros((0, 3)), np.zeros(0))
    assert (inputs.shape, targets.shape, len(inputs.rows)) == ((0, 3), (0,), 0)
