"""The control: an order that trains wherever anything does.

Enters: nothing. Leaves: an Order. Touches nothing.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from grader.trainer.order import Order, read_order

ROWS = 4


@cache
def control_order() -> Order:
    """Give the order of one update of a model with one layer of one unit."""
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 1]}},
        {"class_name": "Dense", "config": {"units": 1}},
    ]
    claim = {
        "version": 1,
        "model": {"class_name": "Sequential", "config": {"layers": layers}},
        "compile": {"optimizer": {"class_name": "SGD", "config": {}}, "loss": "mse"},
        "fit": {"epochs": 1, "batch_size": ROWS},
    }
    values = np.arange(ROWS, dtype=np.float32)[:, None]
    return read_order(claim, {"x": values, "y": values})
