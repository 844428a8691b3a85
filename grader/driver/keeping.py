"""In the driver's room: which of the probe's events are kept, where not all of them can be.

Enters: events as they come, unread but for a few words. Leaves: ``NNNNNNNN.json`` and ``.npz`` in a
folder, in the order in which they came. Touches: that folder.

The bounds are the judge's. Of what goes beyond them the least telling goes first, never what came
last: of the model with the most fits one between its first and its last, on data that were seen
before, of the fewest epochs; then models that no variable holds, the oldest first. Where arrays
take too much space, the model with the most of them loses its own and keeps its description:
however large one model is, it costs no other one anything. What was dropped is counted.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BEGIN, END, SEEN = "fit_begin", "fit_end", "seen"


@dataclass(frozen=True)
class Bounds:
    """What may be kept of one notebook, in events and in bytes."""

    events: int
    content_bytes: int  # of one event's JSON
    contents_bytes: int  # of all events' JSON
    event_bytes: int
    evidence_bytes: int


@dataclass
class _Model:
    """One model's events by number, with their sizes; a fit's are dropped together."""

    events: dict[int, tuple[int, int]] = field(default_factory=dict)  # bytes of JSON and arrays
    fit: list[int] = field(default_factory=list)  # events since the last fit began
    fit_epochs: int = 0
    fit_is_like: bool = False  # its data are those of the fit before
    fits: int = 0
    middle: list[tuple[bool, int, list[int]]] = field(default_factory=list)  # a heap
    named: bool = False
    end: int | None = None  # the event that told of the last fit's end
    seen: int | None = None  # the last event, where it only told what is there
    bare: bool = False  # its arrays are not kept

    @property
    def arrays(self) -> int:
        """Bytes of all its arrays."""
        return sum(size for _, size in self.events.values())


class Keeper:
    """Keeps events within bounds."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        folder.mkdir()
        self.folder = folder
        self.bounds = bounds
        self.dropped = 0  # events
        self._models: dict[int, _Model] = {}
        self._count = 0
        self._events = 0
        self._texts = 0
        self._arrays = 0

    def take(self, content: dict[str, Any], arrays: bytes) -> None:
        """Keep one event, unless it is too large by itself."""
        text = json.dumps(content).encode("utf-8", "replace")
        too_long = len(text) > self.bounds.content_bytes
        if too_long or len(arrays) + len(text) > self.bounds.event_bytes:
            self.dropped += 1
            return
        number = content.get("model")
        model = self._models.setdefault(number if type(number) is int else -1, _Model())
        outdated = model.seen if content.get("event") == SEEN else None
        if content.get("again") is True and content.get("event") == END:
            outdated = model.end
        if outdated is not None:
            self._forget(model, outdated)  # it is told anew, with what came since
        self._add(model, content, text, b"" if model.bare else arrays)
        self._make_room(model)

    def _add(self, model: _Model, content: dict[str, Any], text: bytes, arrays: bytes) -> None:
        self._count += 1
        kind, again = content.get("event"), content.get("again") is True
        if kind == BEGIN or (kind == END and not again and not self._is_open(model)):
            self._next_fit(model)
        model.fit.append(self._count)
        model.end = self._count if kind == END else None if kind == BEGIN else model.end
        if kind == BEGIN:
            sample = content.get("sample")
            model.fit_is_like = isinstance(sample, dict) and sample.get("same") is True
        if kind == END:
            epochs = content.get("epochs_run")
            model.fit_epochs = epochs if type(epochs) is int else 0
        model.seen = self._count if kind == SEEN and model.events else None
        model.named = model.named or bool(content.get("names"))
        model.events[self._count] = (len(text), len(arrays))
        self._events += 1
        self._texts += len(text)
        self._arrays += len(arrays)
        stem = self._stem(self._count)
        if arrays or not model.bare:
            stem.with_suffix(".npz").write_bytes(arrays)
        stem.with_suffix(".json").write_bytes(text)

    def _is_open(self, model: _Model) -> bool:
        """Whether a fit has begun whose end was not told."""
        return bool(model.fit) and model.end is None

    def _next_fit(self, model: _Model) -> None:
        """Another fit begins: the one before it is over, and no longer the last."""
        if model.fits > 1:
            telling = (not model.fit_is_like, model.fit_epochs, model.fit)
            heapq.heappush(model.middle, telling)
        model.fits += 1
        model.fit, model.fit_epochs, model.end = [], 0, None

    def _make_room(self, newest: _Model) -> None:
        while self._events > self.bounds.events or self._texts > self.bounds.contents_bytes:
            busiest = max(self._models.values(), key=lambda one: len(one.middle))
            if busiest.middle:
                self._drop_fit_of(busiest)
            elif not self._drop_a_model(newest):
                return
        while self._arrays > self.bounds.evidence_bytes:
            heaviest = max(self._models.values(), key=lambda one: one.arrays)
            if heaviest.middle:
                self._drop_fit_of(heaviest)
            else:
                self._strip(heaviest)

    def _drop_fit_of(self, model: _Model) -> None:
        *_, events = heapq.heappop(model.middle)
        for number in events:
            self.dropped += self._forget(model, number)

    def _drop_a_model(self, newest: _Model) -> bool:
        others = [number for number, one in self._models.items() if one is not newest]
        victim = next((n for n in others if not self._models[n].named), next(iter(others), None))
        if victim is None:
            return False
        model = self._models.pop(victim)
        for number in list(model.events):
            self.dropped += self._forget(model, number)
        return True

    def _strip(self, model: _Model) -> None:
        """Let go of a model's arrays, and of those that it will still have."""
        model.bare = True
        for number, (text, arrays) in list(model.events.items()):
            self._stem(number).with_suffix(".npz").unlink(missing_ok=True)
            model.events[number] = (text, 0)
            self._arrays -= arrays

    def _forget(self, model: _Model, number: int) -> int:
        """Remove one event; how many that was."""
        if number not in model.events:
            return 0
        text, arrays = model.events.pop(number)
        if number in model.fit:
            model.fit.remove(number)
        self._events -= 1
        self._texts -= text
        self._arrays -= arrays
        for suffix in (".json", ".npz"):
            self._stem(number).with_suffix(suffix).unlink(missing_ok=True)
        return 1

    def _stem(self, number: int) -> Path:
        return self.folder / f"{number:08d}"
