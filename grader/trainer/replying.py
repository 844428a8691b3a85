"""Writes a result as the notebook's room reads it, and an order as the notebook's room writes it.

Enters: an order and its result; the files of an order, claims. Leaves: JSON and named arrays; an
Order. Touches: reads those files. The other end is ``grader/kernel/orders/asking.py``; the bounds
of both are those of ``grader/execute/caps.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from grader.arrays import BadArraysError, read_bounded, read_npz
from grader.execute.caps import (
    ANSWER_BYTES,
    MOST_LEVELS,
    ORDER_ARRAYS,
    ORDER_BYTES,
    ORDER_TEXT_BYTES,
    VALUES,
)
from grader.execute.strict_json import read_json
from grader.trainer.order import Order, read_order
from grader.trainer.refusing import refuse
from grader.trainer.result import Trained, history_as_asked
from grader.types import Array

NUMBER_BYTES = 4
GROUPS = 4  # the weights, and what an optimizer keeps of each at most


def read_asked(order: Path, arrays: Path, answered: Collection[str]) -> Order:
    """Read an order as it was passed on.

    Args:
        order: its text.
        arrays: the npz file beside it.
        answered: keys of the results that this notebook was given; it may go on from no others.

    Raises:
        NotAnOrderError: it cannot be read, or trained, or its answer would be too large.
    """
    try:
        text = read_bounded(order, ORDER_TEXT_BYTES)
        claim = read_json(text, most_values=VALUES, most_levels=MOST_LEVELS)
        given = read_npz(arrays, ORDER_BYTES, ORDER_ARRAYS)
    except (BadArraysError, OSError, ValueError, RecursionError):
        refuse("order.unreadable", what="order")
    found = read_order(claim, given, answered)
    if answer_bytes(found) > ANSWER_BYTES:
        refuse("order.too_many_bytes", most=ANSWER_BYTES // 10**6)
    return found


def answer_bytes(order: Order) -> int:
    """Give how many bytes the answer's arrays take at most."""
    epochs = order.fit.epochs - order.fit.initial_epoch
    return order.work.params * NUMBER_BYTES * (GROUPS + epochs * order.each_epoch)


def reply_of(order: Order, key: str, result: Trained) -> tuple[dict[str, Any], dict[str, Array]]:
    """Give what the notebook is told of a result, and its arrays."""
    first = order.fit.initial_epoch
    history = history_as_asked(order, result)
    told = {
        "result": key,
        "epochs": list(range(first, first + result.epochs)),
        "history": {name: list(values) for name, values in history.items()},
    }
    groups = {"weight": result.weights, "optimizer": result.optimizer}
    groups |= {f"epoch{place}_weight": each for place, each in enumerate(result.each_epoch)}
    arrays = {
        f"{prefix}_{number:04d}": array
        for prefix, group in groups.items()
        for number, array in enumerate(group)
    }
    return told, arrays
