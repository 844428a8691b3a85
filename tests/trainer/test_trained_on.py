"""Rows from which an order learns nothing are no evidence of what it learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grader.kernel.probe import weights as claimed
from grader.trainer.fitting import FitSettings
from grader.trainer.trained_on import NOTHING, Reach, reach_of, trained_rows
from grader.types import Array
from tests.support.orders import order

X = np.arange(8.0, dtype=np.float32).reshape(8, 1)
Y = np.array([0, 1] * 4, np.int32)


def taken(fit: Any = None, y: Array = Y, **arrays: Any) -> list[int]:
    """The places of the rows that are trained on."""
    given = {"x": X, "y": y} | {name: np.asarray(value) for name, value in arrays.items()}
    inputs, targets = trained_rows(given, fit or settings())
    assert len(inputs) == len(targets)
    places: list[int] = inputs[:, 0].astype(int).tolist()
    np.testing.assert_array_equal(targets, y[places])
    return places


def settings(**changes: Any) -> FitSettings:
    return replace(order().fit, **changes)


def test_usually_all_are() -> None:
    assert taken() == list(range(8))


@pytest.mark.parametrize(("split", "left"), [(0.2, 8), (0.5, 8), (0.75, 2), (0.9, 0)])
def test_rows_held_back_are_shown_rows_unless_they_are_most(split: float, left: int) -> None:
    assert taken(settings(validation_split=split)) == list(range(left))


def test_what_weighs_nothing_is_not_trained_on() -> None:
    weights = [1.0, 0.0, 1e-9, 0.5, 0.0, 0.0, 0.0, 2.0]
    assert taken(sample_weight=weights) == [0, 3, 7]
    assert taken(sample_weight=[1.0, 9e-4, 2e-3, *[0.0] * 5]) == [0, 2]
    assert taken(sample_weight=np.zeros(8)) == []


def test_a_row_that_the_model_is_taught_away_from_is_not_learned() -> None:
    assert taken(sample_weight=[1.0, -1.0, 0.5, -2.0, *[1.0] * 4]) == [0, 2, 4, 5, 6, 7]
    assert taken(sample_weight=-np.ones(8)) == []
    steps = np.full((8, 5), -1.0)
    steps[:6, 2] = 1.0
    assert taken(sample_weight=steps) == list(range(6))


def test_a_claim_leaves_out_what_it_is_taught_away_from() -> None:
    given = np.array([1.0, -1.0, 0.5, -2.0, *[1.0] * 4])
    for one in (given, given[:, None]):
        told = claimed.weights_of_rows(Y, one, None)
        assert told is not None
        assert np.flatnonzero(claimed.learned(told)).tolist() == taken(sample_weight=given)
    classes = claimed.weights_of_rows(Y, None, {0: -1.0, 1: 1.0})
    assert classes is not None
    assert np.flatnonzero(claimed.learned(classes)).tolist() == [1, 3, 5, 7]


def test_one_heavy_row_makes_no_other_one_nothing() -> None:
    assert taken(sample_weight=[1500.0, 0.0, *[1.0] * 6]) == [0, *range(2, 8)]
    rare = settings(class_weight=((0, 1.0), (1, 1500.0)))
    assert taken(rare, y=np.array([1, *[0] * 7])) == list(range(8))


def test_a_claim_leaves_out_what_an_order_leaves_out() -> None:
    assert claimed.LIGHT == NOTHING
    steps = np.random.default_rng(2)
    for split in (0.0, 0.2, 0.5):
        for _ in range(50):
            weight = steps.choice([0.0, 1e-4, 3e-3, 1.0, 1e3], 8)
            there = np.flatnonzero(claimed.learned(weight, split))
            assert taken(settings(validation_split=split), sample_weight=weight) == there.tolist()


def test_a_row_of_which_some_step_weighs_is_trained_on() -> None:
    """As where the padding of a sequence is left out."""
    steps = np.zeros((8, 5))
    steps[:6, 2] = 1.0
    assert taken(sample_weight=steps) == list(range(6))


def test_a_class_that_weighs_nothing_is_not_trained_on() -> None:
    fit = settings(class_weight=((0, 0.0),))
    odd = [1, 3, 5, 7]
    assert taken(fit) == odd
    assert taken(fit, y=Y[:, None]) == odd
    assert taken(fit, y=np.eye(2, dtype=np.float32)[Y]) == odd
    assert taken(settings(class_weight=((0, 0.5), (1, 2.0)))) == list(range(8))


def test_a_class_is_the_nearest_whole_number_as_keras_has_it() -> None:
    y = np.array([0.4, 0.6, 1.4, 0.5] * 2, np.float32)
    assert taken(settings(class_weight=((0, 0.0),)), y=y) == [1, 2, 5, 6]


@pytest.mark.parametrize(("learned", "left"), [(4, 8), (3, 7), (1, 1), (0, 0)])
def test_rows_held_back_stand_beside_no_fewer_that_are_learned_from(
    learned: int, left: int
) -> None:
    weights = [1.0] * learned + [0.0] * (4 - learned) + [1.0] * 4
    assert len(taken(settings(validation_split=0.5), sample_weight=weights)) == left


def test_what_is_light_beside_rows_held_back_is_what_is_learned_from() -> None:
    fit = settings(validation_split=0.5)
    assert taken(fit, sample_weight=[1e-6] * 4 + [1.0] * 4) == list(range(8))


def test_a_row_that_no_batch_takes_is_not_trained_on() -> None:
    assert taken(turns=[3, 1, 3], sizes=[2, 1]) == [1, 3]


def reach(count: int, fit: FitSettings, epochs: int, **arrays: Array) -> Reach:
    return reach_of({"x": np.zeros((count, 1)), **arrays}, fit, epochs)


@pytest.mark.parametrize(
    ("steps", "epochs", "samples"),
    [(None, 7, None), (3, 7, None), (9, 7, None), (1, 7, 56), (2, 7, 112)],
)
def test_samples_are_counted_where_epochs_are_parts(
    steps: int | None, epochs: int, samples: int | None
) -> None:
    fit = settings(steps_per_epoch=steps)
    assert fit.batch_size == 8
    assert reach(24, fit, epochs) == Reach(24, samples)


def test_a_last_batch_that_is_not_full_is_not_asked_for() -> None:
    assert reach(31, settings(steps_per_epoch=3), 10).samples is None
    assert reach(31, settings(steps_per_epoch=2), 10) == Reach(24, 160)
    assert reach(31, settings(steps_per_epoch=1, validation_split=0.5), 10).samples is None


def test_of_batches_that_were_drawn_the_epochs_that_ran_count() -> None:
    fit = settings(batch_size=4, steps_per_epoch=2, epochs=3)
    sizes = np.array([4, 3] * 3)
    again = np.tile(np.arange(7), 3)
    assert reach(7, fit, 3, turns=again, sizes=sizes) == Reach(4, 21)
    assert reach(7, fit, 2, turns=again, sizes=sizes) == Reach(4, 14)
    new = reach(21, fit, 3, turns=np.arange(21), sizes=sizes)
    assert new == Reach(20, 21, fresh=True)


def test_a_batch_that_holds_every_row_several_times_is_no_smaller_part() -> None:
    fit = settings(batch_size=32, steps_per_epoch=1, epochs=1)
    turns, sizes = np.arange(32) % 6, np.array([32])
    assert reach(6, fit, 1, turns=turns, sizes=sizes) == Reach(6, 32)


def test_samples_that_weigh_nothing_are_not_gone_over() -> None:
    """All rows once, and in the other epochs each again with weight 0."""
    fit = settings(batch_size=4, steps_per_epoch=1, epochs=3)
    weights = np.array([1.0] * 4 + [0.0] * 4)
    turns = np.array([0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7])
    found = reach(8, fit, 3, turns=turns, sizes=np.array([4, 4, 4]), sample_weight=weights)
    assert found == Reach(4, 4, fresh=True)
