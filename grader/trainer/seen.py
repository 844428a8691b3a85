"""What the judge keeps of an order's rows: each once, with the sizes of the whole.

Enters: an order's arrays, a seed that nobody in a room knows. Leaves: a FitSample. Touches nothing.

A notebook shows the first rows of what it gives to ``fit``; an order holds all that was trained on.
A row that comes a second time teaches nothing new, so it is no second row: a thousand copies of two
reviews are two. Where there are more rows than are kept, those that are kept are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from grader.trainer.rows import X, Y
from grader.types import Array, ArraySample, FitSample

KEPT_BYTES = 4_000_000  # of inputs and targets together
FEWEST = 64  # rows that are kept, however large each is


def seen_rows(arrays: Mapping[str, Array], seed: int) -> FitSample:
    """Give the rows of an order that differ, in their order, and how many there are.

    Args:
        arrays: of an order that was read: ``x`` and ``y``, (rows, …) with as many rows each.
        seed: draws the rows that are kept, where not all are.
    """
    x, y = arrays[X], arrays[Y]
    distinct = _distinct(x, y)
    one = max(1, (x.nbytes + y.nbytes) // len(x))
    most, kept = max(FEWEST, KEPT_BYTES // one), distinct
    if len(distinct) > most:
        drawn = np.random.default_rng(seed).choice(len(distinct), most, replace=False)
        kept = distinct[np.sort(drawn)]
    return FitSample(_sample(x, kept, len(distinct)), _sample(y, kept, len(distinct)))


def _distinct(x: Array, y: Array) -> Array:
    """Give the place of each row of inputs with its target where it comes first."""
    flat = [np.ascontiguousarray(one).reshape(len(one), -1) for one in (x, y)]
    rows = np.concatenate([one.view(np.uint8).reshape(len(one), -1) for one in flat], axis=1)
    if not rows.shape[1]:  # of nothing at all, whatever comes is the same
        return np.zeros(1, dtype=np.int64)
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).reshape(-1)
    _, places = np.unique(whole, return_index=True)
    return np.sort(places)


def _sample(array: Array, places: Array, count: int) -> ArraySample:
    told = {}
    if array.size:
        told = {
            "min": float(array.min()),
            "max": float(array.max()),
            "mean": float(array.mean(dtype=np.float64)),
            "std": float(array.std(dtype=np.float64)),
        }
    return ArraySample((count, *array.shape[1:]), str(array.dtype), array[places], told)
