"""In the trainer's room: what one order could leave to the next one.

Enters: Keras, as it is. Leaves: its settings for all models, registered names, JAX' settings, and
which functions its classes have. Touches nothing. Runs in a script and imports nothing of the
judge's.

An order is plain data, so none of our code leaves anything of it behind. This looks whether that is
so: a process that is not as it began trains nothing more, for what it trains is shared.
"""

from __future__ import annotations

import importlib
import inspect
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from grader.evaluation import allowed, trainable
else:
    import allowed  # a script finds its neighbours by their bare names
    import trainable

SETTINGS = (
    "backend epsilon floatx image_data_format dtype_policy max_epochs max_steps_per_epoch "
    "is_flash_attention_enabled is_nnx_enabled"
).split()
READ = ("JAX_", "KERAS_", "XLA_")  # of the environment; TensorFlow sets others when it is imported
PLACES = {
    "layers": {*allowed.LAYERS, *allowed.WRAPPERS},
    "initializers": allowed.INITIALIZERS,
    "optimizers": trainable.OPTIMIZERS,
    "losses": trainable.LOSSES,
    "metrics": trainable.METRICS,
    "callbacks": trainable.CALLBACKS,
}


def state_of(keras: Any) -> dict[str, Any]:
    """Give all of it, by names that say what it is; the same twice means that nothing was left."""
    found: dict[str, Any] = {"numpy": dict(np.geterr())}
    found["environment"] = {k: v for k, v in os.environ.items() if k.startswith(READ)}
    for name in SETTINGS:
        ask = getattr(keras.config, name, None)
        if ask is not None:
            value = ask()
            found[f"keras.{name}"] = getattr(value, "name", value)
    found["registered"] = sorted(map(str, keras.saving.get_custom_objects()))
    jax = importlib.import_module("jax")
    found |= {
        f"jax.{name}": repr(value)
        for name, value in dict(getattr(jax.config, "values", {})).items()
    }
    for place, names in PLACES.items():
        module = getattr(keras, place)
        for name in names:
            found |= _functions_of(getattr(module, name, None))
    return found | _functions_of(keras.Sequential) | _functions_of(keras.Model)


def _functions_of(cls: Any) -> dict[str, Any]:
    """Give the functions of a class and of what it is made of, each by itself."""
    told: dict[str, Any] = {}
    for one in inspect.getmro(cls) if inspect.isclass(cls) else ():
        for name, value in vars(one).items():
            if inspect.isfunction(value):
                told[f"{one.__module__}.{one.__qualname__}.{name}"] = value
    return told


def changed(began: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what is not as it was."""
    names = {*began, *now}
    return sorted(name for name in names if began.get(name) != now.get(name))
