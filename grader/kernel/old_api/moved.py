"""In the notebook's room: what was called otherwise in 2018 to 2020, and what it is called today.

Enters: nothing. Leaves: tables. Touches nothing. Names of modules are Keras's own; TensorFlow's
``tensorflow.keras`` has the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_LAYERS = """recurrent core embeddings wrappers convolutional convolutional_recurrent normalization
    advanced_activations pooling merge noise local cudnn_recurrent""".split()

# Modules, and the one that has what they had.
MODULES: Mapping[str, str] = {
    **{f"keras.layers.{name}": "keras.layers" for name in _LAYERS},
    **{f"keras.utils.{name}": "keras.utils" for name in ("np_utils", "vis_utils", "data_utils")},
    "keras.utils.generic_utils": "keras.utils",
    "keras.callbacks.callbacks": "keras.callbacks",
    "keras.preprocessing.text": "keras._tf_keras.keras.preprocessing.text",
    "keras.engine": "keras.layers",
    "keras.engine.topology": "keras.layers",
    "keras.engine.base_layer": "keras.layers",
    "keras.engine.input_layer": "keras.layers",
    "keras.engine.training": "keras.models",
    "keras.engine.sequential": "keras.models",
    "keras.backend.tensorflow_backend": "keras.backend",
}

# Modules in which a name is looked for that is not where it was.
INSTEAD: Mapping[str, tuple[str, ...]] = {
    "keras.losses": ("keras.losses", "keras._tf_keras.keras.losses"),
    "keras.metrics": ("keras.metrics", "keras._tf_keras.keras.metrics"),
    "keras.backend": ("keras._tf_keras.keras.backend",),
    "keras.preprocessing.sequence": ("keras._tf_keras.keras.preprocessing.sequence",),
    "keras.preprocessing.image": ("keras._tf_keras.keras.preprocessing.image",),
    "keras.optimizers.legacy": ("keras.optimizers",),
}

_OPTIMIZERS = "SGD RMSprop Adam Adagrad Adadelta Adamax Nadam".split()

# What is there and only says that it is gone.
STUBS: Mapping[str, tuple[str, ...]] = {"keras.optimizers.legacy": tuple(_OPTIMIZERS)}

NAMES: Mapping[str, Mapping[str, str]] = {
    "keras.layers": {"CuDNNLSTM": "keras.layers.LSTM", "CuDNNGRU": "keras.layers.GRU"},
    "keras.models": {"Input": "keras.Input"},
    "keras.optimizers": {name.lower(): f"keras.optimizers.{name}" for name in _OPTIMIZERS},
    "tensorflow": {
        "set_random_seed": "tensorflow.random.set_seed",
        "ConfigProto": "tensorflow.compat.v1.ConfigProto",
        "GPUOptions": "tensorflow.compat.v1.GPUOptions",
        "logging": "tensorflow.compat.v1.logging",
    },
    "tensorflow.random": {"set_random_seed": "tensorflow.random.set_seed"},
    "numpy": {
        "float_": "numpy.float64",
        "complex_": "numpy.complex128",
        "unicode_": "numpy.str_",
        "string_": "numpy.bytes_",
        "round_": "numpy.round",
        "product": "numpy.prod",
        "cumproduct": "numpy.cumprod",
        "alltrue": "numpy.all",
        "sometrue": "numpy.any",
        "in1d": "numpy.isin",
        "trapz": "numpy.trapezoid",
    },
}


def _get_value(value: Any) -> Any:
    """Give the number or the array of a variable, as ``keras.backend.get_value`` did."""
    import keras

    array = np.asarray(keras.ops.convert_to_numpy(value))
    return array[()] if array.ndim == 0 else array


def _set_value(variable: Any, value: Any) -> None:
    """Set a variable, as ``keras.backend.set_value`` did."""
    variable.assign(value)


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing: what it was for is so anyway."""


class _Session:
    """Holds settings of devices for ``set_session``; there is no graph that it could run."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        raise AttributeError("module 'tensorflow' has no attribute 'Session'", name=name, obj=self)

    def __enter__(self) -> Any:
        return self.run

    def __exit__(self, *_: object) -> None:
        pass


# What has no module of its own, and what is said of it.
VALUES: Mapping[str, Mapping[str, tuple[Any, str]]] = {
    "numpy": {
        "float": (float, "float"),
        "int": (int, "int"),
        "object": (object, "object"),
        "str": (str, "str"),
        "complex": (complex, "complex"),
        "Inf": (np.inf, "np.inf"),
        "Infinity": (np.inf, "np.inf"),
        "infty": (np.inf, "np.inf"),
        "PINF": (np.inf, "np.inf"),
        "NINF": (-np.inf, "-np.inf"),
        "NaN": (np.nan, "np.nan"),
        "NAN": (np.nan, "np.nan"),
        "asscalar": (lambda array: array.item(), "array.item()"),
    },
    "keras.backend": {
        "get_value": (_get_value, "keras.ops.convert_to_numpy"),
        "set_value": (_set_value, "variable.assign"),
    },
}

# What prepared TensorFlow 1 for its work, and is not needed any more.
IDLE: Mapping[str, Mapping[str, Any]] = {
    "tensorflow": {
        "Session": _Session,
        "enable_eager_execution": _nothing,
        "enable_v2_behavior": _nothing,
    },
    "keras.backend": {"set_session": _nothing},
}
