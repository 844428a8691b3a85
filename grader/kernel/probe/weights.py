"""In the notebook's room: what each row weighs, as Keras reads it.

Enters: targets, weights as ``fit`` or ``train_on_batch`` is given them. Leaves: a weight for each
row. Touches nothing.

A row that weighs nothing beside the others was never learned, and is no data. Weights that cannot
be read are none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .samples import alone

LIGHT = 1e-3  # of the largest weight: beside it a row moves as good as nothing


def weights_of_rows(y: np.ndarray, given: Any, classes: Any) -> np.ndarray | None:
    """Give the weight of each row, (rows,), as it is given or as its class has it; None: all alike.

    Args:
        y: targets, (rows, …).
        given: a weight for each row, or for each of its steps, or one for all of them.
        classes: weights by class, as ``fit`` is told them.
    """
    if given is None and not classes:
        return None
    try:
        found = _of_classes(y, classes) if given is None else _of_rows(len(y), given)
    except Exception:
        return np.zeros(len(y))
    return np.where(np.isfinite(found), found, 0.0)


def _of_rows(rows: int, given: Any) -> np.ndarray:
    each = np.abs(np.asarray(alone(given), dtype=np.float64))
    if each.ndim == 0 or len(each) != rows:
        each = np.broadcast_to(each, (rows, *each.shape[1:]))
    heaviest: np.ndarray = each.reshape(rows, -1).max(axis=1)
    return heaviest


def _of_classes(y: np.ndarray, classes: Any) -> np.ndarray:
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y
    labels = np.round(labels.reshape(len(y), -1)[:, 0]).astype(np.int64)
    weights = np.ones(len(labels))  # of a class that is not named
    for label, weight in classes.items():
        weights[labels == int(label)] = abs(float(weight))
    return weights


def learned(weights: np.ndarray, split: Any = None) -> np.ndarray:
    """Say of each row whether it is learned from, or held back beside those that are: (rows,).

    Args:
        weights: of all rows, (rows,).
        split: share of them that ``fit`` holds back, the last ones, for validation; None: none.
    """
    share = float(split) if isinstance(split, float) and 0.0 < split < 1.0 else 0.0
    kept = int(np.floor(len(weights) * (1.0 - share)))
    if not kept:
        return np.zeros(len(weights), dtype=bool)
    found: np.ndarray = weights > LIGHT * weights[:kept].max()
    trained = int(found[:kept].sum())
    if trained < kept and int(found[kept:].sum()) > trained + 1:  # most are held back
        found[kept:] = False
    return found
