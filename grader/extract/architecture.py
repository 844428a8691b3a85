"""Reads a claimed model configuration into a chain of built-in layers with plain settings.

Enters: keras' serialised configuration as JSON. Leaves: an Architecture. Touches nothing.

Nothing is deserialised: names are looked up in the allow-list, settings are copied where they are
plain and bounded, everything else is dropped. What is not such a chain cannot be rebuilt and says
so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from grader.evaluation.allowed import (
    ACTIVATIONS,
    CELLS,
    INITIALIZERS,
    LARGEST,
    LARGEST_PARAMS,
    LAYERS,
    POINTWISE,
    WRAPPERS,
)
from grader.extract.keras_config import NotRebuildableError, chain_of
from grader.types import Json, Message

LARGEST_OUTPUT = 20_000_000  # numbers that one layer makes of one sample
FEWEST_AXES = 2  # batch and one more
LARGEST_STEPS = 100_000
MAX_LIST = 8
MAX_TEXT = 40
GATES = 4  # of an LSTM, the most of any
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


class UnbuiltError(NotRebuildableError):
    """The model was never built: what it would do with an input is not known yet."""

    def __init__(self) -> None:
        super().__init__(Message("model.unbuilt"))


def read_architecture(
    config: Mapping[str, Any],
    shape: tuple[int | None, ...] | None = None,
    *,
    noted: bool = True,
) -> Architecture:
    """Read a claimed configuration.

    Args:
        config: keras' serialised configuration.
        shape: of the input, without the batch axis, for a model that was never built.
        noted: whether the shape that the configuration notes goes before that one.

    Raises:
        UnbuiltError: it was never built, and no shape is given.
        NotRebuildableError: custom or unlisted layers, several inputs or branches, sizes out of
            bounds.
    """
    layers = chain_of(config)
    specs = _specs(layers)
    told, dtype = _input(config, layers)
    if not noted and shape is not None:
        told = shape
    if told is None and shape is None:
        raise UnbuiltError
    if any(spec.cls == "Embedding" for spec in specs[:1]):
        dtype = "int32"
    inner = told if told is not None else shape or ()
    _refuse_giants(inner, specs)
    return Architecture(inner, dtype, _merged(specs))


def read_layers(config: Mapping[str, Any]) -> tuple[LayerSpec, ...]:
    """Read the layers of a claimed configuration, built or not.

    Raises:
        NotRebuildableError: as ``read_architecture``.
    """
    return _merged(_specs(chain_of(config)))


def _specs(layers: list[Mapping[str, Any]]) -> list[LayerSpec]:
    specs = [_layer(entry, 0) for entry in layers if entry.get("class_name") != "InputLayer"]
    if not specs:
        raise NotRebuildableError(Message("model.empty"))
    return specs


def _input(
    model: Mapping[str, Any], layers: list[Mapping[str, Any]]
) -> tuple[tuple[int | None, ...] | None, str]:
    """Give the shape of the input, None where no word was said of it, and its type."""
    candidates: list[Any] = [model.get("input_shape")]
    config = model.get("config")
    if isinstance(config, Mapping):
        candidates.append(config.get("build_input_shape"))
    dtype = "float32"
    for layer in layers[:1]:
        settings = layer.get("config")
        if isinstance(settings, Mapping):
            candidates.append(settings.get("batch_shape") or settings.get("batch_input_shape"))
            if (
                settings.get("dtype") in ("int32", "int64")
                and layer.get("class_name") == "InputLayer"
            ):
                dtype = "int32"
    for shape in candidates:
        if _is_shape(shape):
            return tuple(shape[1:]), dtype
    return None, dtype


def _is_shape(value: Any) -> TypeGuard[list[int | None]]:
    if not isinstance(value, list) or not FEWEST_AXES <= len(value) <= MAX_LIST:
        return False
    return all(map(_size, value[1:]))


def _size(value: Any) -> bool:
    return value is None or (type(value) is int and 0 < value <= LARGEST_STEPS)


def _layer(entry: Mapping[str, Any], depth: int) -> LayerSpec:
    name, config = _own_class(entry), entry.get("config")
    if not isinstance(config, Mapping) or depth > WRAPPED:
        raise NotRebuildableError(Message("model.unreadable"))
    if name == "RNN" and isinstance(config.get("cell"), Mapping):
        return _recurrent(config, config["cell"])
    if name in WRAPPERS and isinstance(config.get("layer"), Mapping):
        return _wrapper(name, config, depth)
    if name not in LAYERS:
        raise _unlisted(name)
    return LayerSpec(name, _settings(name, config))


def _own_class(entry: Mapping[str, Any]) -> str:
    """Give the class; a student's own may have the name of one of Keras', but not its module."""
    name = entry.get("class_name")
    if not isinstance(name, str):
        raise NotRebuildableError(Message("model.unreadable"))
    if "module" in entry and not str(entry["module"]).startswith("keras"):
        raise _unlisted(name)
    return name


def _unlisted(name: str) -> NotRebuildableError:
    return NotRebuildableError(Message("model.unlisted_layer", {"cls": name[:60]}))


def _wrapper(name: str, config: Mapping[str, Any], depth: int) -> LayerSpec:
    kept = {key: config[key] for key in WRAPPERS[name] & config.keys() if _plain(config[key])}
    inner = _layer(config["layer"], depth + 1)
    backward = config.get("backward_layer")
    if isinstance(backward, Mapping):
        other = _layer(backward, depth + 1)
        turned = not inner.config.get("go_backwards")
        if other != replace(inner, config={**inner.config, "go_backwards": turned}):
            raise NotRebuildableError(
                Message("model.setting", {"cls": name, "setting": "backward_layer"})
            )
    return LayerSpec(name, kept, inner)


def _recurrent(outer: Mapping[str, Any], cell: Mapping[str, Any]) -> LayerSpec:
    """``RNN(GRUCell(30))`` computes what ``GRU(30)`` computes, with the same weights."""
    name, inner = CELLS.get(_own_class(cell)), cell.get("config")
    if name is None or not isinstance(inner, Mapping):
        raise _unlisted(_own_class(cell))
    own = {key: outer[key] for key in ("return_sequences", "go_backwards") if key in outer}
    return LayerSpec(name, _settings(name, {**inner, **own}))


def _settings(name: str, config: Mapping[str, Any]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for key in sorted(LAYERS[name] & config.keys()):
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
    if not isinstance(name, str) or name not in INITIALIZERS or not isinstance(config, Mapping):
        return None
    named = [(k, v) for k, v in config.items() if k != "seed" and len(k) <= MAX_TEXT]
    plain = {k: v for k, v in named[:MAX_LIST] if _plain(v, 0) and v is not None}
    return {"class_name": name, "config": plain}


def _plain(value: Any, levels: int = 1) -> bool:
    """Whether a setting is a number, a word, or a list of them."""
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) <= LARGEST
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    short = isinstance(value, list) and len(value) <= MAX_LIST and levels > 0
    return short and all(_plain(one, levels - 1) for one in value)


def _refuse_giants(shape: tuple[int | None, ...], specs: list[LayerSpec]) -> None:
    """Refuse sizes whose weights or outputs would not fit, before anything is allocated.

    Follows the data through the chain as (steps, width) of one sample, rounding up.
    """
    width, steps = shape[-1] or 1, math.prod(n or 1 for n in shape[:-1])
    for spec in specs:
        weights, steps, width = sizes_of(spec, steps, width)
        if weights > LARGEST_PARAMS or steps * width > LARGEST_OUTPUT:
            raise NotRebuildableError(
                Message("model.too_large", {"cls": spec.title, "width": width})
            )


def sizes_of(spec: LayerSpec, steps: int, width: int) -> tuple[int, int, int]:
    """Give a layer's weights, and the steps and width of what it makes of one sample, at most."""
    cls, settings, weights = spec.inner.cls if spec.inner else spec.cls, spec.settings, 0
    if cls in ("Flatten", "Reshape", "Permute"):
        steps, width = 1, steps * width
    elif cls == "RepeatVector":
        steps = _count(settings, "n")
    elif cls == "Embedding":
        steps, width = steps * width, _count(settings, "output_dim")
        weights = _count(settings, "input_dim") * width
    elif "filters" in settings:
        reach = _count(settings, "kernel_size") * _count(settings, "depth_multiplier")
        weights = reach * width * (1 + _count(settings, "filters"))
        width = _count(settings, "filters")
    elif cls == "Dense":
        weights = (width + 1) * _count(settings, "units")
        width = _count(settings, "units")
    elif "units" in settings:
        units, sides = _count(settings, "units"), 2 if spec.cls == "Bidirectional" else 1
        weights = sides * GATES * units * (width + units + 2)
        width = sides * units
    return weights, steps, width


def _count(settings: Mapping[str, Json], key: str) -> int:
    """Give a size, of a list the product; what is none has no meaning to Keras either."""
    value = settings.get(key, 1)
    total = 1
    for size in value if isinstance(value, list) else [value]:
        if type(size) is not int or size < 1:
            raise NotRebuildableError(Message("model.unreadable"))
        total *= size
    return total


def _merged(specs: list[LayerSpec]) -> tuple[LayerSpec, ...]:
    """Join ``Dense(8)`` and a following ``Activation("relu")``: two spellings of one thing.

    Not so for recurrent layers, whose activation works inside the recurrence.
    """
    merged: list[LayerSpec] = []
    for spec in specs:
        before = merged[-1] if merged else None
        if spec.cls == "Activation" and before is not None:
            target = before.inner or before
            if target.cls in POINTWISE and target.config.get("activation", "linear") == "linear":
                joined = replace(target, config={**target.config, **spec.config})
                merged[-1] = replace(before, inner=joined) if before.inner else joined
                continue
        merged.append(spec)
    return tuple(merged)
