"""In the notebook's room: what each row weighs, as Keras reads it.

Enters: targets, weights as ``fit`` or ``train_on_batch`` is given them. Leaves: a weight for each
row. Touches nothing.

A row that weighs nothing beside the others was never learned, and is no data; nor is one that
weighs less than nothing, which the model is taught away from. Weights of rows that cannot be read
are none; where weights of classes cannot, nothing is known of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .samples import alone

# Of the largest weight, and of all weights together: rows that have no more than both move as good
# as nothing. One heavy row alone makes no other one light.
LIGHT = 1e-3


def weights_of_rows(y: np.ndarray, given: Any, classes: Any) -> np.ndarray | None:
    """Give the weight of each row, (rows,), as it is given or as its class has it; None: all alike.

    Args:
        y: targets, (rows, …).
        given: a weight for each row, or for each of its steps, or one for all of them.
        classes: weights by class, as ``fit`` is told them.
    """
    if given is None and classes is None:
        return None
    try:
        found = _of_classes(y, classes) if given is None else _of_rows(len(y), given)
    except Exception:
        return None if given is None else np.zeros(len(y))
    return np.where(np.isfinite(found), np.maximum(found, 0.0), 0.0)


def _of_rows(rows: int, given: Any) -> np.ndarray:
    each = np.asarray(alone(given), dtype=np.float64)
    if each.ndim == 0 or len(each) != rows:
        each = np.broadcast_to(each, (rows, *each.shape[1:]))
    heaviest: np.ndarray = each.reshape(rows, -1).max(axis=1)
    return heaviest


def _of_classes(y: np.ndarray, classes: Any) -> np.ndarray:
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y
    labels = np.round(labels.reshape(len(y), -1)[:, 0]).astype(np.int64)
    named, of_each = np.unique(labels, return_inverse=True)  # asked for as Keras does, by ``get``
    weights = np.array([float(classes.get(int(label), 1.0)) for label in named])
    return weights[of_each]


def least(weights: np.ndarray, heaviest: float = 0.0, total: float = 0.0) -> float:
    """Give what a row weighs at least that was learned from; what weighs 0.0 never was.

    Args:
        weights: of rows, (rows,).
        heaviest: row among others that they stand beside, if that is heavier.
        total: of these rows and such others, if that is more.
    """
    ordered = np.sort(weights)
    together = np.cumsum(ordered)
    if not len(ordered):
        return 0.0
    few = int(np.searchsorted(together, LIGHT * max(total, float(together[-1]))))
    some = float(ordered[few]) if few < len(ordered) else np.inf
    return min(some, LIGHT * max(heaviest, float(ordered[-1])))


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
    found: np.ndarray = (weights > 0.0) & (weights >= least(weights[:kept]))
    trained = int(found[:kept].sum())
    if trained < kept and int(found[kept:].sum()) > trained + 1:  # most are held back
        found[kept:] = False
    return found
