"""In the notebook's room: whether a model's weights are those that its initializers drew.

Enters: a built model. Leaves: nothing, or why the trainer could not begin where it does. Touches
nothing: an initializer that holds a seed draws the same again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .asking import UnusualError

INITIALIZERS = {
    "kernel": "kernel_initializer",
    "recurrent_kernel": "recurrent_initializer",
    "bias": "bias_initializer",
    "embeddings": "embeddings_initializer",
    "depthwise_kernel": "depthwise_initializer",
    "pointwise_kernel": "pointwise_initializer",
    "gamma": "gamma_initializer",
    "beta": "beta_initializer",
    "moving_mean": "moving_mean_initializer",
    "moving_variance": "moving_variance_initializer",
}


def refuse_touched(keras: Any, model: Any) -> None:
    """Raise where a weight is not as it was first drawn.

    Raises:
        UnusualError: weights set by hand (a paste, ``load_weights``, word vectors), or of a kind
            whose beginning is not known.
    """
    for layer in model._flatten_layers(include_self=False, recursive=True):  # noqa: SLF001
        own = [*layer._trainable_variables, *layer._non_trainable_variables]  # noqa: SLF001
        known = {id(getattr(layer, name, None)): name for name in INITIALIZERS}
        for variable in own:
            name = known.get(id(variable))
            if name is None:
                raise UnusualError(f"a weight of {type(layer).__name__} that has no initializer")
            drawn = _drawn(keras, layer, name, tuple(variable.shape))
            if not np.array_equal(np.asarray(drawn), np.asarray(variable)):
                raise UnusualError(f"weights of {type(layer).__name__} that were set")


def _drawn(keras: Any, layer: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draw a weight as ``build`` did."""
    initializer = getattr(layer, INITIALIZERS[name])
    if hasattr(getattr(initializer, "seed", None), "next"):
        raise UnusualError("an initializer that never draws the same twice")
    if name == "bias" and getattr(layer, "unit_forget_bias", False):
        units = layer.units
        parts = [initializer((units,)), keras.ops.ones((units,)), initializer((2 * units,))]
        return np.concatenate([np.asarray(part) for part in parts])
    return np.asarray(initializer(shape, dtype="float32"))
