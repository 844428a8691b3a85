"""In the notebook's room: rows as batches bring them, each once, and how many they are.

Enters: batches. Leaves: rows that weigh something, and how many they are; of many some are drawn.
Touches nothing.

Batches may differ in their shapes, as those that are each padded to their own longest sequence do.
Rows of the form that weighed most in all are told, and beside them those of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .forms import OfForm, Pair, Row, name_of, size_of
from .samples import KINDS, MOST_AXES, PAIR, alone, described
from .shown import NOTHING, Told
from .weights import least, weights_of_rows

MOST_SAMPLES = 200_000  # that are looked at in one fit
MOST_FORMS = 8  # of which as much is kept as one may have
MOST_TOLD = 32  # forms
TRIPLE = 3  # inputs, targets and weights


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
        forms = self._heaviest_first()
        return bool(forms) and self._names(forms) != self._told

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
                row = form.rows.setdefault(name := name_of(pair), Row())
                row.weight += weight
                if row.pair is None and self._has_room(form, name, size_of(pair)):
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

    def _heaviest_first(self) -> list[OfForm]:
        """Give the rows of each form: most was learned from those that weighed most."""
        forms = self._forms.values() if self._readable else ()
        return sorted(forms, key=lambda form: form.weight, reverse=True)[:MOST_TOLD]

    def _names(self, forms: Sequence[OfForm]) -> set[bytes]:
        return {name for form in forms for name in self._weighing(form)}

    def _least(self, form: OfForm) -> float:
        weights = np.array([row.weight for row in form.rows.values()])
        return least(weights, self._heaviest, self._total)

    def _weighing(self, form: OfForm) -> dict[bytes, Row]:
        weight = self._least(form)
        return {name: row for name, row in form.rows.items() if row.weight >= weight}

    def told(self) -> Told:
        """Give them as a sample of what ``fit`` was given; nothing where that cannot be said.

        Those of other forms are ``others`` of it, their arrays ``sample_x_1`` and so on.
        """
        forms = self._heaviest_first()
        if not forms or (first := self._told_of(forms[0])) is None:
            return NOTHING
        self._told = self._names(forms)
        about, arrays = first
        others = [
            told
            for form in forms[1:]
            if self._weighing(form) and (told := self._told_of(form)) is not None
        ]
        for number, (_, more) in enumerate(others, start=1):
            arrays |= {f"{name}_{number}": rows for name, rows in more.items()}
        sample: dict[str, Any] = {"kind": "drawn", "batch": max(form.batch for form in forms)}
        if others:
            sample["others"] = [one for one, _ in others]
        return {**sample, **about}, arrays

    def _told_of(self, form: OfForm) -> Told | None:
        """Give the rows of a form; None where some weigh something and none is kept."""
        weighing = self._weighing(form)
        names = [name for name, row in weighing.items() if row.pair is not None]
        if weighing and not names:
            return None
        if len(names) < len(weighing):
            names.sort()  # as they are drawn
        kept = [pair for name in names if (pair := weighing[name].pair) is not None]
        about: dict[str, Any] = {}
        arrays: dict[str, np.ndarray] = {}
        for place, (name, dtype, shape) in enumerate(
            zip("xy", form.dtypes, form.shapes, strict=True)
        ):
            rows = np.array([pair[place] for pair in kept], dtype).reshape(len(kept), *shape)
            about[name] = {**described(rows), "shape": [len(weighing), *shape]}
            arrays[f"sample_{name}"] = rows
        return about, arrays


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
