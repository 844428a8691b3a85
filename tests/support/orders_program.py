"""Fits on TensorFlow whose steps somebody else takes; says as JSON what the caller saw.

Runs as a process of its own: ``fit`` is replaced in it. The trainer is played by Keras itself, with
a model of its own, so that what comes back is known to the last bit.
"""

from __future__ import annotations

import functools
import itertools
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

from grader.kernel import old_api, remarks
from grader.kernel.orders import Answer, Way, wrap_fit
from grader.kernel.orders.asking import RefusedError
from grader.kernel.orders.originals import Originals

L = keras.layers
X, Y = np.random.default_rng(1).random((40, 4, 2)), np.random.default_rng(2).random((40, 1))
STEPS = 2  # of an epoch, with Keras' own batch of 32

original = keras.Model.fit
orders: list[Any] = []
whys: list[str] = []
told: dict[str, dict[str, list[float]]] = {}
results: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}
epochs_of: dict[str, list[tuple[np.ndarray, ...]]] = {}  # weights after each


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
    epochs_of[name] = each
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


def best_checkpoint() -> Any:
    """The best epoch is the first one where more is better and the loss goes down."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/best.weights.h5"
        save = keras.callbacks.ModelCheckpoint(
            path, "loss", save_best_only=True, save_weights_only=True, mode="max"
        )
        model = usual(optimizer="sgd")
        history = model.fit(X, Y, epochs=3, callbacks=[save], verbose=0)
        found = seen(model, history)
        model.load_weights(path)
    best = epochs_of[f"result {len(orders)}"][int(np.argmax(history.history["loss"]))]
    return found | {"best": all(map(np.array_equal, best, model.get_weights()))}


def stops_on_nothing() -> Any:
    """Without validation there is no val_loss: Keras warns, and goes on."""
    model = usual()
    stop = [keras.callbacks.EarlyStopping("val_loss"), keras.callbacks.ReduceLROnPlateau()]
    return seen(model, model.fit(X, Y, epochs=2, callbacks=stop, verbose=0))


def written_down() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        tells = [
            keras.callbacks.CSVLogger(f"{folder}/log.csv"),
            keras.callbacks.TensorBoard(f"{folder}/board"),
        ]
        model = usual()
        history = model.fit(X, Y, epochs=2, callbacks=tells, verbose=0)
        lines = Path(folder, "log.csv").read_text(encoding="utf-8").splitlines()
        events = [path for path in Path(folder, "board").rglob("*") if path.is_file()]
    return seen(model, history) | {"lines": len(lines), "events": bool(events)}


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


def with_weights() -> Any:
    model = usual()
    given = {"sample_weight": np.linspace(0, 1, 40), "validation_data": (X[:9], Y[:9])}
    return seen(model, model.fit(X, Y, epochs=2, verbose=0, **given))


def with_class_weights() -> Any:
    model = compiled(L.SimpleRNN(3), L.Dense(1, activation="sigmoid"), loss="binary_crossentropy")
    return seen(model, model.fit(X, Y > 0.5, verbose=0, class_weight={0: 1.0, 1: 3.0}))


def on_a_plateau() -> Any:
    slower = keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=9, factor=0.5)
    model = usual()
    history = model.fit(X, Y, epochs=3, callbacks=[slower], verbose=0)
    return seen(model, history) | {"rate": float(model.optimizer.learning_rate)}


def history_of_the_model() -> Any:
    model = usual()
    history = model.fit(X, Y, epochs=2, verbose=0)
    return seen(model, history) | {"same": model.history is history, "params": history.params}


def slices(rows: int = 20) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(rows)


def turns() -> Any:
    """Two batches, ever again."""
    return itertools.cycle([(X[:20], Y[:20]), (X[20:], Y[20:])])


def generated() -> Any:
    yield from turns()


class Pairs(keras.utils.PyDataset):
    """The same two batches; ``moves``: other rows in each epoch."""

    def __init__(self, *, moves: bool = False) -> None:
        super().__init__()
        self.moves, self.epoch = moves, 0

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        rows = (np.arange(index * 20, index * 20 + 20) + 5 * self.moves * self.epoch) % 40
        return X[rows], Y[rows]

    def on_epoch_end(self) -> None:
        self.epoch += 1


def a_data_set() -> Any:
    model = usual()
    history = model.fit(slices(), epochs=2, verbose=0, validation_data=slices(15))
    return seen(model, history)


def a_generator() -> Any:
    model = usual()
    return seen(model, model.fit(generated(), steps_per_epoch=2, epochs=2, verbose=0))


def a_checking_generator() -> Any:
    model = usual()
    checked = {"validation_data": generated(), "validation_steps": 2}
    found = seen(model, history := model.fit(X, Y, epochs=2, verbose=0, **checked))
    measured = model.evaluate(X, Y, verbose=0)
    return found | {"same": bool(np.isclose(measured, history.history["val_loss"][-1]))}


def a_check_and_a_half() -> Any:
    """Three batches at a time of two: which one comes twice changes, the rows do not."""
    model = usual()
    checked = {"validation_data": generated(), "validation_steps": 3}
    found = seen(model, history := model.fit(X, Y, epochs=2, verbose=0, **checked))
    rows = np.concatenate([X, X[:20]]), np.concatenate([Y, Y[:20]])
    measured = model.evaluate(*rows, verbose=0)
    return found | {"same": bool(np.isclose(measured, history.history["val_loss"][-1]))}


def some_of_the_checks() -> Any:
    """Each check begins with the first batch."""
    model = usual()
    checked = {"validation_data": slices(), "validation_steps": 1}
    found = seen(model, history := model.fit(X, Y, epochs=2, verbose=0, **checked))
    measured = model.evaluate(X[:20], Y[:20], verbose=0)
    return found | {"same": bool(np.isclose(measured, history.history["val_loss"][-1]))}


def a_sequence() -> Any:
    model = usual()
    return seen(model, model.fit(Pairs(), epochs=2, verbose=0, shuffle=False))


def lists() -> Any:
    model = usual()
    checked = (X[:9].tolist(), Y[:9].tolist())
    return seen(model, model.fit(X.tolist(), Y.tolist(), verbose=0, validation_data=checked))


def fit_generator() -> Any:
    model = usual()
    return seen(model, model.fit_generator(generated(), 2, 2, verbose=0))


def decay() -> Any:
    model = usual(optimizer=keras.optimizers.SGD(lr=0.1, decay=0.5))
    history = model.fit(X, Y, epochs=2, verbose=0)
    return seen(model, history) | {"told": orders[-1]["compile"]["optimizer"]["config"]["decay"]}


# --- refused by the trainer: trained here, on what was drawn ---------------------------------------


def refusing(order: Any, arrays: Any) -> Answer:
    orders.append(order)
    raise RefusedError("no")


def with_and_without(call: Any) -> list[Any]:
    """Do something where the trainer refuses all, and with Keras alone."""
    found = []
    ordering = keras.Model.fit
    for one in (wrap_fit(keras, original, Way(refusing, whys.append)), original):
        keras.Model.fit = one
        keras.utils.set_random_seed(4)
        found.append(call())
    keras.Model.fit = ordering
    return found


def as_without(make: Any, model: Any = None, **fit: Any) -> bool:
    """Whether a model that was refused has learnt what Keras alone teaches it."""

    def learnt() -> list[np.ndarray]:
        one = model() if model else compiled(keras.Input((4, 2)), L.SimpleRNN(3), L.Dense(1))
        history = one.fit(make(), verbose=0, **fit)
        return [*one.get_weights(), np.array(history.history["loss"])]

    weights = with_and_without(learnt)
    return all(np.allclose(a, b, rtol=1e-5) for a, b in zip(*weights, strict=True))


def stateful_model() -> Any:
    entry = keras.Input(batch_shape=(20, 4, 2))
    return compiled(entry, L.SimpleRNN(3, stateful=True), L.Dense(1))


def known_words() -> Any:
    """Word vectors as Keras' own guide gives them to a model."""
    vectors = keras.initializers.Constant(np.linspace(0, 1, 36).reshape(9, 4))
    words = L.Embedding(9, 4, embeddings_initializer=vectors)
    return compiled(keras.Input((4,)), words, L.SimpleRNN(3), L.Dense(1))


def no_such_word() -> None:
    model = compiled(L.Embedding(9, 4), L.SimpleRNN(3), L.Dense(1))
    model.fit(np.full((40, 4), 9), Y, verbose=0)


def no_such_class() -> None:
    kinds = {"loss": "sparse_categorical_crossentropy"}
    compiled(L.SimpleRNN(3), L.Dense(2, activation="softmax"), **kinds).fit(
        X, np.full(40, 2), verbose=0
    )


def refused() -> Any:
    orders.clear()
    found = {
        "shuffled": as_without(lambda: slices(15).shuffle(3, seed=1), epochs=3),
        "generator": as_without(generated, steps_per_epoch=3, epochs=2),
        "moving sequence": as_without(lambda: Pairs(moves=True), epochs=2, shuffle=False),
        "checking generator": as_without(
            lambda: X, y=Y, epochs=2, validation_data=generated(), validation_steps=2
        ),
        "stateful": as_without(lambda: X, stateful_model, y=Y, batch_size=20, shuffle=False),
        "known words": as_without(lambda: np.arange(160).reshape(40, 4) % 9, known_words, y=Y),
    }
    errors = {
        call.__name__: with_and_without(functools.partial(error_of, call))
        for call in (no_such_word, no_such_class, *LATE)
    }
    return {"as without": found, "errors": errors, "asked": len(orders)}


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


def loaded_before() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/known.weights.h5"
        layers = keras.Input((4, 2)), L.SimpleRNN(3), L.Dense(1)
        compiled(*layers).save_weights(path)
        model = compiled(keras.Input((4, 2)), L.SimpleRNN(3), L.Dense(1))
        model.load_weights(path)
        model.fit(X, Y, verbose=0)


def on_batches_before() -> Any:
    model = usual()
    model.train_on_batch(X, Y)
    model.fit(X, Y, verbose=0)


def on_batches_alone() -> Any:
    model = usual()
    before = float(model.train_on_batch(X, Y))
    assert float(model.train_on_batch(X, Y)) < before


def by_tape_before() -> Any:
    import tensorflow as tf

    model = usual()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(X) - Y) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    keras.optimizers.SGD(0.1).apply_gradients(
        zip(gradients, model.trainable_variables, strict=True)
    )
    model.fit(X, Y, verbose=0)


def word_vectors_frozen() -> Any:
    """As the textbook has it: vectors set by hand, their layer frozen, compiled after that."""
    model = keras.Sequential([keras.Input((4,)), L.Embedding(9, 4), L.SimpleRNN(3), L.Dense(1)])
    model.layers[0].set_weights([np.ones((9, 4), np.float32)])
    model.layers[0].trainable = False
    model.compile("rmsprop", "mse")
    model.fit(np.zeros((40, 4), int), Y, verbose=0)


def own_function() -> Any:
    said = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    usual().fit(X, Y, verbose=0, callbacks=[said])


def looked_into() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        board = keras.callbacks.TensorBoard(folder, histogram_freq=1)
        usual().fit(X, Y, verbose=0, callbacks=[board])


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


def a_stopping_generator() -> Any:
    stop = keras.callbacks.EarlyStopping("loss")
    usual().fit(generated(), steps_per_epoch=2, epochs=2, verbose=0, callbacks=[stop])


def a_callbacks_data_set() -> Any:
    usual().fit(slices(), verbose=0, callbacks=[OwnCallback()])


def checks_that_go_on() -> Any:
    """Each check sees other rows: three batches in turn, two at a time."""
    thirds = itertools.cycle(
        [(X[start : start + 10], Y[start : start + 10]) for start in (0, 10, 20)]
    )
    checked = {"validation_data": (one for one in thirds), "validation_steps": 2}
    usual().fit(X, Y, verbose=0, **checked)


def a_checking_generator_of_no_length() -> Any:
    usual().fit(X, Y, verbose=0, validation_data=((X, Y) for _ in range(1)))


def trained_and_checked_by_one() -> Any:
    one = generated()
    usual().fit(one, steps_per_epoch=2, verbose=0, validation_data=one, validation_steps=2)


class Half(Pairs):
    """The first batch alone."""

    def __len__(self) -> int:
        return 1


def changing_checks() -> Any:
    usual().fit(X, Y, verbose=0, validation_data=Half(moves=True))


def taught_by_itself() -> Any:
    model = compiled(keras.Input((4, 2)), L.SimpleRNN(3), L.Dense(1))

    def own() -> Any:
        while True:
            yield X, model.predict(X, verbose=0)

    model.fit(own(), steps_per_epoch=1, verbose=0)


def two_inputs() -> Any:
    first, second = keras.Input((4, 2)), keras.Input((4, 2))
    both = L.Concatenate()([L.SimpleRNN(3)(first), L.SimpleRNN(3)(second)])
    model = keras.Model([first, second], L.Dense(1)(both))
    model.compile("adam", "mse")
    model.fit([X, X], Y, verbose=0)


def word_vectors() -> Any:
    words = L.Embedding(9, 4, weights=[np.ones((9, 4), np.float32)])
    model = compiled(words, L.SimpleRNN(3), L.Dense(1))
    model.fit(np.zeros((40, 4), int), Y, verbose=0)


def frozen() -> Any:
    model = compiled(L.SimpleRNN(3, trainable=False), L.Dense(1))
    model.fit(X, Y, verbose=0)


def wrong_shape() -> Any:
    compiled(keras.Input((4, 3)), L.SimpleRNN(3), L.Dense(1)).fit(X, Y, verbose=0)


def wrong_rows() -> Any:
    usual().fit(X, Y[:5], verbose=0)


def not_compiled() -> Any:
    keras.Sequential([L.SimpleRNN(3), L.Dense(1)]).fit(X, Y, verbose=0)


def both_weights() -> Any:
    usual().fit(X, Y, verbose=0, sample_weight=np.ones(40), class_weight={0: 1.0, 1: 2.0})


def targets_twice() -> Any:
    usual().fit(slices(), Y, verbose=0)


def weights_beside_a_data_set() -> Any:
    usual().fit(slices(), sample_weight=np.ones(40), verbose=0)


def a_part_of_a_data_set() -> Any:
    usual().fit(slices(), validation_split=0.5, verbose=0)


def data_set_of_other_rows() -> Any:
    compiled(keras.Input((4, 3)), L.SimpleRNN(3), L.Dense(1)).fit(slices(), verbose=0)


def an_empty_generator() -> Any:
    usual().fit((one for one in ()), verbose=0)


def nothing_at_all() -> Any:
    usual().fit(verbose=0)


def four_parts_to_check() -> Any:
    usual().fit(X, Y, verbose=0, validation_data=(X, Y, Y, Y))


def too_much_to_split() -> Any:
    usual().fit(X, Y, verbose=0, validation_split=0.999)


def words() -> Any:
    usual().fit(np.array([["a"]] * 40), Y, verbose=0)


def words_as_targets() -> Any:
    usual().fit(X, np.array(["a"] * 40), verbose=0)


def a_name_for_data() -> Any:
    usual().fit("data.csv", verbose=0)


def lists_of_other_lengths() -> Any:
    usual().fit([[1.0, 2.0], [3.0]], Y[:2], verbose=0)


def weights_of_other_rows() -> Any:
    usual().fit(X, Y, sample_weight=np.ones(5), verbose=0)


def class_weights_for_a_generator() -> Any:
    usual().fit(generated(), steps_per_epoch=2, verbose=0, class_weight={0: 1.0, 1: 2.0})


def class_weights_of_two_outputs() -> Any:
    entry = keras.Input((4, 2))
    both = L.SimpleRNN(3)(entry)
    model = keras.Model(entry, [L.Dense(1)(both), L.Dense(1)(both)])
    model.compile("adam", "mse")
    model.fit(X, [Y, Y], verbose=0, class_weight={0: 1.0})


def loss_of_no_output() -> Any:
    usual(loss={"nowhere": "mse"}).fit(X, Y, verbose=0)


def targets_for_two() -> Any:
    usual().fit(X, [Y, Y], verbose=0)


def targets_too_wide() -> Any:
    usual(loss="categorical_crossentropy").fit(X, np.ones((40, 3)), verbose=0)


def no_such_metric() -> Any:
    usual(metrics=["exactness"]).fit(X, Y, verbose=0)


def epochs_as_text() -> Any:
    usual().fit(X, Y, epochs="3", verbose=0)


def a_word_for_a_callback() -> Any:
    usual().fit(X, Y, verbose=0, callbacks=["early_stopping"])


# --- wrong, but Keras says so in its first step or after an epoch ----------------------------------


def without_a_loss() -> Any:
    model = keras.Sequential([L.SimpleRNN(3), L.Dense(1)])
    model.compile("adam")
    model.fit(X, Y, verbose=0)


def how_often_in_words() -> Any:
    usual().fit(X, Y, verbose=0, validation_split=0.5, validation_freq="always")


def checks_of_other_rows() -> Any:
    usual().fit(X, Y, verbose=0, validation_data=(X, Y[:5]))


def checks_of_other_shape() -> Any:
    usual().fit(X, Y, verbose=0, validation_data=(X[:, :, :1], Y))


def monitored_either_way() -> Any:
    stop = keras.callbacks.EarlyStopping("exactness")
    usual().fit(X, Y, verbose=0, callbacks=[stop])


def no_such_loss() -> Any:
    usual(loss="mean_error").fit(X, Y, verbose=0)


def no_such_argument() -> Any:
    usual().fit(X, Y, epoch=3)


ORDERED = (plain, validated, stopped_early, checkpoints, scheduled, went_on, functional)
ORDERED = (*ORDERED, not_a_number, seeds, validated_at_times, with_weights, with_class_weights)
ORDERED = (*ORDERED, on_a_plateau, history_of_the_model, a_data_set, a_generator, a_sequence)
ORDERED = (*ORDERED, best_checkpoint, stops_on_nothing, written_down)
ORDERED = (*ORDERED, a_checking_generator, a_check_and_a_half, some_of_the_checks)
OLD = (lists, fit_generator, decay)
HERE = (own_callback, own_step, planted, changed_between, patched, frozen)
HERE = (*HERE, own_loss, own_metric, own_activation, two_inputs, word_vectors)
HERE = (*HERE, a_stopping_generator, a_callbacks_data_set, changing_checks, checks_that_go_on)
HERE = (*HERE, a_checking_generator_of_no_length, trained_and_checked_by_one)
HERE = (*HERE, taught_by_itself, patched_class, loaded_before)
HERE = (*HERE, on_batches_before, on_batches_alone, by_tape_before, word_vectors_frozen)
HERE = (*HERE, own_function, looked_into)
WRONG = (wrong_shape, wrong_rows, not_compiled, no_such_argument, both_weights, targets_twice)
WRONG = (*WRONG, weights_beside_a_data_set, a_part_of_a_data_set, data_set_of_other_rows)
WRONG = (*WRONG, an_empty_generator, nothing_at_all, four_parts_to_check, too_much_to_split)
WRONG = (*WRONG, words, no_such_loss, words_as_targets, a_name_for_data)
WRONG = (*WRONG, lists_of_other_lengths, weights_of_other_rows, class_weights_for_a_generator)
WRONG = (*WRONG, class_weights_of_two_outputs, loss_of_no_output)
WRONG = (*WRONG, targets_for_two, targets_too_wide, no_such_metric, epochs_as_text)
WRONG = (*WRONG, a_word_for_a_callback)
LATE = (how_often_in_words, checks_of_other_rows, checks_of_other_shape, monitored_either_way)
LATE = (*LATE, without_a_loss)


class Unheard(remarks.Remarks):
    """Remarks that nobody hears."""

    def _send(self, content: dict[str, Any]) -> None:
        """Say nothing."""


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
        here[call.__name__] = {
            "asked": len(orders),
            "error": error,
            "why": whys[-1] if whys else "",
        }
    orders.clear()
    wrong = {call.__name__: [error_of(call), plain_errors[call.__name__]] for call in WRONG}
    everything = {"here": here, "wrong": wrong, "asked_in_error": len(orders)}
    everything["refused"] = refused()
    old_api.install(Unheard(None))
    originals.keep()  # what is ours is no replacement
    everything["ordered"] = found | {call.__name__: call() for call in OLD}
    sys.stderr.write(json.dumps(everything) + "\n")


if __name__ == "__main__":
    main()
