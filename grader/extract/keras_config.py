"""Follows a claimed model configuration from its input to its output.

Enters: keras' serialised configuration as JSON. Leaves: the layers' configurations in order, nested
models opened up. Touches nothing; no name is ever looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from grader.types import Message

DEPTH = 20
LONGEST = 200  # layers
OUTPUT = [0, 0]  # of a layer's first call, the first tensor


class NotRebuildableError(Exception):
    """The model is not a chain of built-in layers with sane settings."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id)
        self.message = message


def chain_of(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the layers from input to output.

    Raises:
        NotRebuildableError: no such chain.
    """
    layers = []
    for layer in _chain(model, 0):
        layers.append(layer)
        if len(layers) > LONGEST:
            raise NotRebuildableError(Message("model.too_deep", {"layers": len(layers)}))
    return layers


def class_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the layers of any configuration, rebuildable or not, for people to read."""
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, Mapping) else None
    if not isinstance(layers, list):
        return ()
    entries = [layer for layer in layers[:LONGEST] if isinstance(layer, Mapping)]
    names = [str(layer.get("class_name", "?"))[:60] for layer in entries]
    return tuple(name for name in names if name != "InputLayer")


def _chain(model: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Give the layers from input to output, nested models opened up."""
    config = model.get("config")
    _refuse_too_many(model)
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


def _refuse_too_many(model: Mapping[str, Any]) -> None:
    """Say how many layers there are of which only the first ones were told."""
    count = model.get("layers")
    if model.get("opaque") and type(count) is int and count > LONGEST:
        raise NotRebuildableError(Message("model.too_deep", {"layers": count}))


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
    name = _origin(outputs)
    while name in by_name and len(path) <= len(by_name):
        path.append(by_name[name])
        if name not in source:
            break
        name = source[name]
    if path and path[-1].get("class_name") == "InputLayer":
        return path[::-1]
    raise NotRebuildableError(Message("model.unreadable"))


def _origin(tensor: list[Any]) -> str:
    """Name the layer that makes a tensor; a state, or the second call of a layer, is a branch."""
    name, *which = tensor
    if which != OUTPUT:
        raise NotRebuildableError(Message("model.branches", {"layer": str(name)[:60]}))
    return str(name)


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
                    found.append(_origin(origin))
                return
            for item in value.values():
                walk(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                walk(item, depth + 1)

    walk(nodes, 0)
    return found
