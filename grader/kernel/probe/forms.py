"""In the notebook's room: rows with the same shapes, each once, as many as there is room for.

Enters: rows with their weights. Leaves: the same rows, those that are kept. Touches nothing.

A row's name follows from its content and is as good as drawn, so of many those with the smallest
names are kept: from all batches alike, the same ones of the same data.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .weights import LIGHT

NAME_BYTES = 16

Pair = tuple[np.ndarray, ...]


@dataclass(slots=True)
class Row:
    """A row that came: what it weighed altogether, and the row itself where there was room."""

    weight: float = 0.0
    pair: Pair | None = None


@dataclass
class OfForm:
    """Rows whose inputs and targets have these shapes."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: list[np.dtype[Any]]
    weight: float = 0.0  # of all batches
    batch: int = 0  # samples of the largest one
    size: int = 0  # bytes of the rows that are kept
    sorted_out: float = 0.0  # weight of all that had come when light rows last made room
    rows: dict[bytes, Row] = field(default_factory=dict)
    last: list[int] = field(default_factory=list)  # names of rows that are kept, largest first

    def typed(self, parts: Pair) -> Pair:
        """Give a batch in a type that holds these rows too, which are given that type."""
        dtypes = [
            _of_both(part.dtype, known) for part, known in zip(parts, self.dtypes, strict=True)
        ]
        if dtypes != self.dtypes:
            self.dtypes, before = dtypes, self.rows
            self.rows, self.size, self.last = {}, 0, []
            for name, row in before.items():
                if row.pair is None:
                    self.rows[name] = row
                else:
                    pair = self._cast(row.pair)
                    self.rows[name := name_of(pair)] = row
                    self.keep(name, pair)
        return self._cast(parts)

    def _cast(self, parts: Pair) -> Pair:
        return tuple(
            part.astype(dtype, copy=False) for part, dtype in zip(parts, self.dtypes, strict=True)
        )

    def keep(self, name: bytes, pair: Pair) -> None:
        """Keep a row that was counted."""
        self.rows[name].pair = pair
        self.size += size_of(pair)
        heapq.heappush(self.last, -int.from_bytes(name, "big"))

    def gives_way(self, name: bytes) -> bool:
        """Let go of the row with the largest name, where this one's is smaller and not as light."""
        number, weight = -int.from_bytes(name, "big"), self.rows[name].weight
        while self.last and self.last[0] < number:
            row = self.rows[(-self.last[0]).to_bytes(NAME_BYTES, "big")]
            if row.pair is not None and weight < LIGHT * row.weight:
                return False
            heapq.heappop(self.last)
            if row.pair is not None:  # else it was let go of already
                self.size -= size_of(row.pair)
                row.pair = None
                return True
        return False

    def let_go(self, least_weight: float = np.inf) -> None:
        """Keep no row that weighs less; they are counted all the same."""
        for row in self.rows.values():
            if row.pair is not None and row.weight < least_weight:
                self.size -= size_of(row.pair)
                row.pair = None


def _of_both(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any]:
    both = np.promote_types(one, other)
    return np.dtype(np.float32) if both == np.float64 else both  # as Keras trains on it


def name_of(pair: Iterable[np.ndarray]) -> bytes:
    """Give a digest of a row's bytes."""
    name = hashlib.blake2b(digest_size=NAME_BYTES)
    for part in pair:
        name.update(np.ascontiguousarray(part).tobytes())
    return name.digest()


def size_of(pair: Iterable[np.ndarray]) -> int:
    """Give the bytes of a row."""
    return sum(part.nbytes for part in pair)
