"""Which orders one program can train together: those of equal layers, settings and shapes.

Enters: orders as they are written down, their arrays. Leaves: a text, equal for orders that are
alike. Touches nothing; runs in the trainer's room and outside of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

DATA = ("x", "y", "sample_weight")
CHECKED = ("validation_x", "validation_y", "validation_weight")
MOST_TOGETHER = 1024  # orders in one program: what goes wrong with it costs no more than these
# What decides between epochs, and weights kept in between, belong to one order alone.
PLAIN: dict[str, Any] = {"callbacks": [], "rates": None, "each_epoch": False, "after": None}


def likeness(order: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str | None:
    """Equal for orders that one program can train; None for one that is trained alone."""
    fit = order["fit"]
    alone = (
        any(order[name] != value for name, value in PLAIN.items())
        or any(name not in {*DATA, *CHECKED} for name in arrays)
        or fit.get("class_weight")
        or fit.get("steps_per_epoch") is not None
        or fit.get("validation_steps") is not None
        or fit.get("validation_freq", 1) != 1
        or fit.get("initial_epoch")
        or fit.get("shuffle") not in {True, False}
    )
    if alone:
        return None
    shapes = {name: (one.shape, str(one.dtype)) for name, one in sorted(arrays.items())}
    told = {name: value for name, value in order.items() if name not in {"seed", "architecture"}}
    return json.dumps([told, _without_seeds(order["architecture"]), shapes], sort_keys=True)


def _without_seeds(value: Any) -> Any:
    """The same layers, whatever numbers their weights and dropouts are drawn from."""
    if isinstance(value, dict):
        return {name: _without_seeds(one) for name, one in value.items() if name != "seed"}
    return [*map(_without_seeds, value)] if isinstance(value, list) else value
