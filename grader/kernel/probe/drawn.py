"""In the notebook's room: all that a fit went over which the notebook trained itself.

Enters: arrays, batches. Leaves: rows, those of batches each once, and how many they are. Touches: a
data set is iterated once more after its fit; what a generator gives is noted as it is drawn.

Of what the trainer does it holds all rows. Here a notebook trains by itself, and what the judge has
not seen is no data. So the rows are shown as far as they are few, and counted beyond that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .rows import Rows, as_trained
from .samples import alone, sample_of
from .shown import NOTHING, Told
from .weights import learned, weights_of_rows


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
        weights = weights_of_rows(arrays[1], weight, classes)
        if weights is not None and not (weighs := learned(weights, split)).all():
            arrays, shown = [one[weighs] for one in arrays], -1
        row = sum(as_trained(one[:1]).nbytes for one in arrays)
        if len(arrays[0]) <= shown or (not row and shown >= 0):
            return NOTHING
        most = max(shown, most_bytes // max(1, row))
        size = max(most_bytes, shown * row)
        sampled = [sample_of(one, most, size) for one in map(as_trained, arrays)]
    except Exception:
        return NOTHING
    told: dict[str, Any] = {"kind": "arrays"}
    found: dict[str, np.ndarray] = {}
    for name, one in zip("xy", sampled, strict=True):
        if one is None:
            return NOTHING
        told[name], found[f"sample_{name}"] = one
    return told, found


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
