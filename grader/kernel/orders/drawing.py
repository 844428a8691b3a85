"""In the notebook's room: the batches of data sets, sequences and generators, drawn beforehand.

Enters: what Keras itself would iterate over, and how often. Leaves: rows, each once, and whose turn
it is when; a data set that gives the same batches again. Touches: what is drawn from.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .asking import UnusualError
from .data import PAIR, TRIPLE, array_of

NAMES = ("x", "y", "sample_weight")
MOST_TURNS = 1_000_000  # samples of all epochs together
MOST_SIZES = 8  # of batches that differ in their rows: for each a training is compiled anew
TURN_BYTES = 4


@dataclass(frozen=True)
class Drawn:
    """The batches of some epochs.

    Attributes:
        rows: ``x`` and ``y``, perhaps ``sample_weight``, each (rows, …); no row is there twice.
        turns: which row each sample is, (samples,).
        sizes: how many samples each batch has, (batches,).
        steps: batches of an epoch.
    """

    rows: dict[str, np.ndarray]
    turns: np.ndarray
    sizes: np.ndarray
    steps: int

    @property
    def epochs(self) -> int:
        """How many there are."""
        return len(self.sizes) // self.steps

    @property
    def repeats(self) -> bool:
        """Whether all epochs are the same, in batches of one size but for a smaller last one."""
        sizes = self.sizes.reshape(self.epochs, self.steps)
        first = sizes[0]
        if (sizes != first).any() or (first[:-1] != first[0]).any() or first[-1] > first[0]:
            return False
        turns = self.turns.reshape(self.epochs, -1)
        return bool((turns == turns[0]).all())

    def turns_of(self, epoch: int) -> np.ndarray:
        """Give the rows of an epoch, counted from 0, in their order."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        first, last = ends[epoch * self.steps], ends[(epoch + 1) * self.steps]
        return self.turns[first:last]

    def epoch(self, epoch: int) -> dict[str, np.ndarray]:
        """Give the samples of an epoch in their order."""
        turns = self.turns_of(epoch)
        return {name: rows[turns] for name, rows in self.rows.items()}

    def again(self) -> Any:
        """Give a ``tf.data.Dataset`` with the same batches, epoch after epoch."""
        tf = importlib.import_module("tensorflow")
        count = itertools.count()

        def batches() -> Iterator[tuple[np.ndarray, ...]]:
            epoch = next(count) % self.epochs
            turns, sizes = self.turns_of(epoch), self.sizes.reshape(self.epochs, -1)[epoch]
            for turn in np.split(turns, np.cumsum(sizes)[:-1]):
                yield tuple(rows[turn] for rows in self.rows.values())

        spec = tuple(tf.TensorSpec((None, *one.shape[1:]), one.dtype) for one in self.rows.values())
        made = tf.data.Dataset.from_generator(batches, output_signature=spec)
        return made.apply(tf.data.experimental.assert_cardinality(self.steps))


def draw(iterator: Any, epochs: int, most_bytes: int, *, anew: bool = False) -> Drawn:
    """Draw the batches of some epochs as Keras would.

    Args:
        iterator: Keras' ``EpochIterator``, which gives a list of batches at each step.
        epochs: how many.
        most_bytes: that the rows and their turns may take.
        anew: each begins with the first batch, as Keras' checks do.

    Raises:
        UnusualError: no plain batches of inputs and targets, too many of them, or epochs that do
            not all have as many.
    """
    rows, steps = _Rows(most_bytes), set()
    iterator.reset()  # as Keras does before the first epoch: a sequence may shuffle then
    for epoch in range(epochs):
        if anew and epoch:
            iterator.reset()
        before = len(rows.sizes)
        for _, _, batches in iterator:
            for batch in batches:
                rows.add(batch)
        steps.add(len(rows.sizes) - before)
    if len(steps) != 1 or 0 in steps:
        raise UnusualError("epochs that do not have as many batches each")
    if len(set(rows.sizes)) > MOST_SIZES:
        raise UnusualError("batches of many sizes")
    return rows.drawn(steps.pop())


@dataclass
class _Rows:
    """The rows so far, and their turns."""

    most_bytes: int
    sizes: list[int] = field(default_factory=list)
    _turns: list[np.ndarray] = field(default_factory=list)
    _samples: int = 0
    _places: dict[bytes, int] = field(default_factory=dict)
    _parts: list[list[np.ndarray]] = field(default_factory=list)
    _kinds: list[Any] = field(default_factory=list)

    def add(self, batch: Any) -> None:
        """Take one batch.

        Raises:
            UnusualError: it is none, or unlike the others, or too much.
        """
        parts = _parts_of(batch)
        self._require_alike(parts)
        count = len(parts[0])
        flat = np.concatenate([_bytes_of(part, count) for part in parts], axis=1)
        turns, new = [], []
        for number in range(count):
            name = hashlib.blake2b(flat[number], digest_size=16).digest()
            if name not in self._places:
                self._places[name] = len(self._places)
                new.append(number)
            turns.append(self._places[name])
        for kept, part in zip(self._parts, parts, strict=True):
            kept.append(part[new])
        self.sizes.append(count)
        self._turns.append(np.array(turns, dtype=np.int32))
        self._samples += count
        taken = len(self._places) * flat.shape[1] + self._samples * TURN_BYTES
        if self._samples > MOST_TURNS or taken > self.most_bytes:
            raise UnusualError("more batches than an order holds")

    def drawn(self, steps: int) -> Drawn:
        """Give all of them."""
        return Drawn(
            rows={
                name: np.concatenate(part) for name, part in zip(NAMES, self._parts, strict=False)
            },
            turns=np.concatenate(self._turns),
            sizes=np.array(self.sizes, dtype=np.int32),
            steps=steps,
        )

    def _require_alike(self, parts: list[np.ndarray]) -> None:
        kinds = [(part.dtype, part.shape[1:]) for part in parts]
        if not self._kinds:
            self._kinds, self._parts = kinds, [[] for _ in parts]
        if kinds != self._kinds:
            raise UnusualError("batches that differ in their shapes")
        if len({len(part) for part in parts}) > 1 or not all(part.size for part in parts):
            raise UnusualError("batches whose parts have different rows")


def _parts_of(batch: Any) -> list[np.ndarray]:
    if not isinstance(batch, (tuple, list)) or len(batch) not in (PAIR, TRIPLE):
        raise UnusualError("batches without inputs and targets")
    named = zip(NAMES, batch, strict=False)
    return [array_of(one, name) for name, one in named if one is not None or name != NAMES[-1]]


def _bytes_of(part: np.ndarray, rows: int) -> np.ndarray:
    return np.ascontiguousarray(part).reshape(rows, -1).view(np.uint8)
