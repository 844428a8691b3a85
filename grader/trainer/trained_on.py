"""What a training goes over: which rows of its order it learns from, and how many samples.

Enters: an order's arrays and its fit. Leaves: inputs and targets of those rows; a Reach. Touches
nothing.

An order can hold more rows than it trains on: held back for validation, of no weight, drawn in no
batch. They are no evidence of what was learned from. Its epochs can be parts of one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grader.extract.distinct import MOST_HELD_BACK
from grader.trainer.fitting import FitSettings
from grader.trainer.rows import SIZES, TURNS, WEIGHT, X, Y
from grader.types import Array

# Of the largest weight, and of all weights together: rows that have no more than both move as good
# as nothing. One heavy row alone makes no other one light.
NOTHING = 1e-3


@dataclass(frozen=True)
class Reach:
    """How many rows a whole pass has, and how many samples were trained on altogether.

    ``samples``: None where each epoch goes over all rows once. ``fresh``: no row came twice.
    """

    rows: int
    samples: int | None = None
    fresh: bool = False


def trained_rows(arrays: Mapping[str, Array], fit: FitSettings) -> tuple[Array, Array]:
    """Give the inputs and targets that a training learns from, (rows, …) each, in their order.

    Rows held back for validation stand with them, where they are not more than half of what weighs
    anything.
    """
    x, y, taken = arrays[X], arrays[Y], _weighing(arrays, fit)
    kept = _kept(len(x), fit)
    learned = int(taken[:kept].sum())
    few = learned < kept and int(taken[kept:].sum()) > learned + 1
    if few or fit.validation_split > MOST_HELD_BACK:
        taken[kept:] = False
    if TURNS in arrays:
        drawn = np.zeros(len(x), dtype=bool)
        drawn[arrays[TURNS]] = True
        taken &= drawn
    return (x, y) if taken.all() else (x[taken], y[taken])


def reach_of(arrays: Mapping[str, Array], fit: FitSettings, epochs: int) -> Reach:
    """Give what so many epochs went over.

    A last batch that is not full is not asked for: ``len(x) // batch_size`` steps are an epoch.
    """
    batch, steps = fit.batch_size, fit.steps_per_epoch
    if TURNS in arrays:
        weighing = _weighing(arrays, fit)
        ran = int(arrays[SIZES][: epochs * (steps or 0)].sum(dtype=np.int64))
        turns = arrays[TURNS][:ran]
        turns = turns[weighing[turns]]
        rows = int(weighing.sum())
        fresh = len(np.unique(turns)) == len(turns)
        return Reach(rows // batch * batch or rows, len(turns), fresh=fresh)
    rows = _kept(len(arrays[X]), fit)
    whole = max(1, rows // batch)
    if steps is None or steps >= whole:
        return Reach(rows)
    return Reach(whole * batch, epochs * steps * batch)


def _kept(rows: int, fit: FitSettings) -> int:
    """Give how many rows are not held back for validation."""
    return math.floor(rows * (1.0 - fit.validation_split))


def _weighing(arrays: Mapping[str, Array], fit: FitSettings) -> Array:
    """Say of each row whether it weighs anything beside those that are learned from: (rows,)."""
    if WEIGHT in arrays:
        each = arrays[WEIGHT].astype(np.float64).reshape(len(arrays[X]), -1)
        weights = np.maximum(each.max(axis=1), 0.0)  # below it the model is taught away from it
    elif fit.class_weight:
        labels = _labels(arrays[Y])
        weights = np.ones(len(labels))  # of a class that is not named, as Keras has it
        for label, weight in fit.class_weight:
            weights[labels == label] = weight
    else:
        return np.ones(len(arrays[X]), dtype=bool)
    found: Array = (weights > 0.0) & (weights >= _least(weights[: _kept(len(weights), fit)]))
    return found


def _least(weights: Array) -> float:
    """Give what a row weighs at least that was learned from."""
    if not len(weights):
        return 0.0
    ordered = np.sort(weights)
    together = np.cumsum(ordered)
    few = int(np.searchsorted(together, NOTHING * together[-1]))
    return min(float(ordered[few]), NOTHING * float(ordered[-1]))


def _labels(y: Array) -> Array:
    """Give each row's class, as Keras reads it where classes have weights: (rows,)."""
    if y.ndim > 1 and y.shape[-1] > 1:
        y = y.argmax(axis=-1)
    labels: Array = np.round(y.reshape(len(y), -1)[:, 0]).astype(np.int64)
    return labels
