"""Reads the model of an order: nothing that a training depends on is ever dropped.

Enters: keras' serialised configuration as JSON, a claim. Leaves: an Architecture. Touches nothing.

``read_architecture`` asks what a trained model computes, so it may pass over what only matters
while training (regularizers, frozen layers). Here that is looked at first, and refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from grader.evaluation.allowed import CELLS, INITIALIZERS, LAYERS, WRAPPERS
from grader.extract.architecture import Architecture, read_architecture
from grader.extract.keras_config import NotRebuildableError, chain_of
from grader.trainer.refusing import NotAnOrderError, refuse
from grader.trainer.settings import is_number, keras_own

# What does not change a training, whatever its value.
IGNORED = frozenset(
    "name seed unroll implementation use_cudnn batch_shape batch_input_shape input_length "
    "supports_masking renorm_momentum".split()
)

# What must have these values: the trainer knows no others.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "trainable": (True,),
    "return_state": (False,),
    "stateful": (False,),
    "zero_output_for_mask": (False,),
    "time_major": (False,),
    "synchronized": (False,),
    "renorm": (False,),
    "rms_scaling": (False,),
    "sparse": (False,),
    "ragged": (False,),
    "optional": (False,),
    "data_format": ("channels_last", None),
    **dict.fromkeys(
        (
            "quantization_config lora_rank lora_alpha noise_shape renorm_clipping weights "
            "activity_regularizer kernel_regularizer recurrent_regularizer bias_regularizer "
            "embeddings_regularizer beta_regularizer gamma_regularizer depthwise_regularizer "
            "pointwise_regularizer kernel_constraint recurrent_constraint bias_constraint "
            "embeddings_constraint beta_constraint gamma_constraint depthwise_constraint "
            "pointwise_constraint"
        ).split(),
        (None,),
    ),
}

# First weights that the layers are built with; they stand in no layer's list of settings.
USUAL_FIRST = {
    "beta_initializer": "Zeros",
    "gamma_initializer": "Ones",
    "moving_mean_initializer": "Zeros",
    "moving_variance_initializer": "Ones",
    "depthwise_initializer": "GlorotUniform",
    "pointwise_initializer": "GlorotUniform",
}
MODELS = ("Sequential", "Functional")
INPUTS = ("float32", "float64", "int32", "int64")
MAY_BE_NONE = frozenset({"activation", "recurrent_activation", "strides", "max_value"})


def read_model(config: Mapping[str, Any]) -> Architecture:
    """Read the model of an order.

    Raises:
        NotAnOrderError: no chain of listed layers, or one with a setting that matters for training
            and that the trainer does not know.
    """
    try:
        architecture = read_architecture(config)
        layers = chain_of(config)
    except NotRebuildableError as error:
        raise NotAnOrderError(error.message) from error
    for model in _models(config):
        keras_own(model, str(model["class_name"]))
        if model["config"].get("trainable", True) is not True:
            refuse("order.setting", cls="Model", setting="trainable")
    for layer in layers:
        _check(layer)
    return architecture


def _models(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give a model and those nested in it; chain_of went through all of them before."""
    yield model
    for layer in model["config"]["layers"]:
        if isinstance(layer, Mapping) and layer.get("class_name") in MODELS:
            yield from _models(layer)


def _check(layer: Mapping[str, Any]) -> None:
    """Look at every setting of a layer that is known to be a listed one."""
    cls, config = str(layer.get("class_name")), layer.get("config")
    keras_own(layer, cls)
    if not isinstance(config, Mapping):
        refuse("order.unreadable", what=cls)
    listed = LAYERS.get(cls) or WRAPPERS.get(cls) or frozenset()
    if cls == "RNN":
        _check_cell(config["cell"])
        listed = frozenset({"return_sequences", "go_backwards"})
    for key, value in config.items():
        if key in listed:
            _check_listed(cls, key, value)
        elif key in ("layer", "backward_layer") and cls in WRAPPERS:
            _check_inner(cls, key, value)
        elif not (cls == "RNN" and key == "cell"):
            _check_other(cls, key, value)


def _check_cell(cell: Mapping[str, Any]) -> None:
    name = CELLS[str(cell.get("class_name"))]
    _check({**cell, "class_name": name})


def _check_inner(cls: str, key: str, value: Any) -> None:
    if isinstance(value, Mapping):
        _check(value)
    elif value is not None:
        refuse("order.setting", cls=cls, setting=key)


def _check_listed(cls: str, key: str, value: Any) -> None:
    """A listed setting was kept as it is, but for what ``read_architecture`` leaves to Keras."""
    if key.endswith("initializer"):
        _check_initializer(cls, key, value)
    elif value is None and key not in MAY_BE_NONE:
        refuse("order.setting", cls=cls, setting=key)


def _check_initializer(cls: str, key: str, value: Any) -> None:
    name = value.get("class_name") if isinstance(value, Mapping) else None
    if not isinstance(name, str) or name not in INITIALIZERS:
        refuse("order.setting", cls=cls, setting=key)
    keras_own(value, name)
    config = value.get("config")
    if not isinstance(config, Mapping):
        refuse("order.setting", cls=cls, setting=key)
    for setting, one in config.items():
        if setting != "seed" and not (one is None or isinstance(one, str) or is_number(one)):
            refuse("order.setting", cls=cls, setting=f"{key}.{setting}")


def _check_other(cls: str, key: str, value: Any) -> None:
    if key in IGNORED:
        return
    if key == "dtype":
        fine = _is_float32(value) or (cls == "InputLayer" and value in INPUTS)
    elif key in USUAL_FIRST:
        fine = isinstance(value, Mapping) and value.get("class_name") == USUAL_FIRST[key]
        if fine:
            keras_own(value, USUAL_FIRST[key])
    else:
        fine = any(value is one or value == one for one in NEUTRAL.get(key, ()))
    if not fine:
        refuse("order.setting", cls=cls, setting=key)


def _is_float32(value: Any) -> bool:
    if isinstance(value, Mapping):
        if value.get("class_name") != "DTypePolicy" or not isinstance(value.get("config"), Mapping):
            return False
        value = value["config"].get("name")
    return value in (None, "float32")
