"""A script: trains small models with Keras on TensorFlow, and says how, for the trainer to repeat.

Enters: argv[1], a folder. Leaves in it, for each case, ``NAME.json`` with the order and the history
and ``NAME.npz`` with arrays, first and last weights and the optimizer's variables.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from grader.execute.caps import ORDER_BYTES
from grader.kernel import old_api, remarks
from grader.kernel.orders import data, describing, sources

RNG = np.random.default_rng(5)
ROWS, STEPS = 40, 6
X = RNG.normal(size=(ROWS, STEPS, 2)).astype(np.float32)
Y = (X[:, :, 0].sum(axis=1, keepdims=True) > 0).astype(np.float32) + 0.1 * X[:, 0, 1:]
BINARY = (Y > 0.5).astype(np.float32)
WORDS = RNG.integers(0, 9, size=(ROWS, STEPS))
ONCE = RNG.permutation(ROWS * STEPS).reshape(ROWS, STEPS)  # no word twice
THREE = RNG.integers(0, 3, size=ROWS)
EACH_STEP = (X[:, :, :1] > 0).astype(np.float32)
WEIGHT = RNG.uniform(0.1, 2.0, size=ROWS).astype(np.float32)
CALLBACKS: dict[str, Callable[..., Any]] = {
    "EarlyStopping": keras.callbacks.EarlyStopping,
    "ReduceLROnPlateau": keras.callbacks.ReduceLROnPlateau,
}

Case = dict[str, Any]


class Unheard(remarks.Remarks):
    """Remarks that nobody hears."""

    def _send(self, content: dict[str, Any]) -> None:
        """Say nothing."""


def case(*stack: Any, x: Any = X, y: Any = Y, shape: Any = None, **said: Any) -> Case:
    """One training; ``said``: what differs from five epochs of plain SGD and the mean square."""
    first = keras.Input(shape or x.shape[1:])
    usual: Case = {"optimizer": "sgd", "loss": "mse", "metrics": [], "callbacks": [], "fit": {}}
    return {"model": keras.Sequential([first, *stack]), "x": x, "y": y, **usual, **said}


def plain(**said: Any) -> Case:
    """A training of which the model does not matter: a recurrent one takes long to compile."""
    return case(layers.Flatten(), layers.Dense(3, "tanh"), layers.Dense(1), **said)


def by_layer() -> dict[str, Case]:
    """A case for every kind of layer."""
    last = layers.Dense
    flat = layers.Flatten
    return (
        {
            "dense": case(flat(), last(4, activation="relu"), last(1)),
            "simple-rnn": case(layers.SimpleRNN(3), last(1)),
            "lstm": case(layers.LSTM(3, return_sequences=True), layers.LSTM(2), last(1)),
            "gru": case(layers.GRU(3, return_sequences=True), layers.GRU(2), last(1)),
            "gru-reset-before": case(layers.GRU(3, reset_after=False), last(1)),
            "lstm-backwards": case(layers.LSTM(3, go_backwards=True, use_bias=False), last(1)),
            "rnn-of-a-cell": case(layers.RNN(layers.GRUCell(3)), last(1)),
            "bidirectional": case(layers.Bidirectional(layers.LSTM(3)), last(1)),
            "bidirectional-sum": case(
                layers.Bidirectional(layers.GRU(3), merge_mode="sum"), last(1)
            ),
            "conv1d": case(
                layers.Conv1D(3, 2, activation="relu"), layers.MaxPooling1D(2), flat(), last(1)
            ),
            "separable": case(
                layers.SeparableConv1D(3, 2, padding="same"), layers.GlobalMaxPooling1D(), last(1)
            ),
            "average": case(layers.AveragePooling1D(2), layers.GRU(2), last(1)),
            "embedding": case(
                layers.Embedding(9, 3), layers.GlobalAveragePooling1D(), last(1), x=WORDS
            ),
            "embedding-masked": case(
                layers.Embedding(9, 3, mask_zero=True), layers.LSTM(3), last(1), x=WORDS
            ),
            "masking": case(layers.Masking(), layers.GRU(3), last(1), x=X * (X[:, :, :1] > -0.5)),
            "each-step": case(
                layers.LSTM(3, return_sequences=True), layers.TimeDistributed(last(1)), y=EACH_STEP
            ),
            "each-step-accuracy": case(
                layers.SimpleRNN(3, return_sequences=True),
                layers.TimeDistributed(last(1, activation="sigmoid")),
                y=EACH_STEP,
                loss="binary_crossentropy",
                metrics=["accuracy"],
            ),
            "each-step-flat-accuracy": case(
                layers.SimpleRNN(3, return_sequences=True),
                layers.TimeDistributed(last(1, activation="sigmoid")),
                y=EACH_STEP[:, :, 0],
                loss="binary_crossentropy",
                metrics=["accuracy"],
                fit={"batch_size": 9},
            ),
            "each-step-classes": case(
                layers.SimpleRNN(4, return_sequences=True),
                layers.TimeDistributed(last(9, activation="softmax")),
                y=WORDS,
                loss="sparse_categorical_crossentropy",
                metrics=["accuracy"],
            ),
            "encoder-decoder": case(
                layers.LSTM(3),
                layers.RepeatVector(STEPS),
                layers.LSTM(3, return_sequences=True),
                last(1),
                y=EACH_STEP,
            ),
            "batch-norm": case(flat(), last(4), layers.BatchNormalization(), last(1)),
        }
        | {
            f"batch-norm-checked{name}": case(
                layers.Conv1D(4, 2, use_bias=bias),
                layers.BatchNormalization(momentum=0.8),
                layers.GRU(3),
                last(1),
                optimizer="adam",
                fit={"validation_data": (X[:7], Y[:7]), "batch_size": 9},
            )
            for name, bias in (("", False), ("-after-bias", True))
        }
        | {
            "layer-norm": case(layers.LayerNormalization(), layers.GRU(3), last(1)),
            "reshape": case(layers.Reshape((3, 4)), layers.Permute((2, 1)), layers.GRU(2), last(1)),
            "leaky": case(
                flat(),
                last(4),
                layers.LeakyReLU(),
                layers.ReLU(max_value=3.0),
                last(2),
                layers.Softmax(),
            ),
            "without-last-axis": case(layers.LSTM(3), last(1), x=X[:, :, 0], shape=(STEPS, 1)),
            "open-length": case(layers.LSTM(3), last(1), shape=(None, 2)),
            "double": case(layers.GRU(3), last(1), x=X.astype(np.float64), y=Y.astype(np.float64)),
        }
    )


def by_optimizer() -> dict[str, Case]:
    """A case for every optimizer, and for what all of them can be told."""
    made = keras.optimizers
    decay = made.schedules.ExponentialDecay(0.05, 4, 0.8, staircase=True)
    steps = made.schedules.PiecewiseConstantDecay([3, 9], [0.1, 0.05, 0.01])
    special: dict[str, Any] = {
        "amsgrad": made.Adam(0.01, amsgrad=True),
        "nesterov": made.SGD(0.05, momentum=0.9, nesterov=True),
        "centered": made.RMSprop(0.01, centered=True, momentum=0.5),
        "clipnorm": made.SGD(0.1, clipnorm=0.1),
        "global-clipnorm": made.SGD(0.1, global_clipnorm=0.1),
        "clipvalue": made.SGD(0.1, clipvalue=0.05),
        "weight-decay": made.SGD(0.1, weight_decay=0.01),
        "decaying": made.SGD(decay),
        "piecewise": made.SGD(steps),
        "cosine": made.Adam(made.schedules.CosineDecay(0.05, 20)),
    }
    names = "Adam AdamW Adamax Adadelta Adagrad Ftrl Lion Nadam RMSprop SGD".split()
    special |= {name.lower(): getattr(made, name)(0.01) for name in names}
    return {f"by-{name}": plain(optimizer=one) for name, one in special.items()} | {
        f"embedding-{name.lower()}{kind}": case(
            layers.Embedding(ROWS * STEPS, 3),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
            x=x,
            optimizer=getattr(made, name)(0.01),
        )
        for name in ("Adam", "RMSprop")
        for kind, x in (("", WORDS), ("-once", ONCE))
    }


def by_loss() -> dict[str, Case]:
    """A case for every loss and metric."""
    names = "mae mape msle huber log_cosh mean_squared_error".split()
    found = {f"loss-{name}": plain(loss=name, y=Y + 2) for name in names}

    def last(units: int, activation: str | None) -> Any:
        return [layers.Flatten(), layers.Dense(units, activation=activation)]

    hot = np.eye(3, dtype=np.float32)[THREE]
    losses, metrics = keras.losses, keras.metrics
    two = [metrics.Precision(), metrics.Recall(thresholds=0.4), metrics.AUC()]
    two += ["acc", "binary_accuracy", "binary_crossentropy"]
    whole = [metrics.SparseTopKCategoricalAccuracy(k=2), "sparse_categorical_accuracy"]
    whole += [metrics.SparseCategoricalCrossentropy(from_logits=True)]
    hots = ["accuracy", "categorical_accuracy", "categorical_crossentropy"]
    hots += [metrics.TopKCategoricalAccuracy(k=2)]
    smooth = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    logits = losses.SparseCategoricalCrossentropy(from_logits=True)
    sparse = "sparse_categorical_crossentropy"
    root = metrics.RootMeanSquaredError(name="rmse")
    found |= {
        "binary": case(*last(1, "sigmoid"), y=BINARY, loss="binary_crossentropy", metrics=two),
        "binary-logits": case(*last(1, None), y=BINARY, loss=smooth),
        "classes": case(*last(3, "softmax"), y=THREE, loss=sparse, metrics=["accuracy"]),
        "classes-logits": case(*last(3, None), y=THREE, loss=logits, metrics=whole),
        "one-hot": case(*last(3, "softmax"), y=hot, loss="categorical_crossentropy", metrics=hots),
        "divergence": case(*last(3, "softmax"), y=hot, loss="kl_divergence"),
        "counts": case(*last(1, "softplus"), y=THREE[:, None], loss="poisson"),
        "measured": case(*last(1, None), metrics=["mae", root, "mape", "msle", "mse"]),
    }
    return found


def by_fit() -> dict[str, Case]:
    """A case for what ``fit`` may be told."""

    def small(**said: Any) -> Case:
        return plain(**said)

    watched = {
        "monitor": "val_loss",
        "patience": 1,
        "min_delta": 0.3,  # it cannot better itself by so much more than once or twice
        "restore_best_weights": True,
    }
    slower = {"monitor": "loss", "patience": 1, "factor": 0.5, "min_delta": 0.3, "min_lr": 0.001}
    checked = {"validation_data": (X[:10], Y[:10])}
    sixth = {"epochs": 12, "validation_split": 0.25}
    return {
        "split": small(fit={"validation_split": 0.3, "batch_size": 9}),
        "validation": small(fit={**checked, "validation_batch_size": 3}, metrics=["mae"]),
        "validation-weighted": small(fit={"validation_data": (X[:10], Y[:10], WEIGHT[:10])}),
        "validation-steps": small(
            fit={**checked, "validation_batch_size": 3, "validation_steps": 2}
        ),
        "validation-freq": small(fit={**checked, "validation_freq": 2}),
        "sample-weight": small(
            fit={"sample_weight": WEIGHT}, metrics=["mae"], weighted_metrics=["mse"]
        ),
        "class-weight": case(
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
            y=THREE,
            loss="sparse_categorical_crossentropy",
            fit={"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
        ),
        "class-weight-binary": case(
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
            y=BINARY,
            loss="binary_crossentropy",
            fit={"class_weight": {0: 1.0, 1: 3.0}, **checked},
        ),
        "steps": small(fit={"steps_per_epoch": 2, "epochs": 7}),
        "too-many-steps": small(fit={"steps_per_epoch": 9}),
        "initial-epoch": small(fit={"initial_epoch": 3}),
        "whole-batch": small(fit={"batch_size": 1000}),
        "stopping": small(callbacks=[["EarlyStopping", watched]], fit=sixth),
        "stopping-by-name": small(
            metrics=["mape", "mae"],
            callbacks=[["EarlyStopping", {"monitor": "val_mae", "patience": 2}]],
            fit=sixth,
        ),
        "plateau": small(callbacks=[["ReduceLROnPlateau", slower]], fit={"epochs": 9}),
        "rates": small(rates=[0.1, 0.05, 0.02, 0.01, 0.001]),
        "rates-later": small(rates=[0.1, 0.01], fit={"initial_epoch": 3}),
    }


class Batches(keras.utils.PyDataset):
    """Batches of eight rows; ``moves``: each epoch in another order."""

    def __init__(self, *, moves: bool = False) -> None:
        super().__init__()
        self.turns, self.moves = np.arange(ROWS), moves

    def __len__(self) -> int:
        return ROWS // 8

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        turns = self.turns[index * 8 : index * 8 + 8]
        return X[turns], Y[turns]

    def on_epoch_end(self) -> None:
        if self.moves:
            self.turns = (self.turns * 7 + 3) % ROWS


def batches(most: int | None = None) -> Iterator[tuple[np.ndarray, ...]]:
    """Batches of seven rows, ever on."""
    rng = np.random.default_rng(8)
    for _ in iter(int, 1) if most is None else range(most):
        turns = rng.integers(0, ROWS, size=7)
        yield X[turns], Y[turns]


def rows(*more: np.ndarray) -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y, *more))


def by_source() -> dict[str, Case]:
    """A case for every kind of data that is no array; ``source``: makes it anew."""

    def small(source: Any, **said: Any) -> Case:
        return plain(source=source, **said)

    def classes() -> Any:
        return tf.data.Dataset.from_tensor_slices((X, THREE)).batch(8)

    weighted = {"fit": {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}}}
    checked = {"validation_data": rows().take(10).shuffle(10).batch(4)}
    return {
        "data-set": small(lambda: rows().batch(8), metrics=["mae"]),
        "data-set-shuffled": small(lambda: rows().shuffle(ROWS, seed=3).batch(9)),
        "data-set-endless": small(lambda: rows().batch(9).repeat(), fit={"steps_per_epoch": 3}),
        "data-set-in-parts": small(lambda: rows().batch(10), fit={"steps_per_epoch": 2}),
        "data-set-uneven": small(lambda: rows().take(9).batch(4).concatenate(rows().batch(8))),
        "data-set-weights": small(lambda: rows(WEIGHT).batch(8), weighted_metrics=["mse"]),
        "data-set-classes": case(
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
            loss="sparse_categorical_crossentropy",
            y=THREE,
            source=classes,
            **weighted,
        ),
        "data-set-checked": small(lambda: rows().batch(8), fit=checked, metrics=["mae"]),
        "windows": small(
            lambda: keras.utils.timeseries_dataset_from_array(X[:, 0], Y[5:], STEPS, batch_size=8)
        ),
        "sequence": small(Batches),
        "sequence-shuffled": small(Batches, fit={"shuffle": True}),
        "sequence-moving": small(lambda: Batches(moves=True)),
        "generator": small(batches, fit={"steps_per_epoch": 4}),
        "generator-with-an-end": small(lambda: batches(5), fit={"epochs": 1, "steps_per_epoch": 5}),
    }


def by_time() -> dict[str, Case]:
    """A case for what the textbooks' time said otherwise."""
    made = keras.optimizers
    slower = {"monitor": "loss", "patience": 1, "factor": 0.5, "min_delta": 0.3}
    kinds: dict[str, Any] = {
        "sgd": made.SGD(lr=0.1, decay=0.1),
        "adam": made.Adam(0.01, decay=0.05),
    }
    plateau = made.SGD(lr=0.1, decay=0.1)
    return {f"decay-{name}": plain(optimizer=one) for name, one in kinds.items()} | {
        "decay-plateau": plain(optimizer=plateau, callbacks=[["ReduceLROnPlateau", slower]])
    }


def told(one: Case) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train a case; gives the order and the history, and the arrays."""
    model = one["model"]
    fit = {"epochs": 5, "batch_size": 8, "shuffle": False, "initial_epoch": 0, **one["fit"]}
    model.compile(
        optimizer=one["optimizer"],
        loss=one["loss"],
        metrics=one["metrics"],
        weighted_metrics=one.get("weighted_metrics"),
    )
    source = one.get("source", lambda: one["x"])
    if "source" not in one:
        fit["y"] = one["y"]
    callbacks = [CALLBACKS[name](**settings) for name, settings in one["callbacks"]]
    if "rates" in one:
        rates = dict(zip(range(fit["initial_epoch"], fit["epochs"]), one["rates"], strict=True))
        callbacks.append(keras.callbacks.LearningRateScheduler(lambda epoch: rates[epoch]))
    random.seed(3)
    given = drawn(model, {"x": source(), **fit})
    order = {
        "version": 1,
        "model": describing.model_of(keras, model),
        "compile": describing.compiled(model),
        "fit": describing.fit_settings(given.order),
        "callbacks": describing.callback_settings(callbacks, ""),
        "rates": one.get("rates"),
        "seeds": describing.seeds_of(model),
    }
    arrays = data.arrays_of(given.order, ORDER_BYTES) | given.arrays
    first = model.get_weights()
    random.seed(3)
    history = model.fit(source(), callbacks=callbacks, verbose=0, **fit)
    groups = {"first": first, "last": model.get_weights()}
    groups["optimizer"] = [np.asarray(variable) for variable in model.optimizer.variables]
    for group, values in groups.items():
        arrays |= {f"{group}_{number:04d}": value for number, value in enumerate(values)}
    numbers = [
        {
            name: getattr(callback, name)
            for name in ("stopped_epoch", "wait")
            if name in vars(callback)
        }
        for callback in callbacks[: len(one["callbacks"])]
    ]
    epochs = len(history.epoch)
    said = {"order": order, "history": history.history, "epochs": epochs, "numbers": numbers}
    return said, arrays


def drawn(model: Any, fit: Case) -> sources.Given:
    """Give the arguments of ``fit`` as an order says them, all of them."""
    usual = {"y": None, "sample_weight": None, "steps_per_epoch": None, "class_weight": None}
    usual |= {"validation_data": None, "validation_split": None, "callbacks": None}
    given = sources.given_to(keras, model, {**usual, **fit}, ORDER_BYTES, "")
    if given.why:
        raise RuntimeError(given.why)
    return given


def main() -> None:
    """Train all cases, or those that argv[2:] names."""
    out, chosen = Path(sys.argv[1]), sys.argv[2:]
    keras.utils.set_random_seed(7)
    old_api.install(Unheard(None))
    every = by_layer() | by_optimizer() | by_loss() | by_fit() | by_source() | by_time()
    for name, one in every.items():
        if chosen and name not in chosen:
            continue
        said, arrays = told(one)
        np.savez(out / f"{name}.npz", **arrays)  # type: ignore[arg-type]  # names are not options
        (out / f"{name}.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
