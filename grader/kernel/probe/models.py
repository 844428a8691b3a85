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

from .subclassed import in_layers

WEIGHT_BYTES = 64_000_000  # of one model; no exercise asks for more than six
FLOAT_BYTES = 4
WEIGHT_ARRAYS = 1500  # 200 layers, the most that is rebuilt, have fewer
KINDS = "biuf"  # bool, integers, floats: what the judge reads
LONGEST_TEXT = 1000  # characters of one name or setting; Keras' own stay below a hundred
CONFIG_BYTES = 500_000  # as JSON; a layer takes some 800
CONFIG_VALUES = 40_000  # a layer has some sixty
LAYERS_NAMED = 201  # of a model that is too large to be described: more than is ever rebuilt
SETTINGS = 60  # of an optimizer
LONGEST_SETTING = 100  # characters


def plain(value: Any) -> Any:
    """Turn a value into strict JSON: NaN and infinity become null, anything unknown its text."""
    if isinstance(value, dict):
        return {cut(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return cut(str(value))


def cut(text: str) -> str:
    """Shorten a text that is too long; different ones stay different, the same the same."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… {zlib.crc32(text.encode('utf-8', 'replace')):08x}"


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
        weights = [_readable(np.asarray(weight)) for weight in in_layers(model).get_weights()]
    except Exception:
        return []
    size = sum(weight.nbytes for weight in weights)
    return weights if len(weights) <= WEIGHT_ARRAYS and size <= WEIGHT_BYTES else []


def is_too_large(model: Any) -> bool:
    """Whether a model has more weights than are reported of one."""
    try:
        shapes = [tuple(weight.shape) for weight in model.weights]
    except Exception:
        return False
    return len(shapes) > WEIGHT_ARRAYS or FLOAT_BYTES * sum(map(math.prod, shapes)) > WEIGHT_BYTES


def _readable(weight: np.ndarray) -> np.ndarray:
    """Give what NumPy has no type of its own for (bfloat16) as the float that holds it."""
    return weight if weight.dtype.kind in KINDS else weight.astype(np.float32)


def numbered(prefix: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name arrays so that their order survives."""
    return {f"{prefix}_{index:04d}": array for index, array in enumerate(arrays)}


def can_build(keras: Any, model: Any, sample: dict[str, Any]) -> bool:
    """Whether the shape of the data is known and says all that the layers need to know."""
    if not issubclass(type(model), keras.Sequential):
        return False
    return "x" in sample and not any(getattr(one, "stateful", 0) for one in model.layers)


def build(keras: Any, model: Any, sample: dict[str, Any]) -> None:
    """Build a Sequential with the shape of its data: TensorFlow would do so in the first step.

    By then the weights that the training starts from would be gone.
    """
    if not model.built and can_build(keras, model, sample):
        model.build((None, *sample["x"]["shape"][1:]))


def describe(keras: Any, model: Any) -> dict[str, Any]:
    """Give configuration, compile settings and learning rate of a model, as JSON.

    Of a model that has no configuration, or too large a one, only its layers' classes.
    """
    try:
        config = keras.saving.serialize_keras_object(in_layers(model))
        config = plain({"class_name": config["class_name"], "config": config["config"]})
        text = json.dumps(config)
        if len(text) > CONFIG_BYTES or sum(map(text.count, ",:[{")) > CONFIG_VALUES:
            config = _opaque(model)
    except Exception:
        config = _opaque(model)
    config["input_shape"] = shape_of(model, "input_shape")
    config["output_shape"] = shape_of(model, "output_shape")
    return {"config": config, "compile": compile_of(model), "bare": is_too_large(model)}


def _opaque(model: Any) -> dict[str, Any]:
    layers = getattr(model, "layers", [])
    named = [{"class_name": cut(type(layer).__name__)} for layer in layers[:LAYERS_NAMED]]
    name = cut(type(model).__name__)
    return {
        "class_name": name,
        "config": {"layers": named},
        "opaque": True,
        "layers": len(layers),
    }


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
        # Mixed precision wraps it: what it wraps is what was asked for.
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if optimizer is not None:
            found["optimizer"] = _short(type(optimizer).__name__)
            for key, value in list(optimizer.get_config().items())[:SETTINGS]:
                if isinstance(value, (bool, int, float, str)):
                    found[f"optimizer.{key}"[:LONGEST_SETTING]] = _short(value)
            found["learning_rate"] = float(np.asarray(optimizer.learning_rate))
    except Exception:
        pass
    try:
        loss = model.loss
        found["loss"] = _short(
            loss
            if isinstance(loss, str)
            else getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)
        )
        if hasattr(loss, "get_config"):
            found["loss.from_logits"] = bool(loss.get_config().get("from_logits", False))
    except Exception:
        pass
    return found


def _short(value: Any) -> Any:
    return value[:LONGEST_SETTING] if isinstance(value, str) else value
