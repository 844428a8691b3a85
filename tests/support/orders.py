"""Orders as a notebook tells them, without Keras."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from grader.trainer.order import Order, read_order
from grader.types import Array

RNG = np.random.default_rng(3)
X = RNG.normal(size=(24, 5, 2)).astype(np.float32)
Y = RNG.normal(size=(24, 1)).astype(np.float32)
ARRAYS: dict[str, Array] = {"x": X, "y": Y}
FLOAT32 = {
    "module": "keras",
    "class_name": "DTypePolicy",
    "config": {"name": "float32"},
    "registered_name": None,
}


def initializer(name: str, **config: Any) -> dict[str, Any]:
    """An initializer as Keras tells it."""
    return {
        "module": "keras.initializers",
        "class_name": name,
        "config": config,
        "registered_name": None,
    }


def layer(cls: str, **config: Any) -> dict[str, Any]:
    """A layer as Keras tells it."""
    usual = {"name": cls.lower(), "trainable": True, "dtype": FLOAT32}
    return {
        "module": "keras.layers",
        "class_name": cls,
        "config": {**usual, **config},
        "registered_name": None,
    }


def dense(units: int = 1, **config: Any) -> dict[str, Any]:
    """A Dense layer with all that Keras tells of it."""
    usual = {
        "units": units,
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": initializer("GlorotUniform", seed=None),
        "bias_initializer": initializer("Zeros"),
        "kernel_regularizer": None,
        "bias_regularizer": None,
        "kernel_constraint": None,
        "bias_constraint": None,
        "quantization_config": None,
    }
    return layer("Dense", **{**usual, **config})


def lstm(units: int = 3, **config: Any) -> dict[str, Any]:
    """An LSTM with all that Keras tells of it."""
    usual = {
        "return_sequences": False,
        "return_state": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "zero_output_for_mask": False,
        "units": units,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        "kernel_initializer": initializer("GlorotUniform", seed=None),
        "recurrent_initializer": initializer("Orthogonal", seed=None, gain=1.0),
        "bias_initializer": initializer("Zeros"),
        "unit_forget_bias": True,
        "kernel_regularizer": None,
        "recurrent_regularizer": None,
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": None,
        "recurrent_constraint": None,
        "bias_constraint": None,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
        "seed": None,
    }
    return layer("LSTM", **{**usual, **config})


def embedding(rows: int, width: int = 2, **config: Any) -> dict[str, Any]:
    """An Embedding."""
    first = initializer("RandomUniform", seed=None, minval=-0.05, maxval=0.05)
    usual = {"input_dim": rows, "output_dim": width, "embeddings_initializer": first}
    return layer("Embedding", **{**usual, "mask_zero": False, **config})


def sequential(*layers: dict[str, Any], shape: tuple[int | None, ...] = (5, 2)) -> dict[str, Any]:
    """A Sequential model as the probe describes it."""
    first = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {
            "batch_shape": [None, *shape],
            "dtype": "float32",
            "sparse": False,
            "ragged": False,
            "name": "input",
        },
        "registered_name": None,
    }
    config = {"name": "sequential", "trainable": True, "dtype": FLOAT32}
    return {
        "class_name": "Sequential",
        "config": {**config, "layers": [first, *layers], "build_input_shape": [None, *shape]},
        "input_shape": [None, *shape],
        "output_shape": [None, 1],
    }


def optimizer(name: str = "RMSprop", **config: Any) -> dict[str, Any]:
    """An optimizer with what Keras tells of all of them."""
    usual = {
        "name": name.lower(),
        "learning_rate": 0.0010000000474974513,
        "weight_decay": None,
        "clipnorm": None,
        "global_clipnorm": None,
        "clipvalue": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
    }
    return {
        "module": "keras.optimizers",
        "class_name": name,
        "config": {**usual, **config},
        "registered_name": None,
    }


def claim(**changes: Any) -> dict[str, Any]:
    """An order of a small LSTM, with some of its parts changed."""
    usual = {
        "version": 1,
        "model": sequential(lstm(), dense()),
        "compile": {
            "optimizer": optimizer(),
            "loss": "mse",
            "loss_weights": None,
            "metrics": ["mae"],
            "weighted_metrics": None,
            "run_eagerly": False,
            "steps_per_execution": 1,
            "jit_compile": True,
        },
        "fit": {
            "epochs": 2,
            "initial_epoch": 0,
            "batch_size": 8,
            "steps_per_epoch": None,
            "shuffle": True,
            "validation_split": 0.0,
            "validation_batch_size": None,
            "validation_steps": None,
            "validation_freq": 1,
            "class_weight": None,
        },
        "callbacks": [],
        "rates": None,
        "each_epoch": False,
        "after": None,
        "seeds": [None, None, None],
        "occurrence": 0,
    }
    return copy.deepcopy({**usual, **changes})


def changed(path: str, value: Any, **changes: Any) -> dict[str, Any]:
    """An order with one value somewhere in it changed: ``compile.optimizer.config.use_ema``."""
    order = claim(**changes)
    *parents, last = path.split(".")
    place: Any = order
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[int(last) if isinstance(place, list) else last] = value
    return order


def order(arrays: dict[str, Array] | None = None, **changes: Any) -> Order:
    """The order that is read from such a claim."""
    return read_order(claim(**changes), arrays or ARRAYS)
