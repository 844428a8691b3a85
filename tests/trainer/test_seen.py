"""What is kept of an order's rows, and what an epoch is worth that goes over a part of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grader.trainer.fitting import passes, rows_of_a_pass
from grader.trainer.seen import FEWEST, KEPT_BYTES, seen_rows
from grader.types import Array, ArraySample
from tests.support.orders import order

RNG = np.random.default_rng(5)


def kept(x: Array, y: Array, seed: int = 3) -> tuple[ArraySample, ArraySample]:
    sample = seen_rows({"x": x, "y": y}, seed)
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
    assert (np.diff(places) > 0).all()
    assert places.max() > 200
    np.testing.assert_array_equal(inputs.rows, x[places])
    other = kept(x, y, seed=4)[1].rows
    assert other.tolist() != targets.rows.tolist(), "the seed decides, and it is not told"


def test_rows_of_nothing_are_one() -> None:
    assert kept(np.zeros((5, 0)), np.zeros((5, 0)))[0].shape == (1, 0)


@pytest.mark.parametrize(
    ("steps", "epochs", "whole"),
    [(None, 7, None), (3, 7, None), (9, 7, None), (1, 7, 2), (2, 7, 4), (1, 2, 0)],
)
def test_whole_passes_are_counted_where_epochs_are_parts(
    steps: int | None, epochs: int, whole: int | None
) -> None:
    fit = replace(order().fit, steps_per_epoch=steps)
    assert fit.batch_size == 8
    assert passes(fit, 24, epochs) == whole


def test_a_last_batch_that_is_not_full_is_not_asked_for() -> None:
    fit = replace(order().fit, steps_per_epoch=3)
    assert passes(fit, 31, 10) is None
    assert passes(replace(fit, steps_per_epoch=1, validation_split=0.5), 31, 10) is None


def test_new_rows_for_every_epoch_make_each_a_whole_pass() -> None:
    fit = replace(order().fit, batch_size=4, steps_per_epoch=2, epochs=3)
    new = {"x": np.zeros((24, 1)), "turns": np.arange(24)}
    again = {"x": np.zeros((24, 1)), "turns": np.arange(48) % 24}
    assert rows_of_a_pass(new, 3) == 8
    assert passes(fit, rows_of_a_pass(new, 3), 3) is None
    assert rows_of_a_pass(again, 6) == 24
    assert passes(fit, rows_of_a_pass(again, 6), 6) == 2
    assert rows_of_a_pass({"x": np.zeros((24, 1))}, 3) == 24
