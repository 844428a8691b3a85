"""In the notebook's room: a model as plain data: configuration, compile settings, weights.

Enters: a Keras model. Leaves: JSON and arrays. Touches nothing.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

WEIGHT_BYTES = 64_000_000


def plain(value: Any) -> Any:
    """Turn a value into strict JSON: NaN and infinity become null, anything unknown its text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def digest_of(model: Any, weights: list[np.ndarray], names: Iterable[str] = ()) -> int:
    """Give a number that changes when weights, layers or names do."""
    layers = [type(layer).__name__ for layer in getattr(model, "layers", [])]
    value = zlib.crc32(repr((layers, sorted(names))).encode())
    for weight in weights:
        value = zlib.crc32(np.ascontiguousarray(weight).tobytes(), value)
    return value


def weights_of(model: Any) -> list[np.ndarray]:
    """Give the weights as arrays; none where the model is not built or too large to report."""
    try:
        weights = [np.asarray(weight) for weight in model.get_weights()]
    except Exception:
        return []
    return weights if sum(w.nbytes for w in weights) <= WEIGHT_BYTES else []


def numbered(prefix: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name arrays so that their order survives."""
    return {f"{prefix}_{index:04d}": array for index, array in enumerate(arrays)}


def describe(keras: Any, model: Any) -> dict[str, Any]:
    """Give configuration, compile settings and learning rate of a model, as JSON."""
    try:
        config = keras.saving.serialize_keras_object(model)
        config = {"class_name": config["class_name"], "config": config["config"]}
        json.dumps(config)
    except Exception:
        layers = [{"class_name": type(layer).__name__} for layer in getattr(model, "layers", [])]
        config = {"class_name": type(model).__name__, "config": {"layers": layers}, "opaque": True}
    config["input_shape"] = shape_of(model, "input_shape")
    config["output_shape"] = shape_of(model, "output_shape")
    return {"config": config, "compile": compile_of(model)}


def shape_of(model: Any, name: str) -> Any:
    """Give a shape as a list, None where there is none or several."""
    try:
        return [None if size is None else int(size) for size in getattr(model, name)]
    except Exception:
        return None


def compile_of(model: Any) -> dict[str, Any]:
    """Give loss, optimizer and its settings as plain values."""
    found: dict[str, Any] = {}
    try:
        optimizer = model.optimizer
        if optimizer is not None:
            found["optimizer"] = type(optimizer).__name__
            for key, value in optimizer.get_config().items():
                if isinstance(value, (bool, int, float, str)):
                    found[f"optimizer.{key}"] = value
            found["learning_rate"] = float(np.asarray(optimizer.learning_rate))
    except Exception:
        pass
    try:
        loss = model.loss
        found["loss"] = (
            loss
            if isinstance(loss, str)
            else getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)
        )
        if hasattr(loss, "get_config"):
            found["loss.from_logits"] = bool(loss.get_config().get("from_logits", False))
    except Exception:
        pass
    return found
