"""In the notebook's room: rows as batches bring them, each once, and how many they are.

Enters: batches. Leaves: rows that weigh something, and how many they are; of many some are drawn.
Touches nothing.

Batches may differ in their shapes, as sequences of several lengths do. Rows of one form are told:
of that which weighed most in all.

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

from .samples import KINDS, MOST_AXES, PAIR, alone, described
from .shown import NOTHING, Told
from .weights import LIGHT, least, weights_of_rows

MOST_SAMPLES = 200_000  # that are looked at in one fit
NAME_BYTES = 16
MOST_FORMS = 8  # of which as much is kept as one may have
TRIPLE = 3  # inputs, targets and weights

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
                    self.rows[name := _name(pair)] = row
                    self.keep(name, pair)
        return self._cast(parts)

    def _cast(self, parts: Pair) -> Pair:
        return tuple(
            part.astype(dtype, copy=False) for part, dtype in zip(parts, self.dtypes, strict=True)
        )

    def keep(self, name: bytes, pair: Pair) -> None:
        """Keep a row that was counted."""
        self.rows[name].pair = pair
        self.size += _size(pair)
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
                self.size -= _size(row.pair)
                row.pair = None
                return True
        return False

    def let_go(self, least_weight: float = np.inf) -> None:
        """Keep no row that weighs less; they are counted all the same."""
        for row in self.rows.values():
            if row.pair is not None and row.weight < least_weight:
                self.size -= _size(row.pair)
                row.pair = None


class Rows:
    """Inputs with their targets as batches bring them, each once: some of them, and how many.

    Rows that weigh nothing beside all that came are none, whenever those come.

    Args:
        most_bytes: of those that are kept.
        class_weight: as ``fit`` is told it.
    """

    def __init__(self, most_bytes: int, class_weight: Any = None) -> None:
        self.most_bytes = most_bytes
        self.class_weight = class_weight
        self._heaviest = self._total = 0.0  # weights so far
        self._size = 0  # bytes of all rows that are kept
        self._looked_at = 0  # samples, and batches without any
        self._forms: dict[Any, OfForm] = {}
        self._told: set[bytes] | None = None
        self._readable = True

    @property
    def wants_more(self) -> bool:
        """Whether another batch would still be looked at."""
        return self._readable and self._looked_at < MOST_SAMPLES

    @property
    def is_news(self) -> bool:
        """Whether there are others of them than were told."""
        told = self._most()
        return told is not None and set(self._weighing(told)) != self._told

    def take(self, batch: Any) -> None:
        """Look at a batch; never raises. What is no batch of numbers is nothing to show at all."""
        if not self._readable:
            return
        try:
            parts = _parts(batch)
            weights = batch[PAIR] if len(batch) >= TRIPLE else None
            self._add(parts, weights_of_rows(parts[1], weights, self.class_weight))
        except Exception:
            self._readable = False

    def _add(self, parts: Pair, weights: np.ndarray | None) -> None:
        count = len(parts[0])
        weights = np.ones(count) if weights is None else weights
        self._heaviest = max(self._heaviest, float(weights.max(initial=0.0)))
        self._total += float(weights.sum())
        if not self.wants_more:
            return
        self._looked_at += max(1, count)
        if not count:
            return
        shapes = tuple(part.shape[1:] for part in parts)
        form = self._forms.setdefault(shapes, OfForm(shapes, [part.dtype for part in parts]))
        before = form.size
        form.weight += float(weights.sum())
        form.batch = max(form.batch, count)
        for *pair, weight in zip(*form.typed(parts), weights.tolist(), strict=True):
            if weight:
                row = form.rows.setdefault(name := _name(pair), Row())
                row.weight += weight
                if row.pair is None and self._has_room(form, name, _size(pair)):
                    form.keep(name, tuple(np.array(part) for part in pair))
        self._size += form.size - before
        if self._size > MOST_FORMS * self.most_bytes:
            self._narrow()

    def _has_room(self, form: OfForm, name: bytes, size: int) -> bool:
        """Whether a row can be kept; what has turned out to weigh nothing makes room for it.

        And so does one that is drawn after it.
        """
        if form.size + size > self.most_bytes and self._total > 2 * form.sorted_out:
            form.sorted_out = self._total
            form.let_go(self._least(form))
        return form.size + size <= self.most_bytes or form.gives_way(name)

    def _narrow(self) -> None:
        """Keep no rows of the forms that weigh least: half of the room is free then."""
        for form in sorted(self._forms.values(), key=lambda form: form.weight):
            if self._size > MOST_FORMS // 2 * self.most_bytes:
                self._size -= form.size
                form.let_go()

    def _most(self) -> OfForm | None:
        """Give the rows of the form that weighed most: most was learned from them."""
        forms = self._forms.values() if self._readable else ()
        return max(forms, key=lambda form: form.weight, default=None)

    def _least(self, form: OfForm) -> float:
        weights = np.array([row.weight for row in form.rows.values()])
        return least(weights, self._heaviest, self._total)

    def _weighing(self, form: OfForm) -> dict[bytes, Row]:
        weight = self._least(form)
        return {name: row for name, row in form.rows.items() if row.weight >= weight}

    def told(self) -> Told:
        """Give them as a sample of what ``fit`` was given; nothing where that cannot be said."""
        form = self._most()
        if form is None:
            return NOTHING
        weighing = self._weighing(form)
        names = [name for name, row in weighing.items() if row.pair is not None]
        if weighing and not names:
            return NOTHING
        if len(names) < len(weighing):
            names.sort()  # as they are drawn
        kept = [pair for name in names if (pair := weighing[name].pair) is not None]
        self._told = set(weighing)
        sample: dict[str, Any] = {"kind": "drawn", "batch": form.batch}
        arrays: dict[str, np.ndarray] = {}
        for place, (name, dtype, shape) in enumerate(
            zip("xy", form.dtypes, form.shapes, strict=True)
        ):
            rows = np.array([pair[place] for pair in kept], dtype).reshape(len(kept), *shape)
            sample[name] = {**described(rows), "shape": [len(weighing), *shape]}
            arrays[f"sample_{name}"] = rows
        return sample, arrays


def _of_both(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any]:
    both = np.promote_types(one, other)
    return np.dtype(np.float32) if both == np.float64 else both  # as Keras trains on it


def _name(pair: Iterable[np.ndarray]) -> bytes:
    name = hashlib.blake2b(digest_size=NAME_BYTES)
    for part in pair:
        name.update(np.ascontiguousarray(part).tobytes())
    return name.digest()


def _size(pair: Iterable[np.ndarray]) -> int:
    return sum(part.nbytes for part in pair)


def _parts(batch: Any) -> Pair:
    """Give inputs and targets as they are trained on."""
    if not isinstance(batch, (tuple, list)) or len(batch) < PAIR:
        raise TypeError("no pair")
    found = tuple(np.asarray(alone(one)) for one in batch[:PAIR])
    for part in found:
        if part.dtype.kind not in KINDS or not 0 < part.ndim <= MOST_AXES:
            raise ValueError("no numbers")
    if len(found[0]) != len(found[1]):
        raise ValueError("no pairs")
    return tuple(map(as_trained, found))


def as_trained(array: np.ndarray) -> np.ndarray:
    """Give float64 as what it becomes in Keras."""
    return array.astype(np.float32) if array.dtype == np.float64 else array
