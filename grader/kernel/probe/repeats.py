"""In the notebook's room: fits of one model that go on from each other, told as one.

Enters: fits as they end. Leaves: what is told of all of them together. Touches nothing.

A stateful network is trained by a loop that calls ``fit`` for one epoch, a thousand times. Told one
by one they would fill what may be told of a notebook, and the model that comes after would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

HISTORY_NUMBERS = 40_000  # of one fit, all metrics together
HISTORY_ENTRIES = 5000  # epochs of one metric, the last of them included
METRICS = 20
LAST_ENTRIES = 0.2  # share of the entries that the end has where the middle is cut
LONGEST_NAME = 100
FIRST_METRICS = ("loss", "val_loss")
COUNTED = ("epochs", "initial_epoch")  # arguments that a loop may count up: epochs=n, n from n - 1


@dataclass
class Repeats:
    """Fits in one cell, with the same arguments and data, each from where the last one ended."""

    cell: str
    arguments: Mapping[str, Any]
    left: int  # digest of the weights that the last one left
    before: Mapping[str, int]  # fits and epochs of the model until then
    calls: int = 0
    epochs: int = 0
    asked: int | None = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    final: list[np.ndarray] | None = None  # weights that were not told yet
    told_at: float = 0.0  # seconds, of a clock that only moves on

    def goes_on(self, cell: str, arguments: Mapping[str, Any], found: int) -> bool:
        """Whether a fit that begins now is one more of these."""
        same = usual(self.arguments) == usual(arguments)
        return same and (self.cell, self.left) == (cell, found)

    def add(self, arguments: Mapping[str, Any], epochs: int, history: Any) -> None:
        """Count a fit that ended."""
        self.calls += 1
        self.epochs += epochs
        asked = asked_for(arguments)
        self.asked = None if asked is None or self.asked is None else self.asked + asked
        for key, values in history_of(history).items():
            if key in self.history or len(self.history) < METRICS:
                self.history[key] = [*self.history.get(key, ()), *values]
        self.history = bounded(self.history)


def usual(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments that are the same in a loop."""
    return {key: value for key, value in arguments.items() if key not in COUNTED}


def asked_for(arguments: Mapping[str, Any]) -> int | None:
    """Give the epochs that a fit was asked for."""
    until, begun = arguments.get("epochs"), arguments.get("initial_epoch") or 0
    return until - begun if type(until) is int and type(begun) is int else None


def history_of(history: Any) -> dict[str, list[float]]:
    """Give the numbers of a History object, within bounds; the losses first."""
    try:
        told = history.history
        names = [name for name in FIRST_METRICS if name in told]
        names += [name for name in told if name not in FIRST_METRICS]
        return bounded(
            {
                str(name)[:LONGEST_NAME]: [float(value) for value in shortened(told[name])]
                for name in names[:METRICS]
            }
        )
    except Exception:
        return {}


def bounded(history: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Cut what is too long in the middle: how a training ended says most."""
    most = HISTORY_NUMBERS // max(1, len(history))
    return {name: shortened(values, most) for name, values in history.items()}


def shortened(values: list[Any], most: int = HISTORY_ENTRIES) -> list[Any]:
    """Give the first entries and the last ones."""
    most = min(most, HISTORY_ENTRIES)
    last = int(most * LAST_ENTRIES)
    return values if len(values) <= most else [*values[: most - last], *values[-last:]]
