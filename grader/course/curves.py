"""How correct runs of an exercise learn: the loss on their own training data, epoch by epoch.

Enters: ``reference/<id>/curve.json``, or the same table in the public half of a course. Leaves: a
Curve. Touches: reads that file.

It ends in the middle of the epochs that are asked for, so that the level at which correct work ends
is not in it; and nothing in it was measured on data that students do not have.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from grader.course.profiles import LAPTOP

SCHEMA = "grader/curve/v1"
STEPS = 20
SHARES = tuple(step / STEPS for step in range(STEPS + 1))  # 0, 5 %, …, 100 % of the runs
MIDDLE = STEPS // 2
MOST_EPOCHS = 10  # that are told of
_SHORT = {
    "mse": "meansquarederror",
    "mae": "meanabsoluteerror",
    "sparsecategoricalcrossentropy": "categoricalcrossentropy",  # the same figure
}


@dataclass(frozen=True)
class Curve:
    """The losses of correct runs.

    Attributes:
        loss: as ``compile`` calls it.
        runs: how many were measured.
        epochs: the ones that are told of, counted from 1.
        levels: for each of them the loss that each of SHARES of the runs was at or below.
        engine: on which losses can be compared with these; "" is any.
    """

    loss: str
    runs: int
    epochs: tuple[int, ...]
    levels: tuple[tuple[float, ...], ...]
    engine: str = ""

    def at(self, epoch: int) -> tuple[float, ...]:
        """Give the levels at one of its epochs."""
        return self.levels[self.epochs.index(epoch)]

    def share_below(self, epoch: int, loss: float) -> float:
        """Give the share of the runs that had a lower loss at one of its epochs."""
        levels = self.at(epoch)
        if loss <= levels[0]:
            return 0.0
        for share, (low, high) in zip(SHARES, pairwise(levels), strict=False):
            if loss <= high:
                return share + (loss - low) / (high - low) / STEPS
        return 1.0


def curve_name(profile: str) -> str:
    """Give the name of the file that holds a profile's curve."""
    return "curve.json" if profile == LAPTOP else f"curve.{profile}.json"


def epochs_told(epochs: int) -> tuple[int, ...]:
    """Choose the epochs of a curve: up to the middle of those that an exercise asks for."""
    last = max(1, epochs // 2)
    count = min(last, MOST_EPOCHS)
    return tuple(math.ceil(last * step / count) for step in range(1, count + 1))


def is_same_loss(one: str, other: str) -> bool:
    """Whether two names of losses mean the same figure: ``mse``, ``MeanSquaredError``."""
    return _plain(one) == _plain(other) != ""


def _plain(name: str) -> str:
    plain = name.replace("_", "").lower()
    return _SHORT.get(plain, plain)


def as_table(curve: Curve) -> dict[str, Any]:
    """Give it as JSON has it."""
    return {
        "loss": curve.loss,
        "runs": curve.runs,
        "epochs": list(curve.epochs),
        "levels": [list(one) for one in curve.levels],
        **({"engine": curve.engine} if curve.engine else {}),
    }


def from_table(table: Mapping[str, Any]) -> Curve:
    """Read it from JSON.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    levels = tuple(tuple(map(float, one)) for one in table["levels"])
    epochs = tuple(map(int, table["epochs"]))
    engine = str(table.get("engine", ""))
    curve = Curve(str(table["loss"]), int(table["runs"]), epochs, levels, engine)
    if len(levels) != len(curve.epochs) or any(len(one) != len(SHARES) for one in levels):
        raise ValueError("levels")
    return curve


def read_curve(folder: Path, profile: str, data: str) -> Curve | None:
    """Read what was measured; None where nobody did, or on other data.

    Args:
        folder: of the exercise, on the instructor's side.
        profile: whose sizes.
        data: the fingerprint of today's data.
    """
    path = folder / curve_name(profile)
    if not path.is_file():
        return None
    table = json.loads(path.read_text("utf-8"))
    same = table["schema"] == SCHEMA and table["data"] == data
    return from_table(table) if same else None
