"""In the notebook's room: all that a fit went over which the notebook trained itself.

Enters: arrays, batches. Leaves: rows, those of batches each once, and how many they are. Touches: a
data set is iterated once more after its fit; what a generator gives is noted as it is drawn.

Of what the trainer does it holds all rows. Here a notebook trains by itself, and what the judge has
not seen is no data. So the rows are shown as far as they are few, and counted beyond that.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .samples import KINDS, MOST_AXES, PAIR, alone, described, sample_of
from .shown import NOTHING, Told
from .weights import LIGHT, learned, weights_of_rows

MOST_SAMPLES = 200_000  # that are looked at in one fit
NAME_BYTES = 16
TRIPLE = 3  # inputs, targets and weights


@dataclass(slots=True)
class Row:
    """A row that came: what it weighed at most, and the row itself where there was room for it."""

    weight: float
    pair: tuple[np.ndarray, ...] | None = None


class Rows:
    """Inputs with their targets as batches bring them, each once: the first ones, and how many.

    Rows that weigh nothing beside the heaviest of all are none, whenever that one comes.

    Args:
        most_bytes: of those that are kept.
        class_weight: as ``fit`` is told it.
    """

    def __init__(self, most_bytes: int, class_weight: Any = None) -> None:
        self.most_bytes = most_bytes
        self.class_weight = class_weight
        self._heaviest = 0.0  # weight so far
        self._sorted_out = 0.0  # the heaviest when light rows last made room
        self.samples = 0
        self.batch = 0  # samples of the largest one
        self._rows: dict[bytes, Row] = {}
        self._kinds: list[Any] = []
        self._bytes = 0
        self._told: set[bytes] | None = None
        self._readable = True

    @property
    def wants_more(self) -> bool:
        """Whether another batch would still be looked at."""
        return self._readable and self.samples < MOST_SAMPLES

    @property
    def is_news(self) -> bool:
        """Whether there are others of them than were told."""
        return self._readable and bool(self.samples) and set(self._weighing()) != self._told

    def take(self, batch: Any) -> None:
        """Look at a batch; never raises. What is no batch of numbers is nothing to show at all."""
        if not self._readable:
            return
        try:
            parts = _parts(batch)
            self._kinds = self._kinds or [(part.dtype, part.shape[1:]) for part in parts]
            self._readable = len(parts[0]) == len(parts[1]) and all(
                part.shape[1:] == shape and np.can_cast(part.dtype, dtype, "same_kind")
                for part, (dtype, shape) in zip(parts, self._kinds, strict=True)
            )
            if self._readable:
                x, y = (
                    part.astype(dtype, copy=False)
                    for part, (dtype, _) in zip(parts, self._kinds, strict=True)
                )
                weights = batch[PAIR] if len(batch) >= TRIPLE else None
                self._add(x, y, weights_of_rows(y, weights, self.class_weight))
        except Exception:
            self._readable = False

    def _add(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> None:
        weights = np.ones(len(x)) if weights is None else weights
        self._heaviest = max(self._heaviest, float(weights.max()))
        if not self.wants_more:
            return
        self.samples += len(x)
        self.batch = max(self.batch, len(x))
        for *pair, weight in zip(x, y, weights.tolist(), strict=True):
            if not self._weighs(weight):
                continue
            name = hashlib.blake2b(digest_size=NAME_BYTES)
            for part in pair:
                name.update(np.ascontiguousarray(part).tobytes())
            row = self._rows.setdefault(name.digest(), Row(weight))
            row.weight = max(row.weight, weight)
            size = sum(part.nbytes for part in pair)
            if row.pair is None and self._has_room(size):
                self._bytes += size
                row.pair = tuple(np.array(part) for part in pair)

    def _weighs(self, weight: float) -> bool:
        return weight > LIGHT * self._heaviest

    def _weighing(self) -> dict[bytes, Row]:
        return {name: row for name, row in self._rows.items() if self._weighs(row.weight)}

    def _has_room(self, size: int) -> bool:
        """Whether a row can be kept; what has turned out to weigh nothing makes room for it."""
        if self._bytes + size > self.most_bytes and self._heaviest > 2 * self._sorted_out:
            self._sorted_out = self._heaviest
            for row in self._rows.values():
                if row.pair is not None and not self._weighs(row.weight):
                    self._bytes -= sum(part.nbytes for part in row.pair)
                    row.pair = None
        return self._bytes + size <= self.most_bytes

    def told(self) -> Told:
        """Give them as a sample of what ``fit`` was given; nothing where that cannot be said."""
        weighing = self._weighing()
        kept = [row.pair for row in weighing.values() if row.pair is not None]
        if not (self._readable and self.samples) or (weighing and not kept):
            return NOTHING
        self._told = set(weighing)
        sample: dict[str, Any] = {"kind": "drawn", "batch": self.batch}
        arrays: dict[str, np.ndarray] = {}
        for place, (name, (dtype, shape)) in enumerate(zip("xy", self._kinds, strict=True)):
            rows = np.array([pair[place] for pair in kept], dtype).reshape(len(kept), *shape)
            sample[name] = {**described(rows), "shape": [len(weighing), *shape]}
            arrays[f"sample_{name}"] = rows
        return sample, arrays


def _parts(batch: Any) -> list[np.ndarray]:
    """Give inputs and targets as they are trained on."""
    if not isinstance(batch, (tuple, list)) or len(batch) < PAIR:
        raise TypeError("no pair")
    found = [np.asarray(alone(one)) for one in batch[:PAIR]]
    for part in found:
        if part.dtype.kind not in KINDS or not 0 < part.ndim <= MOST_AXES:
            raise ValueError("no numbers")
    if not len(found[0]):
        raise ValueError("no rows")
    return [_as_trained(part) for part in found]


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
        row = sum(_as_trained(one[:1]).nbytes for one in arrays)
        if len(arrays[0]) <= shown or (not row and shown >= 0):
            return NOTHING
        most = max(shown, most_bytes // max(1, row))
        size = max(most_bytes, shown * row)
        sampled = [sample_of(one, most, size) for one in map(_as_trained, arrays)]
    except Exception:
        return NOTHING
    told: dict[str, Any] = {"kind": "arrays"}
    found: dict[str, np.ndarray] = {}
    for name, one in zip("xy", sampled, strict=True):
        if one is None:
            return NOTHING
        told[name], found[f"sample_{name}"] = one
    return told, found


def _as_trained(array: np.ndarray) -> np.ndarray:
    """Give float64 as what it becomes in Keras."""
    return array.astype(np.float32) if array.dtype == np.float64 else array


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
