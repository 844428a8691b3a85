"""Fits on TensorFlow whose steps somebody else takes; says as JSON what the caller saw.

Runs as a process of its own: ``fit`` is replaced in it. The trainer is played by Keras itself, with
a model of its own, so that what comes back is known to the last bit.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
os.environ |= {"CUDA_VISIBLE_DEVICES": "-1"}

import keras
import numpy as np

from grader.kernel.orders import Answer, Way, wrap_fit
from grader.kernel.orders.originals import Originals

L = keras.layers
X, Y = np.random.default_rng(1).random((40, 4, 2)), np.random.default_rng(2).random((40, 1))
STEPS = 2  # of an epoch, with Keras' own batch of 32

original = keras.Model.fit
orders: list[Any] = []
whys: list[str] = []
told: dict[str, dict[str, list[float]]] = {}
results: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}


def trainer(order: Any, arrays: Any) -> Answer:
    """Train a model of our own as the order says."""
    order = json.loads(json.dumps(order))
    orders.append(order)
    described, asked = order["model"], order["compile"]
    kind = keras.Sequential if described["class_name"] == "Sequential" else keras.Model
    model = kind.from_config(described["config"])
    if not model.built:
        model.build(described["input_shape"])
    optimizer = keras.optimizers.get(asked["optimizer"])
    loss, metrics = (keras.saving.deserialize_keras_object(asked[k]) for k in ("loss", "metrics"))
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    if order["after"]:
        weights, state = results[order["after"]["result"]]
        model.set_weights(weights)
        if order["after"]["optimizer"] == "goes_on":
            optimizer.build(model.trainable_variables)
            for variable, value in zip(optimizer.variables, state, strict=True):
                variable.assign(value)
    each: list[tuple[np.ndarray, ...]] = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if order["rates"]:
                model.optimizer.learning_rate = order["rates"][epoch]

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            each.append(tuple(model.get_weights()))

    settings = dict(order["fit"])
    if settings["class_weight"]:
        settings["class_weight"] = {int(k): v for k, v in settings["class_weight"].items()}
    validation = [arrays[k] for k in ("validation_x", "validation_y") if k in arrays]
    callbacks = [getattr(keras.callbacks, name)(**given) for name, given in order["callbacks"]]
    history = original(
        model,
        arrays["x"],
        arrays["y"],
        sample_weight=arrays.get("sample_weight"),
        validation_data=tuple(validation) or None,
        verbose=0,
        callbacks=[*callbacks, Watch()],
        **settings,
    )
    name = f"result {len(orders)}"
    results[name] = model.get_weights(), [np.asarray(value) for value in optimizer.variables]
    told[name] = {key: list(map(float, values)) for key, values in history.history.items()}
    return Answer(
        name,
        tuple(history.epoch),
        {key: tuple(values) for key, values in told[name].items()},
        *(tuple(part) for part in results[name]),
        tuple(each) if order["each_epoch"] else (),
    )


def compiled(*layers: Any, optimizer: Any = "adam", loss: str = "mse", **others: Any) -> Any:
    model = keras.Sequential(list(layers))
    model.compile(optimizer=optimizer, loss=loss, **others)
    return model


def usual(**others: Any) -> Any:
    return compiled(L.SimpleRNN(3), L.Dense(1), **others)


def seen(model: Any, history: Any) -> dict[str, Any]:
    """Say what a model is like, beside what its trainer made."""
    weights, state = results[f"result {len(orders)}"]
    alike = [np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True)]
    slots = zip(state, model.optimizer.variables, strict=True)
    return {
        "weights": all(alike),
        "optimizer": all(np.array_equal(a, np.asarray(b)) for a, b in slots),
        "steps": int(model.optimizer.iterations),
        "epochs": history.epoch,
        "history": sorted(history.history),
        "own": sorted(name for name in vars(model) if name in ("evaluate", "make_train_function")),
        "stop": model.stop_training,
    }


def plain() -> Any:
    model = usual(metrics=["mae"])
    history = model.fit(X, Y, epochs=2, verbose=2)
    measured = model.evaluate(X, Y, verbose=0, return_dict=True)
    other = usual(metrics=["mae"])
    other.build((None, 4, 2))
    other.set_weights(model.get_weights())
    return seen(model, history) | {
        "same": measured == other.evaluate(X, Y, verbose=0, return_dict=True)
    }


def validated() -> Any:
    model = usual()
    return seen(model, model.fit(X, Y, epochs=2, validation_split=0.5, verbose=0))


def validated_at_times() -> Any:
    model = usual()
    checked = {"validation_split": 0.5, "validation_freq": 2, "verbose": 0}
    found = seen(model, history := model.fit(X, Y, epochs=4, **checked))
    there = told[f"result {len(orders)}"]["val_loss"]
    return found | {"alike": history.history["val_loss"] == there, "times": len(there)}


def stopped_early() -> Any:
    stop = keras.callbacks.EarlyStopping("loss", min_delta=9, patience=0, restore_best_weights=True)
    model = usual()
    found = seen(model, model.fit(X, Y, epochs=9, callbacks=[stop], verbose=0))
    return found | {"best": all(map(np.array_equal, stop.best_weights, model.get_weights()))}


def checkpoints() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        save = keras.callbacks.ModelCheckpoint(f"{folder}/{{epoch}}.keras")
        model = usual()
        history = model.fit(X, Y, epochs=2, callbacks=[save], verbose=0)
        files = sorted(Path(folder).iterdir())
        saved = [keras.models.load_model(file).get_weights() for file in files]
        differ = not all(map(np.array_equal, *saved))
        last = all(map(np.array_equal, saved[-1], model.get_weights()))
    return seen(model, history) | {"differ": differ, "last": last}


def scheduled() -> Any:
    asked: list[int] = []

    def half(epoch: int, rate: float) -> float:
        asked.append(epoch)
        return rate / 2

    schedule = keras.callbacks.LearningRateScheduler(half)
    model = usual()
    history = model.fit(X, Y, epochs=3, callbacks=[schedule], verbose=0)
    return seen(model, history) | {"asked": asked, "rates": history.history["learning_rate"]}


def went_on() -> Any:
    model = usual()
    model.fit(X, Y, epochs=2, verbose=0)
    found = seen(model, model.fit(X, Y, epochs=1, verbose=0))
    first = orders[-1]["after"]
    model.compile(optimizer="sgd", loss="mse")
    again = seen(model, model.fit(X, Y, epochs=1, verbose=0))
    return found | {"after": first, "compiled": orders[-1]["after"], "steps_again": again["steps"]}


def functional() -> Any:
    entry = keras.Input((4, 2))
    model = keras.Model(entry, L.Dense(1)(L.SimpleRNN(3)(entry)))
    model.compile("rmsprop", "mse")
    return seen(model, model.fit(X, Y, verbose=0, sample_weight=np.ones(40)))


def not_a_number() -> Any:
    model = usual(optimizer=keras.optimizers.SGD(1e30))
    guard = keras.callbacks.TerminateOnNaN()
    return seen(model, model.fit(X, Y, epochs=5, callbacks=[guard], verbose=0))


def seeds() -> Any:
    for seed in (5, 5, None):
        first = keras.initializers.GlorotUniform(seed)
        model = compiled(L.SimpleRNN(3), L.Dense(1, kernel_initializer=first))
        model.fit(X, Y, verbose=0)
    return [order["seeds"] for order in orders[-3:]]


# --- trained here, because an order cannot say it --------------------------------------------------


class OwnCallback(keras.callbacks.Callback):
    pass


class OwnModel(keras.Sequential):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def own_callback() -> Any:
    usual().fit(X, Y, verbose=0, callbacks=[OwnCallback()])


def own_step() -> Any:
    model = OwnModel([L.SimpleRNN(3), L.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)


def planted() -> Any:
    model = compiled(keras.Input((4, 2)), L.SimpleRNN(3), L.Dense(1))
    model.set_weights([weight + 1 for weight in model.get_weights()])
    model.fit(X, Y, verbose=0)


def changed_between() -> Any:
    model = usual()
    model.fit(X, Y, verbose=0)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    orders.clear()
    model.fit(X, Y, verbose=0)


def patched() -> Any:
    model = usual()
    model.compute_loss = functools.partial(model.compute_loss)
    model.fit(X, Y, verbose=0)


def patched_class() -> Any:
    usual_loss = keras.Model.compute_loss
    keras.Model.compute_loss = functools.partialmethod(usual_loss)
    try:
        usual().fit(X, Y, verbose=0)
    finally:
        keras.Model.compute_loss = usual_loss


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred))


def own_loss() -> Any:
    usual(loss=mean_squared_error).fit(X, Y, verbose=0)


def own_metric() -> Any:
    usual(metrics=["mae", mean_squared_error]).fit(X, Y, verbose=0)


def own_activation() -> Any:
    def tanh(x: Any) -> Any:
        return x

    compiled(L.SimpleRNN(3), L.Dense(1, activation=tanh)).fit(X, Y, verbose=0)


def a_data_set() -> Any:
    import tensorflow as tf

    usual().fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(20), verbose=0)


def frozen() -> Any:
    model = compiled(L.SimpleRNN(3, trainable=False), L.Dense(1))
    model.fit(X, Y, verbose=0)


def wrong_shape() -> Any:
    compiled(keras.Input((4, 3)), L.SimpleRNN(3), L.Dense(1)).fit(X, Y, verbose=0)


def wrong_rows() -> Any:
    usual().fit(X, Y[:5], verbose=0)


def not_compiled() -> Any:
    keras.Sequential([L.SimpleRNN(3), L.Dense(1)]).fit(X, Y, verbose=0)


def no_such_argument() -> Any:
    usual().fit(X, Y, epoch=3)


ORDERED = (plain, validated, stopped_early, checkpoints, scheduled, went_on, functional)
ORDERED = (*ORDERED, not_a_number, seeds, validated_at_times)
HERE = (own_callback, own_step, planted, changed_between, patched, a_data_set, frozen)
HERE = (*HERE, own_loss, own_metric, own_activation, patched_class)
WRONG = (wrong_shape, wrong_rows, not_compiled, no_such_argument)


def error_of(call: Any) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    plain_errors = {call.__name__: error_of(call) for call in WRONG}
    originals = Originals(keras)
    way = Way(trainer, whys.append, refuse_replaced=originals.refuse_replaced)
    keras.Model.fit = wrap_fit(keras, original, way)
    originals.keep()
    found = {call.__name__: call() for call in ORDERED}
    here = {}
    for call in HERE:
        orders.clear()
        whys.clear()
        error = error_of(call)
        here[call.__name__] = {"asked": len(orders), "error": error, "why": whys[-1]}
    orders.clear()
    wrong = {call.__name__: [error_of(call), plain_errors[call.__name__]] for call in WRONG}
    everything = {"ordered": found, "here": here, "wrong": wrong, "asked_in_error": len(orders)}
    sys.stderr.write(json.dumps(everything) + "\n")


if __name__ == "__main__":
    main()
