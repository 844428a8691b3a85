"""In the notebook's room: a bounded look at what ``fit`` is given.

Enters: arrays, data sets, generators. Leaves: shapes, statistics, first rows. Touches nothing: a
data set is iterated once more, a generator is read along with the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

PAIR = 2  # inputs and targets
SAMPLE_BYTES = 4_000_000
SAMPLE_ROWS = 512
MOST_AXES = 8
KINDS = "biuf"  # bool, integers, floats: what the judge reads


def alone(value: Any) -> Any:
    """Give the one array of a list, a tuple or a dict, as a model of one input takes it."""
    if not isinstance(value, (list, tuple, dict)) or len(value) != 1:
        return value
    (one,) = value.values() if isinstance(value, dict) else value
    return one if len(getattr(one, "shape", ())) else value


def sample_of(
    value: Any, most_rows: int = SAMPLE_ROWS, most_bytes: int = SAMPLE_BYTES
) -> tuple[dict[str, Any], np.ndarray] | None:
    """Give the shape, type and statistics of an array-like with its first rows."""
    value = alone(value)
    if value is None or isinstance(value, (str, bytes, dict)) or callable(value):
        return None
    try:
        array = np.asarray(value)
        if array.dtype.kind not in KINDS or not 0 < array.ndim <= MOST_AXES:
            return None
        row_bytes = max(1, array[:1].nbytes)
        rows = array[: min(most_rows, most_bytes // row_bytes)]  # none where one is too large
        return described(array), rows
    except Exception:
        return None


def described(array: np.ndarray) -> dict[str, Any]:
    """Give the shape, type and statistics of an array."""
    told: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.size:
        told["statistics"] = {
            "min": float(array.min()),
            "max": float(array.max()),
            "mean": float(array.mean(dtype=np.float64)),
            "std": float(array.std(dtype=np.float64)),
        }
    return told


def first_batch(keras: Any, data: Any) -> tuple[str, Any, Any]:
    """Look at the first batch of a dataset without using it up; generators are left alone."""
    try:
        if isinstance(data, keras.utils.PyDataset):
            batch = data[0]
        elif hasattr(data, "element_spec") or hasattr(data, "__len__"):
            batch = next(iter(data))
        else:
            return "unknown", None, None
        return "dataset", batch[0], batch[1] if len(batch) > 1 else None
    except Exception:
        return "unknown", None, None


class Recorder:
    """A generator that passes everything on and remembers its first batch.

    ``note`` is given every batch, as it is drawn.
    """

    def __init__(self, source: Iterator[Any], note: Callable[[Any], None] = lambda _: None) -> None:
        self.source = source
        self.note = note
        self.first: Any = None

    def __iter__(self) -> Iterator[Any]:
        for batch in self.source:
            if self.first is None:
                self.first = batch
            self.note(batch)
            yield batch


def take_sample(keras: Any, x: Any, y: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Sample what ``fit`` was given to train on."""
    kind = "arrays"
    if y is None and x is not None and not isinstance(x, np.ndarray):
        kind, x, y = first_batch(keras, x)
    sample: dict[str, Any] = {"kind": kind}
    arrays: dict[str, np.ndarray] = {}
    for name, value in {"x": x, "y": y}.items():
        sampled = sample_of(value)
        if sampled:
            sample[name], arrays[f"sample_{name}"] = sampled
    return sample, arrays
