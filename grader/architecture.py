"""Reads a claimed model configuration into a chain of built-in layers with plain settings.

Enters: keras' serialised configuration as JSON. Leaves: an Architecture. Touches nothing.

Nothing is deserialised: names are looked up in the allow-list, settings are copied where they are
plain and bounded, everything else is dropped. What is not such a chain cannot be rebuilt and says
so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from grader.evaluation.allowed import (
    ACTIVATIONS,
    CELLS,
    INITIALIZERS,
    LARGEST,
    LARGEST_PARAMS,
    LAYERS,
    WRAPPERS,
)
from grader.types import Json, Message

DEPTH = 20
LONGEST = 200  # layers
FEWEST_AXES = 2  # batch and one more
LARGEST_STEPS = 100_000
MAX_LIST = 8
MAX_TEXT = 40
WRAPPED = 2  # TimeDistributed(Bidirectional(LSTM)): no deeper


@dataclass(frozen=True)
class LayerSpec:
    """One layer: ``inner`` where it wraps another (Bidirectional, TimeDistributed)."""

    cls: str
    config: Mapping[str, Json]
    inner: LayerSpec | None = None

    @property
    def title(self) -> str:
        """The class as people write it: ``Bidirectional(GRU)``."""
        return f"{self.cls}({self.inner.cls})" if self.inner else self.cls

    @property
    def settings(self) -> Mapping[str, Json]:
        """Settings of the layer that computes: the inner one of a wrapper, the wrapper's added."""
        return {**self.config, **self.inner.config} if self.inner else self.config

    def as_json(self) -> dict[str, Any]:
        """Give what the evaluation room builds it from."""
        inner = self.inner.as_json() if self.inner else None
        return {"class": self.cls, "config": dict(self.config), "inner": inner}


@dataclass(frozen=True)
class Architecture:
    """A chain of layers from one input to one output; shapes without the batch axis."""

    input_shape: tuple[int | None, ...]
    input_dtype: str
    layers: tuple[LayerSpec, ...]

    def as_json(self) -> dict[str, Any]:
        """Give what the evaluation room builds it from."""
        return {
            "input_shape": list(self.input_shape),
            "input_dtype": self.input_dtype,
            "layers": [layer.as_json() for layer in self.layers],
        }


class NotRebuildableError(Exception):
    """The model is not a chain of built-in layers with sane settings."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id)
        self.message = message


def read_architecture(config: Mapping[str, Any]) -> Architecture:
    """Read a claimed configuration.

    Raises:
        NotRebuildableError: custom or unlisted layers, several inputs or branches, sizes out of
            bounds.
    """
    layers = list(_chain(config, 0))
    if len(layers) > LONGEST:
        raise NotRebuildableError(Message("model.too_deep", {"layers": len(layers)}))
    shape, dtype = _input(config, layers)
    specs = [_layer(entry, 0) for entry in layers if entry.get("class_name") != "InputLayer"]
    if not specs:
        raise NotRebuildableError(Message("model.empty"))
    if any(spec.cls == "Embedding" for spec in specs[:1]):
        dtype = "int32"
    _refuse_giants(shape, specs)
    return Architecture(shape, dtype, _merged(specs))


def class_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the layers of any configuration, rebuildable or not, for people to read."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, Mapping) else None
    if not isinstance(layers, list):
        return ()
    names = [str(layer.get("class_name", "?"))[:60] for layer in layers[:LONGEST] if layer]
    return tuple(name for name in names if name != "InputLayer")


def _chain(model: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Give the layers from input to output, nested models opened up."""
    config = model.get("config")
    if model.get("opaque") or not isinstance(config, Mapping) or depth > DEPTH:
        raise NotRebuildableError(
            Message("model.custom", {"cls": str(model.get("class_name"))[:60]})
        )
    kind = model.get("class_name")
    layers = config.get("layers")
    if kind not in ("Sequential", "Functional", "Model") or not isinstance(layers, list):
        raise NotRebuildableError(Message("model.custom", {"cls": str(kind)[:60]}))
    ordered = layers if kind == "Sequential" else _linear(config, layers)
    for layer in ordered:
        if not isinstance(layer, Mapping):
            raise NotRebuildableError(Message("model.unreadable"))
        if layer.get("class_name") in ("Sequential", "Functional"):
            yield from _chain(layer, depth + 1)
        else:
            yield layer


def _linear(config: Mapping[str, Any], layers: list[Any]) -> list[Any]:
    """Order a functional model's layers by following its only path."""
    by_name = {str(layer.get("name")): layer for layer in layers if isinstance(layer, Mapping)}
    source: dict[str, str] = {}
    for name, layer in by_name.items():
        parents = _parents(layer.get("inbound_nodes"))
        if len(parents) > 1:
            raise NotRebuildableError(Message("model.branches", {"layer": name[:60]}))
        if parents:
            source[name] = parents[0]
    outputs = config.get("output_layers")
    while isinstance(outputs, list) and outputs and isinstance(outputs[0], list):
        if len(outputs) > 1:
            raise NotRebuildableError(Message("model.branches", {"layer": "output"}))
        outputs = outputs[0]
    if not isinstance(outputs, list) or not outputs:
        raise NotRebuildableError(Message("model.unreadable"))
    path: list[Any] = []
    name = str(outputs[0])
    while name in by_name and len(path) <= len(by_name):
        path.append(by_name[name])
        if name not in source:
            return path[::-1]
        name = source[name]
    raise NotRebuildableError(Message("model.unreadable"))


def _parents(nodes: Any) -> list[str]:
    """Collect the layers whose tensors a node takes; a layer used twice counts twice."""
    found: list[str] = []

    def walk(value: Any, depth: int) -> None:
        if depth > DEPTH:
            raise NotRebuildableError(Message("model.unreadable"))
        if isinstance(value, Mapping):
            history = value.get("config", {})
            if value.get("class_name") == "__keras_tensor__" and isinstance(history, Mapping):
                origin = history.get("keras_history")
                if isinstance(origin, list) and origin:
                    found.append(str(origin[0]))
                return
            for item in value.values():
                walk(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                walk(item, depth + 1)

    walk(nodes, 0)
    return found


def _input(
    model: Mapping[str, Any], layers: list[Mapping[str, Any]]
) -> tuple[tuple[int | None, ...], str]:
    candidates: list[Any] = [model.get("input_shape")]
    config = model.get("config")
    if isinstance(config, Mapping):
        candidates.append(config.get("build_input_shape"))
    dtype = "float32"
    for layer in layers[:1]:
        settings = layer.get("config")
        if isinstance(settings, Mapping):
            candidates.append(settings.get("batch_shape") or settings.get("batch_input_shape"))
            if settings.get("dtype") in ("int32", "int64") and layer["class_name"] == "InputLayer":
                dtype = "int32"
    for shape in candidates:
        if _is_shape(shape):
            return tuple(shape[1:]), dtype
    raise NotRebuildableError(Message("model.unbuilt"))


def _is_shape(value: Any) -> TypeGuard[list[int | None]]:
    if not isinstance(value, list) or not FEWEST_AXES <= len(value) <= MAX_LIST:
        return False
    return all(map(_size, value[1:]))


def _size(value: Any) -> bool:
    return value is None or (type(value) is int and 0 < value <= LARGEST_STEPS)


def _layer(entry: Mapping[str, Any], depth: int) -> LayerSpec:
    name = entry.get("class_name")
    config = entry.get("config")
    if not isinstance(name, str) or not isinstance(config, Mapping) or depth > WRAPPED:
        raise NotRebuildableError(Message("model.unreadable"))
    if name == "RNN" and isinstance(config.get("cell"), Mapping):
        return _recurrent(config, config["cell"])
    if name in WRAPPERS and isinstance(config.get("layer"), Mapping):
        kept = {key: config[key] for key in WRAPPERS[name] if _plain(config.get(key))}
        return LayerSpec(name, kept, _layer(config["layer"], depth + 1))
    if name not in LAYERS:
        raise NotRebuildableError(Message("model.unlisted_layer", {"cls": name[:60]}))
    return LayerSpec(name, _settings(name, config))


def _recurrent(outer: Mapping[str, Any], cell: Mapping[str, Any]) -> LayerSpec:
    """``RNN(GRUCell(30))`` computes what ``GRU(30)`` computes, with the same weights."""
    name = CELLS.get(str(cell.get("class_name")))
    inner = cell.get("config")
    if name is None or not isinstance(inner, Mapping):
        raise NotRebuildableError(
            Message("model.unlisted_layer", {"cls": str(cell.get("class_name"))[:60]})
        )
    own = {key: outer[key] for key in ("return_sequences", "go_backwards") if key in outer}
    return LayerSpec(name, _settings(name, {**inner, **own}))


def _settings(name: str, config: Mapping[str, Any]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for key in LAYERS[name] & config.keys():
        value = config[key]
        if key.endswith("activation"):
            activation = _activation(value)
            if activation is None:
                raise NotRebuildableError(Message("model.custom_activation", {"cls": name}))
            kept[key] = activation
        elif key.endswith("initializer"):
            initializer = _initializer(value)
            if initializer is not None:
                kept[key] = initializer
        elif value is not None and _plain(value):
            kept[key] = value
        elif value is not None:
            raise NotRebuildableError(Message("model.setting", {"cls": name, "setting": key}))
    if config.get("stateful") is True:
        kept["stateful"] = True
    return kept


def _activation(value: Any) -> str | None:
    if value is None:
        return "linear"
    if isinstance(value, Mapping) and isinstance(value.get("config"), str):
        value = value["config"]
    return value if isinstance(value, str) and value in ACTIVATIONS else None


def _initializer(value: Any) -> Json:
    if not isinstance(value, Mapping):
        return None
    name, config = value.get("class_name"), value.get("config")
    if name not in INITIALIZERS or not isinstance(config, Mapping):
        return None
    plain = {k: v for k, v in config.items() if k != "seed" and _plain(v) and v is not None}
    return {"class_name": name, "config": plain}


def _plain(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) <= LARGEST
    if isinstance(value, (float, str)):
        return not isinstance(value, str) or len(value) <= MAX_TEXT
    return isinstance(value, list) and len(value) <= MAX_LIST and all(map(_plain, value))


def _refuse_giants(shape: tuple[int | None, ...], specs: list[LayerSpec]) -> None:
    """Refuse sizes whose weights would not fit, before anything is allocated.

    The bound counts four gates over a matrix from everything below, so it never underestimates a
    listed layer by more than a small factor; honest models are thousands of times smaller.
    """
    below = math.prod(n or 1 for n in shape)
    for spec in specs:
        settings = spec.settings
        sizes = [settings.get(k) for k in ("units", "filters", "output_dim", "n")]
        width = next((n for n in sizes if type(n) is int), None)
        if width is None:
            continue
        feeding = settings.get("input_dim") if spec.cls == "Embedding" else below
        reach = feeding if type(feeding) is int else below
        if width < 1 or width * min(reach, LARGEST) > LARGEST_PARAMS:
            raise NotRebuildableError(
                Message("model.too_large", {"cls": spec.title, "width": width})
            )
        below = width * max(1, shape[0] or 1)


def _merged(specs: list[LayerSpec]) -> tuple[LayerSpec, ...]:
    """Join ``Dense(8)`` and a following ``Activation("relu")``: two spellings of one thing."""
    merged: list[LayerSpec] = []
    for spec in specs:
        before = merged[-1] if merged else None
        if spec.cls == "Activation" and before is not None:
            target = before.inner or before
            if target.config.get("activation") == "linear":
                joined = replace(target, config={**target.config, **spec.config})
                merged[-1] = replace(before, inner=joined) if before.inner else joined
                continue
        merged.append(spec)
    return tuple(merged)
