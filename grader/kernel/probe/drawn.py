"""In the notebook's room: all that a fit went over which the notebook trained itself.

Enters: arrays, batches. Leaves: rows, those of batches each once, and how many they are. Touches: a
data set is iterated once more after its fit; what a generator gives is noted as it is drawn.

Of what the trainer does it holds all rows. Here a notebook trains by itself, and what the judge has
not seen is no data. So the rows are shown as far as they are few; of many some are drawn, and those
that differ are counted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .rows import Rows, as_trained
from .samples import alone, sample_of
from .shown import NOTHING, Told
from .spread import drawn_places
from .weights import learned, weights_of_rows

MOST_HELD_BACK = 0.5  # who holds back more trains on something else: as the judge has it


def of_arrays(
    x: Any,
    y: Any,
    shown: int,
    most_bytes: int,
    weight: Any = None,
    classes: Any = None,
    split: Any = None,
) -> Told:
    """Give whole arrays as they are trained on, where more are there than were shown at first.

    Or fewer, since some weigh nothing.

    Args:
        x: inputs.
        y: targets.
        shown: rows of them that were.
        most_bytes: of what is given, unless it is no more than those.
        weight: of each row, or None.
        classes: weights by class, or None.
        split: share of the rows that is held back for validation, or None.
    """
    try:
        arrays = [np.asarray(alone(one)) for one in (x, y)]
        weights, weighs = weights_of_rows(arrays[1], weight, classes), np.ones(len(arrays[0]), bool)
        if weights is not None and not (weighs := learned(weights, split)).all():
            arrays, shown = [one[weighs] for one in arrays], -1
        row = sum(as_trained(one[:1]).nbytes for one in arrays)
        if len(arrays[0]) <= shown or (not row and shown >= 0):
            return NOTHING
        most = max(shown, most_bytes // max(1, row))
        told: dict[str, Any] = {"kind": "arrays"}
        rows = list(map(as_trained, arrays))
        described = [sample_of(one, 0) for one in rows]
        if len(rows[0]) > most:
            count = int(weighs[: _trained_on(len(weighs), split)].sum())
            places, told["differing"] = drawn_places([one[:count] for one in rows], most)
            rows = [one[places] for one in rows]
    except Exception:
        return NOTHING
    found: dict[str, np.ndarray] = {}
    for name, one, some in zip("xy", described, rows, strict=True):
        if one is None:
            return NOTHING
        told[name], found[f"sample_{name}"] = one[0], some
    return told, found


def _trained_on(rows: int, split: Any) -> int:
    """Give how many rows are not held back for validation, where most are; else all."""
    held_back = isinstance(split, float) and MOST_HELD_BACK < split < 1.0
    return math.floor(rows * (1.0 - split)) if held_back else rows


def of_data(keras: Any, data: Any, steps: Any, epochs: int, rows: Rows) -> Told:
    """Give what a data set holds: one pass over it, or as many steps as were taken.

    Args:
        keras: the package.
        data: the data set.
        steps: of an epoch, as ``fit`` was told; None: all there are.
        epochs: that were run.
        rows: takes them; none so far.
    """
    most = int(steps) * max(1, epochs) if isinstance(steps, (int, np.integer)) else None
    try:
        for batch in itertools.islice(_batches(keras, data), most):
            rows.take(batch)
            if not rows.wants_more:
                break
    except Exception:
        return NOTHING  # half of a pass is no pass
    return rows.told()


def _batches(keras: Any, data: Any) -> Iterator[Any]:
    if isinstance(data, keras.utils.PyDataset):
        count = data.num_batches
        numbers = itertools.count() if count is None else range(count)
        return (data[number] for number in numbers)
    return iter(data)
