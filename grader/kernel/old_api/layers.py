"""In the notebook's room: arguments of layers that Keras 2 knew.

Enters: Keras. Leaves: layers that take them. Touches: their constructors, ``Sequential.add``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .wrapping import KIND, renamed, wrap

# Keras 1 had these, and Keras until 2.3 still took them.
_WEIGHTS = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer"}
_RECURRENT = {
    "output_dim": "units",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "U_regularizer": "recurrent_regularizer",
    **_WEIGHTS,
}
_CONVOLUTION = {
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "border_mode": "padding",
    "subsample_length": "strides",
    **_WEIGHTS,
}
_POOLING = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
RENAMED: Mapping[str, Mapping[str, str]] = {
    "Dense": {"output_dim": "units", **_WEIGHTS},
    "Dropout": {"p": "rate"},
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "SimpleRNN": _RECURRENT,
    "Conv1D": _CONVOLUTION,
    "MaxPooling1D": _POOLING,
    "AveragePooling1D": _POOLING,
    "Embedding": {"init": "embeddings_initializer"},
}
BATCH = "grader_batch_shape"  # of the layer that begins a Sequential
INPUT, INPUT_WITH_BATCH = "keras.Input(shape=…)", "keras.Input(batch_shape=…)"


def install(keras: Any, remarks: Any) -> None:
    """Let layers take the arguments of their time."""
    for name, names in RENAMED.items():
        wrap(getattr(keras.layers, name), "__init__", _renaming(names, remarks))
    wrap(keras.layers.Embedding, "__init__", _with_length(remarks))
    wrap(keras.layers.Layer, "__init__", _with_shapes(remarks))
    wrap(keras.Sequential, "add", _with_batch(keras))


Maker = Callable[[Callable[..., None]], Callable[..., None]]


def _renaming(names: Mapping[str, str], remarks: Any) -> Maker:
    def make(usual: Callable[..., None]) -> Callable[..., None]:
        def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            for old, new in renamed(kwargs, names):
                remarks.tell(KIND, f"{old}=", f"{new}=")
            usual(self, *args, **kwargs)

        return constructed

    return make


def _with_length(remarks: Any) -> Maker:
    """``Embedding(…, input_length=n)`` told the model its input; today's Keras ignores it."""

    def make(usual: Callable[..., None]) -> Callable[..., None]:
        def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            length = kwargs.get("input_length")
            if length is not None and not kwargs.keys() & {"input_shape", "batch_input_shape"}:
                del kwargs["input_length"]
                shape = tuple(length) if isinstance(length, (list, tuple)) else (length,)
                kwargs["input_shape"] = shape
                remarks.tell(KIND, "input_length=", INPUT)
            usual(self, *args, **kwargs)

        return constructed

    return make


def _with_shapes(remarks: Any) -> Maker:
    """Every layer took ``batch_input_shape``, and a recurrent one ``input_dim, input_length``."""

    def make(usual: Callable[..., None]) -> Callable[..., None]:
        def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            batch = kwargs.get("batch_input_shape")
            if batch is not None and "input_shape" not in kwargs:
                del kwargs["batch_input_shape"]
                kwargs["input_shape"] = tuple(batch[1:])
                remarks.tell(KIND, "batch_input_shape=", INPUT_WITH_BATCH)
            if "input_length" in kwargs and "input_dim" in kwargs and "input_shape" not in kwargs:
                kwargs["input_shape"] = kwargs.pop("input_length"), kwargs.pop("input_dim")
                remarks.tell(KIND, "input_length=", INPUT)
            usual(self, *args, **kwargs)
            if batch is not None and batch[0] is not None:
                setattr(self, BATCH, tuple(batch))

        return constructed

    return make


def _with_batch(keras: Any) -> Maker:
    def make(usual: Callable[..., None]) -> Callable[..., None]:
        def add(self: Any, layer: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            batch = getattr(layer, BATCH, None)
            if batch is not None and not self._layers:
                usual(self, keras.layers.InputLayer(batch_shape=batch))
            usual(self, layer, *args, **kwargs)

        return add

    return make
