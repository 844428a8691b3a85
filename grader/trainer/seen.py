"""What the judge keeps of the rows that an order trains on: each once, with their number.

Enters: inputs and targets, a seed that no room knows. Leaves: a FitSample. Touches nothing.

A notebook shows some rows of what it gives to ``fit``; an order holds all that was trained on.
A thousand copies of two reviews are two. Where there are more rows than are kept, those that are
kept are drawn, and stay as they were drawn: the last ones tell whether new rows still come.
"""

from __future__ import annotations

import numpy as np

from grader.course.near import distinct_places
from grader.execution import ArraySample, FitSample
from grader.types import Array

KEPT_BYTES = 4_000_000  # of inputs and targets together
FEWEST = 64  # rows that are kept, however large each is


def seen_rows(x: Array, y: Array, seed: int) -> FitSample:
    """Give the rows that differ, in their order or as they are drawn, and how many there are.

    Args:
        x: inputs, (rows, …).
        y: targets, (rows, …), as many.
        seed: draws the rows that are kept, where not all are.
    """
    distinct = distinct_places(x, y)
    one = max(1, (x.nbytes + y.nbytes) // max(1, len(x)))
    most, kept = max(FEWEST, KEPT_BYTES // one), distinct
    if len(distinct) > most:
        drawn = np.random.default_rng(seed).choice(len(distinct), most, replace=False)
        kept = distinct[drawn]
    return FitSample(_sample(x, kept, len(distinct)), _sample(y, kept, len(distinct)))


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
