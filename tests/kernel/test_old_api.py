"""Old calls become today's, with a Keras that only writes down what it was asked."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.kernel.old_api import layers, names, optimizers, training
from grader.kernel.old_api.moved import INSTEAD, MODULES, NAMES
from grader.kernel.old_api.wrapping import renamed


class Told:
    """Takes remarks."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def tell(self, kind: str, what: str, instead: str = "") -> None:
        assert kind == "old_api"
        self.heard.append((what, instead))


@pytest.fixture
def told() -> Told:
    return Told()


def test_an_argument_that_is_there_twice_is_left_for_the_library_to_refuse() -> None:
    given = {"lr": 1, "learning_rate": 2, "p": 3}
    assert renamed(given, {"lr": "learning_rate", "p": "rate"}) == [("p", "rate")]
    assert given == {"lr": 1, "learning_rate": 2, "rate": 3}


# --- training --------------------------------------------------------------------------------------


def keras_of(told: Told) -> Any:
    """A Keras whose models write down how they were called."""

    class Model:
        inputs: Any = None
        outputs: Any = None

        def __init__(self) -> None:
            self.calls: list[tuple[str, Any, dict[str, Any]]] = []

        def fit(self, x: Any = None, y: Any = None, epochs: int = 1, **more: Any) -> None:
            self.calls.append(("fit", x, {"y": y, "epochs": epochs, **more}))

        def evaluate(self, x: Any = None, y: Any = None, **more: Any) -> None:
            self.calls.append(("evaluate", x, {"y": y, **more}))

        def predict(self, x: Any, **more: Any) -> Any:
            self.calls.append(("predict", x, more))
            return self.answer

        answer: Any = None

    class Sequential(Model):
        pass

    class History:
        def __init__(self) -> None:
            self.history: dict[str, Any] = {}

    found = SimpleNamespace(
        Model=Model, Sequential=Sequential, callbacks=SimpleNamespace(History=History)
    )
    training.install(found, told)
    return found


def test_fit_generator_is_the_fit_that_the_probe_sees(told: Told) -> None:
    model = keras_of(told).Sequential()
    source = iter([1])
    model.fit_generator(source, 3, 2, 0, validation_steps=2.5, workers=4, max_queue_size=9)
    ((name, x, given),) = model.calls
    assert (name, x is source) == ("fit", True)
    assert given == {
        "y": None, "epochs": 2, "steps_per_epoch": 3, "verbose": 0, "validation_steps": 3,
    }  # fmt: skip
    assert told.heard == [("fit_generator", "fit")]


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.fit_generator([1], [2]),
        lambda model: model.fit_generator(iter([1]), 3, steps_per_epoch=4),
        lambda model: model.evaluate_generator(iter([1]), "ten"),
    ],
)
def test_a_call_that_no_version_took_is_the_error_of_today(told: Told, call: Any) -> None:
    model = keras_of(told).Sequential()
    with pytest.raises(AttributeError, match=r"'Sequential' object has no attribute '\w+_gen"):
        call(model)
    assert (model.calls, told.heard) == ([], [])


def test_lists_of_numbers_are_given_to_fit_as_arrays(told: Told) -> None:
    model = keras_of(told).Sequential()
    model.fit([[1, 2], [3, 4]], (y := np.ones(2)), nb_epoch=3)
    ((_, x, given),) = model.calls
    assert (x.shape, given["y"] is y, given["epochs"]) == ((2, 2), True, 3)
    assert [what for what, _ in told.heard] == ["nb_epoch=", "fit([…])"]


def test_lists_of_arrays_and_several_inputs_are_left_as_they_are(told: Told) -> None:
    model = keras_of(told).Sequential()
    arrays, targets = [np.ones(2), np.ones(2)], [1.0, 2.0]
    model.fit(arrays, targets)
    model.inputs = [1, 2]
    model.fit([[1], [2]], np.ones(1))
    (_, first, given), (_, second, _) = model.calls
    assert first is arrays
    assert given["y"] is targets
    assert second == [[1], [2]]
    assert told.heard == []


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ([1, 2], (2,)),
        ([np.float32(1), np.int64(2)], (2,)),
        ([[[0.1], [0.2]]], (1, 2, 1)),
        ([(1, 2), (3, 4)], (2, 2)),
        ([], None),
        ([[]], None),
        ([[1], [1, 2]], None),
        (["a"], None),
        ([np.ones(2)], None),
        ([1, "a"], None),
        ((1, 2), None),
        (np.ones(2), None),
        (None, None),
    ],
)
def test_what_counts_as_a_list_of_numbers(value: Any, shape: tuple[int, ...] | None) -> None:
    array = training.array_of(value)
    assert (None if array is None else array.shape) == shape


def test_predict_classes_is_the_likeliest_or_above_a_half(told: Told) -> None:
    model = keras_of(told).Sequential()
    model.answer = np.array([[0.1, 0.9], [0.6, 0.4]])
    assert model.predict_classes(1).tolist() == [1, 0]
    model.answer = np.array([[0.1], [0.6]])
    assert model.predict_classes(1).tolist() == [[0], [1]]


def test_acc_is_found_where_only_accuracy_is_and_the_history_stays_the_same(told: Told) -> None:
    history = keras_of(told).callbacks.History().history
    history.update({"accuracy": [0.5], "val_accuracy": [0.25]})
    assert (history["acc"], history["val_acc"]) == ([0.5], [0.25])
    assert "acc" not in history
    assert type(pickle.loads(pickle.dumps(history))) is dict
    with pytest.raises(KeyError, match="acuracy"):
        history["acuracy"]
    history.pop("accuracy")
    with pytest.raises(KeyError, match="acc"):
        history["acc"]


# --- optimizers --------------------------------------------------------------------------------------


def optimizer_of(told: Told) -> Any:
    """An optimizer as Keras makes them, over numbers."""

    class Optimizer:
        _iterations = 0

        def __init__(self, learning_rate: float) -> None:
            self._learning_rate = learning_rate

        @property
        def learning_rate(self) -> Any:
            return self._get_current_learning_rate()

        @learning_rate.setter
        def learning_rate(self, value: float) -> None:
            self._learning_rate = value

        def _get_current_learning_rate(self) -> float:
            return self._learning_rate

        def _backend_update_step(self, grads: Any, variables: Any, learning_rate: float) -> None:
            self.used = learning_rate

        def get_config(self) -> dict[str, Any]:
            return {"learning_rate": self._learning_rate}

    class Adam(Optimizer):
        def __init__(
            self, learning_rate: float = 0.001, epsilon: float = 1e-7, **kwargs: Any
        ) -> None:
            if kwargs:
                raise ValueError(f"Argument(s) not recognized: {kwargs}")
            super().__init__(learning_rate)
            self.epsilon = epsilon

    found = SimpleNamespace(Optimizer=Optimizer, Adam=Adam)
    cast = SimpleNamespace(cast=lambda value, _: value)
    optimizers.install(SimpleNamespace(optimizers=found, ops=cast), told)
    return Adam


def test_the_rate_falls_with_the_updates_as_decay_made_it(told: Told) -> None:
    optimizer = optimizer_of(told)(lr=0.5, decay=0.25, epsilon=None)
    rates = []
    for optimizer._iterations in range(4):
        optimizer._backend_update_step([], [], optimizer.learning_rate)
        rates.append(optimizer.used)
        optimizer.learning_rate = optimizer.learning_rate  # as callbacks do
    assert optimizer.learning_rate == optimizer.lr == 0.5
    assert rates == [0.5 / (1 + 0.25 * updates) for updates in range(4)]
    assert optimizer.get_config() == {"learning_rate": 0.5, "decay": 0.25}
    assert optimizer.epsilon == 1e-7


def test_without_decay_nothing_falls_and_nothing_is_told_of_it(told: Told) -> None:
    optimizer = optimizer_of(told)(0.5, decay=0.0)
    optimizer._iterations = 9
    optimizer.lr = 0.25
    assert (optimizer.learning_rate, optimizer.get_config()) == (0.25, {"learning_rate": 0.25})


@pytest.mark.parametrize("rates", [{"learning_rate": 0.1, "lr": 0.2}, {"lr": 0.2}])
def test_two_rates_are_a_mistake_by_name_or_by_place(told: Told, rates: dict[str, float]) -> None:
    args = () if "learning_rate" in rates else (0.1,)
    with pytest.raises(ValueError, match=r"not recognized: \{'lr'"):
        optimizer_of(told)(*args, **rates)
    assert told.heard == []


# --- layers ----------------------------------------------------------------------------------------


def layers_of(told: Told) -> Any:
    """Layers that write down what came to them."""

    class Layer:
        def __init__(self, **kwargs: Any) -> None:
            self.given = kwargs

    def made(first: str) -> Any:
        class Made(Layer):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(**dict(zip((first,), args, strict=False)), **kwargs)

        return Made

    class Sequential:
        def __init__(self) -> None:
            self._layers: list[Any] = []

        def add(self, layer: Any) -> None:
            self._layers.append(layer)

    found = {name: made("units") for name in layers.RENAMED}
    keras = SimpleNamespace(
        layers=SimpleNamespace(Layer=Layer, InputLayer=made("units"), **found),
        Sequential=Sequential,
    )
    layers.install(keras, told)
    return keras


def test_shapes_that_layers_took_are_those_of_today(told: Told) -> None:
    made = layers_of(told).layers
    assert made.LSTM(3, batch_input_shape=(None, 5, 2)).given == {
        "units": 3, "input_shape": (5, 2),
    }  # fmt: skip
    assert made.GRU(3, input_dim=2, input_length=5).given["input_shape"] == (5, 2)
    assert made.Embedding(9, input_length=5).given["input_shape"] == (5,)
    assert made.Embedding(9, input_length=(5,), input_shape=(4,)).given["input_length"] == (5,)
    assert "input_length" in made.LSTM(3, input_length=5).given  # which Keras refuses


def test_a_batch_size_comes_before_the_first_layer_and_only_there(told: Told) -> None:
    keras = layers_of(told)
    model = keras.Sequential()
    for _ in range(2):
        model.add(keras.layers.LSTM(3, batch_input_shape=(7, 5, 2)))
    first, *others = model._layers
    assert first.given == {"batch_shape": (7, 5, 2)}
    assert len(others) == 2


def test_arguments_have_their_new_names(told: Told) -> None:
    layer = layers_of(told).layers.Conv1D(nb_filter=3, filter_length=5, border_mode="same")
    assert layer.given == {"filters": 3, "kernel_size": 5, "padding": "same"}
    assert ("border_mode=", "padding=") in told.heard


# --- names -----------------------------------------------------------------------------------------


def module_of(told: Told, *, students: bool) -> ModuleType:
    module = ModuleType("numpy")
    names.teach(module, "numpy", told, lambda _: students)
    return module


def test_the_students_code_finds_old_names(told: Told) -> None:
    module = module_of(told, students=True)
    assert (module.float, module.in1d) == (float, np.isin)
    assert told.heard == [("numpy.float", "float"), ("numpy.in1d", "numpy.isin")]
    with pytest.raises(AttributeError, match="module 'numpy' has no attribute 'flaot'"):
        _ = module.flaot


def test_a_librarys_code_does_not(told: Told) -> None:
    module = module_of(told, students=False)
    assert not hasattr(module, "float")
    assert told.heard == []


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("tensorflow.keras.layers", "keras.layers"),
        ("keras._tf_keras.keras.utils", "keras.utils"),
        ("keras.layers", "keras.layers"),
        ("tensorflow.random", "tensorflow.random"),
        ("tensorflow.kerasx", "tensorflow.kerasx"),
    ],
)
def test_tensorflows_names_of_keras_are_keras_own(name: str, usual: str) -> None:
    assert names.usual_name(name) == usual


def test_a_module_that_comes_later_is_taught_under_its_own_loader(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "TAUGHT", frozenset({"antigravity"}))
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.setattr(names, "usual_name", lambda name: {"this": "antigravity"}.get(name, name))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    names.install(told, lambda _: True)
    import this

    assert type(this.__loader__) is type(this.__spec__.loader)  # type: ignore[union-attr]
    assert this.__spec__.loader.__class__.__module__ != names.__name__  # type: ignore[union-attr]
    assert "__getattr__" in vars(this)


def test_tables_name_modules_by_keras_own_name() -> None:
    for name in (*MODULES, *INSTEAD, *NAMES):
        assert names.usual_name(name) == name
