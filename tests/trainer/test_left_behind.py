"""Orders of one run share a process: they are plain data, and what one left behind would be seen."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.evaluation import trainable
from grader.evaluation.left_behind import changed, state_of
from grader.trainer.order import read_order
from grader.trainer.refusing import NotAnOrderError
from tests.support.orders import ARRAYS, claim, dense, layer, lstm, optimizer, order, sequential


class Layer:
    """Stands for a base class of Keras'."""

    def call(self, inputs: Any) -> Any:
        return inputs


class LSTM(Layer):
    """Stands for a layer."""


class Config:
    """Stands for ``keras.config``."""

    def __init__(self) -> None:
        self.told = {"epsilon": 1e-7, "floatx": "float32", "dtype_policy": None}

    def epsilon(self) -> Any:
        return self.told["epsilon"]

    def floatx(self) -> Any:
        return self.told["floatx"]

    def dtype_policy(self) -> Any:
        return SimpleNamespace(name=self.told["dtype_policy"])


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the room imports, as far as it is looked at."""
    jax = SimpleNamespace(config=SimpleNamespace(values={"jax_enable_x64": False}))
    monkeypatch.setitem(sys.modules, "jax", jax)  # type: ignore[arg-type]
    custom: dict[str, Any] = {}
    found = SimpleNamespace(
        config=Config(),
        saving=SimpleNamespace(get_custom_objects=lambda: custom),
        layers=SimpleNamespace(LSTM=LSTM),
        Sequential=Layer,
        Model=Layer,
        custom=custom,
        jax=jax,
    )
    for name in ("initializers", "optimizers", "losses", "metrics", "callbacks"):
        setattr(found, name, SimpleNamespace())
    return found


def test_where_nothing_happened_nothing_was_left(keras: Any) -> None:
    assert changed(state_of(keras), state_of(keras)) == []


@pytest.mark.parametrize(
    ("leave", "named"),
    [
        (lambda keras: keras.config.told.update(epsilon=0.5), "keras.epsilon"),
        (lambda keras: keras.config.told.update(floatx="float16"), "keras.floatx"),
        (lambda keras: keras.config.told.update(dtype_policy="mixed"), "keras.dtype_policy"),
        (lambda keras: keras.custom.update(Own=int), "registered"),
        (lambda keras: keras.jax.config.values.update(jax_enable_x64=True), "jax.jax_enable_x64"),
        (lambda keras: keras.jax.config.values.update(jax_debug_nans=True), "jax.jax_debug_nans"),
    ],
)
def test_a_setting_for_all_models_that_changed_is_named(keras: Any, leave: Any, named: str) -> None:
    began = state_of(keras)
    leave(keras)
    assert changed(began, state_of(keras)) == [named]


def test_a_method_of_a_class_that_changed_is_named(
    keras: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = state_of(keras)
    monkeypatch.setattr(Layer, "call", lambda self, inputs: inputs * 0)
    assert [name.rpartition(".")[2] for name in changed(began, state_of(keras))] == ["call"]


def test_what_numpy_and_the_process_are_told_counts(
    keras: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = state_of(keras)
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    with np.errstate(over="raise"):
        assert changed(began, state_of(keras)) == ["environment", "numpy"]


# --- an order is plain data ----------------------------------------------------------------------


def texts(value: Any) -> Iterator[str]:
    """Every text in JSON, but for the names of settings."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def test_what_the_room_is_told_names_no_code() -> None:
    """Classes are names of tables; no module, no registered name, no function, no path."""
    callbacks = [["EarlyStopping", {"monitor": "mae", "patience": 2}], ["TerminateOnNaN", {}]]
    model = sequential(lstm(dropout=0.1, return_sequences=True), layer("Flatten"), dense())
    told = json.loads(json.dumps(order(model=model, callbacks=callbacks).as_json()))
    tables = (trainable.OPTIMIZERS, trainable.LOSSES, trainable.METRICS, trainable.CALLBACKS)
    known = {name for table in tables for name in table} | {"LSTM", "Flatten", "Dense"}
    known |= {"GlorotUniform", "Orthogonal", "Zeros"}
    settings = {"tanh", "sigmoid", "linear", "float32", "metric_0", "channels_last"}
    assert set(texts(told)) - known - settings == set()
    assert all(array.dtype.kind in "if" for array in order().arrays.values())


OWN = {"module": "student", "class_name": "Own", "config": {}, "registered_name": "student>Own"}
LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wAA", "defaults": None}}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": sequential(layer("Lambda", function=LAMBDA), dense())},
        {"model": sequential(layer("Own"), dense())},
        {"model": sequential(lstm(activation=LAMBDA), dense())},
        {"model": sequential(lstm(activation=OWN), dense())},
        {"model": sequential(lstm(kernel_initializer=OWN), dense())},
        {"model": sequential(lstm(kernel_regularizer=OWN), dense())},
        {"model": sequential(lstm(kernel_constraint=OWN), dense())},
        {"model": sequential(lstm(dtype={"class_name": "DTypePolicy", "config": {"name": "x"}}))},
        {"model": sequential(lstm(dtype="mixed_float16"), dense())},
        {"compile": {**claim()["compile"], "loss": OWN}},
        {"compile": {**claim()["compile"], "loss": "student>own"}},
        {"compile": {**claim()["compile"], "metrics": [OWN]}},
        {"compile": {**claim()["compile"], "optimizer": OWN}},
        {"compile": {**claim()["compile"], "optimizer": optimizer("SGD", learning_rate=OWN)}},
        {"callbacks": [["Own", {}]]},
        {"callbacks": [["LambdaCallback", {"on_epoch_end": LAMBDA}]]},
    ],
)
def test_what_holds_or_names_code_of_the_notebooks_is_no_order(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAnOrderError):
        read_order(claim(**changes), ARRAYS)
