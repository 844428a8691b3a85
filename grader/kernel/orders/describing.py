"""In the notebook's room: a model and how it is trained, as the plain data of an order.

Enters: a model, the arguments of ``fit``. Leaves: JSON-like data. Touches nothing; callbacks are
read before their training begins, since that changes them.

What an order cannot express raises: nothing is left out in silence. The judge's side reads all of
it again and more strictly; here it is decided only whether to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .asking import UnusualError

# What a class may replace in Keras' training; each would make it another one.
TRAINING_METHODS = (
    "train_step",
    "test_step",
    "compute_loss",
    "compute_metrics",
    "call",
    "make_train_function",
    "make_test_function",
    "evaluate",
    "reset_metrics",
)
SETTINGS = {
    "EarlyStopping": "monitor min_delta patience mode baseline restore_best_weights "
    "start_from_epoch",
    "ReduceLROnPlateau": "monitor factor patience mode min_delta cooldown min_lr",
    "TerminateOnNaN": "",
}
SAVING = ("ModelCheckpoint",)  # they want the weights of every epoch
LISTENING = ("History", "CSVLogger", "ProgbarLogger")  # they want what Keras tells them anyway
FIT = (
    "epochs",
    "initial_epoch",
    "batch_size",
    "steps_per_epoch",
    "shuffle",
    "validation_split",
    "validation_batch_size",
    "validation_steps",
    "validation_freq",
)


def model_of(keras: Any, model: Any) -> dict[str, Any]:
    """Give a model's configuration.

    Raises:
        UnusualError: a model whose training is not Keras' own.
    """
    kind = type(model)
    if not _is_keras(kind) or kind.__name__ not in ("Sequential", "Functional"):
        raise UnusualError(f"a model of class {kind.__name__}")
    own = [name for name in TRAINING_METHODS if name in vars(model)]
    if own:
        raise UnusualError(f"a model with its own {own[0]}")
    if model.run_eagerly:
        raise UnusualError("run_eagerly")
    for layer in model._flatten_layers(include_self=False, recursive=True):  # noqa: SLF001
        if not _is_keras(type(layer)):
            raise UnusualError(f"a layer of class {type(layer).__name__}")
        if not layer.trainable:
            raise UnusualError("a layer that is not trainable")
        if layer.dtype_policy.name != "float32":
            raise UnusualError(f"the dtype policy {layer.dtype_policy.name}")
        for name in ("activation", "recurrent_activation"):
            _refuse_own(getattr(layer, name, None), name)
    told = keras.saving.serialize_keras_object(model)
    shape = [None if size is None else int(size) for size in model.input_shape]
    return {"class_name": told["class_name"], "config": told["config"], "input_shape": shape}


def compiled(model: Any) -> dict[str, Any]:
    """Give what ``compile`` was told, with the learning rate of this moment.

    Raises:
        UnusualError: not compiled, or with more than plain data says.
    """
    told = model.get_compile_config() if model.compiled else None
    if not told or not told.get("optimizer"):
        raise UnusualError("not compiled with what Keras can write down")
    keep = ("loss", "metrics", "weighted_metrics")
    for name in keep:  # written down, a function is its name alone
        _refuse_own(model._compile_config.config.get(name), name)  # noqa: SLF001
    optimizer = told["optimizer"]
    if not isinstance(optimizer, Mapping):  # by its name: say its settings too
        optimizer = {"class_name": type(model.optimizer).__name__}
    settings = {
        name: _plain(value)
        for name, value in model.optimizer.get_config().items()
        if name != "name"
    }
    if told.get("loss_weights"):
        raise UnusualError("loss_weights")
    if getattr(model, "steps_per_execution", 1) not in (None, 1):
        raise UnusualError("steps_per_execution")
    return {
        "optimizer": {"class_name": str(optimizer["class_name"]), "config": settings},
        **{name: told.get(name) for name in keep},
    }


def seeds_of(model: Any) -> list[int | None]:
    """Give the seeds that initializers and dropout hold, in the order of the layers.

    A configuration leaves them out where nobody set them, but each object drew one of its own: two
    models that are alike begin differently, as they would anywhere.
    """
    seeds: list[int | None] = []
    for layer in model._flatten_layers(include_self=False, recursive=True):  # noqa: SLF001
        named = sorted(name for name in vars(layer) if name.endswith("initializer"))
        holders = [getattr(layer, name) for name in named]
        if hasattr(layer, "rate") or hasattr(layer, "dropout"):
            holders.append(layer)
        for holder in holders:
            seed = getattr(holder, "seed", None)
            seeds.append(int(seed) if isinstance(seed, (int, np.integer)) else None)
    return seeds


def fit_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of ``fit`` that are plain values.

    Raises:
        UnusualError: one that is not.
    """
    settings = {name: _plain(given.get(name)) for name in FIT}
    weights = given.get("class_weight")
    if weights is not None:
        weights = {str(int(k)): float(v) for k, v in weights.items()}
    settings["class_weight"] = weights
    return settings


def callbacks_of(callbacks: Any) -> list[Any]:
    """Give the callbacks that ``fit`` was given, as a list.

    Raises:
        UnusualError: something else than callbacks.
    """
    if callbacks is None:
        return []
    if not isinstance(callbacks, (list, tuple)):
        raise UnusualError(f"callbacks as {type(callbacks).__name__}")
    return list(callbacks)


def callback_settings(callbacks: Sequence[Any], ours: str) -> list[list[Any]]:
    """Give the callbacks that decide how long and how fast is trained, with their settings.

    Args:
        callbacks: all of them.
        ours: the package of callbacks that only watch.

    Raises:
        UnusualError: one whose doings the trainer cannot know.
    """
    told: list[list[Any]] = []
    for one in callbacks:
        kind = type(one)
        name = kind.__name__
        if kind.__module__.partition(".")[0] == ours or name == "LearningRateScheduler":
            continue
        if not _is_keras(kind):
            raise UnusualError(f"a callback of class {name}")
        if name in SETTINGS:
            told.append([name, _settings_of(one, SETTINGS[name].split())])
        elif name not in (*SAVING, *LISTENING) and not _only_tells(one):
            raise UnusualError(f"the callback {name}")
    return told


def rates_of(callbacks: Sequence[Any], model: Any, epochs: range) -> list[float] | None:
    """Ask a LearningRateScheduler for the rate of every epoch; it is not asked again.

    Raises:
        UnusualError: two of them, or a rate that changes otherwise too.
    """
    found = [
        one for one in callbacks if _is_keras(type(one)) and _named(one, "LearningRateScheduler")
    ]
    if not found:
        return None
    if len(found) > 1 or any(_named(one, "ReduceLROnPlateau") for one in callbacks):
        raise UnusualError("two callbacks that set the learning rate")
    (scheduler,) = found
    rate, rates = float(np.asarray(model.optimizer.learning_rate)), []
    for epoch in epochs:
        try:
            rate = float(scheduler.schedule(epoch, rate))
        except TypeError:  # the older form, of the epoch alone
            rate = float(scheduler.schedule(epoch))
        rate = float(np.float32(rate))  # as the optimizer will hold it
        rates.append(rate)
    scheduler.schedule = _looked_up(scheduler.schedule, dict(zip(epochs, rates, strict=True)))
    return rates


def wants_each_epoch(callbacks: Sequence[Any]) -> bool:
    """Whether the weights of every epoch are wanted, as where the best are saved."""
    return any(type(one).__name__ in SAVING for one in callbacks)


def _only_tells(callback: Any) -> bool:
    """Whether a TensorBoard writes down what Keras tells it, and looks at no weights or steps."""
    looks = ("histogram_freq", "embeddings_freq", "_should_trace")
    return _named(callback, "TensorBoard") and not any(getattr(callback, n, 0) for n in looks)


def _looked_up(schedule: Callable[..., Any], rates: Mapping[int, float]) -> Callable[..., Any]:
    def known(epoch: int, rate: Any = None) -> Any:
        if epoch in rates:
            return rates[epoch]
        return schedule(epoch) if rate is None else schedule(epoch, rate)

    return known


def _settings_of(callback: Any, names: Sequence[str]) -> dict[str, Any]:
    settings = {name: _plain(getattr(callback, name)) for name in names if hasattr(callback, name)}
    if "min_delta" in settings:
        settings["min_delta"] = abs(settings["min_delta"])  # Keras turns its sign with the mode
    return settings


def _named(callback: Any, name: str) -> bool:
    return type(callback).__name__ == name


def _is_keras(kind: Any) -> bool:
    return str(kind.__module__).split(".")[0] == "keras"


def _refuse_own(value: Any, name: str) -> None:
    """Refuse a function of the notebook's own; it may be called as one of Keras' own is."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            _refuse_own(item, name)
    elif value is None or isinstance(value, str):
        return
    elif not _is_keras(value if hasattr(value, "__name__") else type(value)):
        raise UnusualError(f"{name} of the notebook's own")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise UnusualError(f"a setting of class {type(value).__name__}")
