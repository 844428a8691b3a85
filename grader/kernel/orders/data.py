"""In the notebook's room: the whole arrays that ``fit`` is given, as Keras would train on them.

Enters: the arguments of ``fit``. Leaves: named arrays, float64 as float32. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .asking import UnusualError

KINDS = "biuf"  # bool, integers, floats
NUMBER_BYTES = 4  # that a number takes at least where it is trained on
LISTS = ("pandas.", "tensorflow.")  # libraries whose arrays are read like NumPy's
PAIR, TRIPLE = 2, 3


def arrays_of(given: Mapping[str, Any], most_bytes: int) -> dict[str, np.ndarray]:
    """Give inputs, targets, weights and validation data.

    Args:
        given: the arguments of ``fit``.
        most_bytes: that all arrays may take together, here or where they are trained on.

    Returns:
        ``x`` (rows, …) and ``y`` (rows, …); ``sample_weight``, ``validation_x``, ``validation_y``
        and ``validation_weight`` where there are any.

    Raises:
        UnusualError: something else than arrays (data sets, generators, several inputs), or more
            than may be sent.
    """
    found = {"x": array_of(given.get("x"), "x"), "y": array_of(given.get("y"), "y")}
    if given.get("sample_weight") is not None:
        found["sample_weight"] = array_of(given["sample_weight"], "sample_weight")
    validation = given.get("validation_data")
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) not in (PAIR, TRIPLE):
            raise UnusualError(f"validation data of class {type(validation).__name__}")
        names = ("validation_x", "validation_y", "validation_weight")
        for name, value in zip(names, validation, strict=False):
            if value is not None:
                found[name] = array_of(value, name)
    size = sum(max(array.nbytes, array.size * NUMBER_BYTES) for array in found.values())
    if size > most_bytes:
        raise UnusualError(f"{size} bytes of data")
    return found


def array_of(value: Any, name: str) -> np.ndarray:
    """Give one array.

    Raises:
        UnusualError: it is none.
    """
    kind = type(value)
    known = isinstance(value, (np.ndarray, np.generic))
    known = known or (kind.__module__.startswith(LISTS) and hasattr(value, "__array__"))
    if not known or hasattr(value, "element_spec"):
        raise UnusualError(f"{name} of class {kind.__name__}")
    array = np.asarray(value)
    if array.dtype.kind not in KINDS or array.ndim == 0:
        raise UnusualError(f"{name} of type {array.dtype}")
    return array.astype(np.float32) if array.dtype == np.float64 else array


def first_batch(arrays: Mapping[str, np.ndarray], batch_size: int) -> tuple[np.ndarray, ...]:
    """Give the rows of one step, by which Keras builds what is not built yet."""
    batch = [arrays["x"][:batch_size], arrays["y"][:batch_size]]
    if "sample_weight" in arrays:
        batch.append(arrays["sample_weight"][:batch_size])
    return tuple(batch)
