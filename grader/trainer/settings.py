"""Reads optimizers, losses, metrics and callbacks of an order: names from tables, plain settings.

Enters: what Keras serialises them to, a claim. Leaves: names and settings in one form for all that
mean the same. Touches nothing; no name is ever looked up in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.evaluation import trainable
from grader.trainer.refusing import refuse
from grader.types import Json

LARGEST = 2**31  # of a whole number
LONGEST_LIST = 100  # boundaries of a schedule, thresholds of a metric
LONGEST_WORD = 40
MOST_METRICS = 20

# Settings that are in no table: any value (None), or only these.
_OPTIMIZER_REST: dict[str, tuple[Any, ...] | None] = {
    "name": None,
    "is_legacy_optimizer": None,
    "use_ema": (False,),
    "ema_momentum": None,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
}
_LOSS_REST: dict[str, tuple[Any, ...] | None] = {
    "name": None,
    "reduction": ("sum_over_batch_size",),
    "dtype": (None, "float32"),
    "axis": (-1,),
    "ignore_class": (None,),
}
_METRIC_REST: dict[str, tuple[Any, ...] | None] = {
    "name": None,
    "dtype": (None, "float32"),
    "axis": (-1,),
    "ignore_class": (None,),
    "multi_label": (False,),
    "num_labels": (None,),
    "label_weights": (None,),
}
# What a name alone means, too; as an object all of it is told.
_USUAL: dict[str, Json] = {
    "from_logits": False,
    "label_smoothing": 0,
    "delta": 1,
    "threshold": 0.5,
    "k": 5,
    "thresholds": None,
    "top_k": None,
    "class_id": None,
    "num_thresholds": 200,
    "curve": "ROC",
    "summation_method": "interpolation",
}
_NAME_ONLY: dict[str, tuple[Any, ...] | None] = {"name": None}


@dataclass(frozen=True)
class Named:
    """A built-in object: its class and those settings that are not left to Keras' defaults."""

    name: str
    settings: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give what the trainer's room makes it from."""
        return {"name": self.name, "settings": dict(self.settings)}


def read_optimizer(claim: Any) -> Named:
    """Read an optimizer; its learning rate may be a listed schedule.

    Raises:
        NotAnOrderError: another class, or a setting that the trainer does not know.
    """
    optimizer = _object(claim, trainable.OPTIMIZERS)
    settings, schedule = dict(claim["config"]), None
    if isinstance(settings.get("learning_rate"), Mapping):
        schedule = _schedule(settings.pop("learning_rate"))
    kept = _settings(optimizer, settings, trainable.OPTIMIZERS[optimizer], _OPTIMIZER_REST)
    decay = kept.get(trainable.DECAY, 0)
    if isinstance(decay, bool) or not isinstance(decay, (int, float)) or decay < 0:
        refuse("order.setting", cls=optimizer, setting=trainable.DECAY)
    return Named(optimizer, kept | ({"learning_rate": schedule} if schedule else {}))


def _schedule(claim: Any) -> Json:
    name = _object(claim, trainable.SCHEDULES)
    kept = _settings(name, claim["config"], trainable.SCHEDULES[name], _NAME_ONLY)
    return Named(name, kept).as_json()


def read_loss(claim: Any) -> Named:
    """Read a loss: a name, a built-in function, or an object.

    Raises:
        NotAnOrderError: as ``read_optimizer``.
    """
    return _word_or_object(claim, trainable.LOSSES, _LOSS_REST)


def read_metrics(claim: Any) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """Read a list of metrics; gives them and the names under which Keras reports them.

    Raises:
        NotAnOrderError: as ``read_optimizer``, or no plain list.
    """
    claims = [] if claim is None else [claim] if isinstance(claim, str) else claim
    if not isinstance(claims, list) or len(claims) > MOST_METRICS:
        refuse("order.unreadable", what="metrics")
    found = tuple(_word_or_object(one, trainable.METRICS, _METRIC_REST) for one in claims)
    return found, tuple(_reported(one) for one in claims)


def _reported(claim: Any) -> str:
    name = claim
    if isinstance(claim, Mapping):
        config = claim["config"]
        name = config if isinstance(config, str) else config.get("name")
        name = name or trainable.snake(str(claim["class_name"]))
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_WORD:
        refuse("order.unreadable", what="metrics")
    return name


def read_callback(name: str, config: Mapping[str, Any]) -> Named:
    """Read a callback that decides about epochs; what it monitors is told by name as yet.

    Raises:
        NotAnOrderError: as ``read_optimizer``.
    """
    if name not in trainable.CALLBACKS:
        refuse("order.unlisted", name=name)
    kept = _settings(name, config, trainable.CALLBACKS[name], {"verbose": None})
    if kept.get("mode", "auto") not in ("auto", "min", "max"):
        refuse("order.setting", cls=name, setting="mode")
    return Named(name, kept)


def keras_own(claim: Mapping[str, Any], cls: str) -> None:
    """Refuse an object whose module or registered name is not Keras' own."""
    module, registered = claim.get("module", "keras"), claim.get("registered_name")
    own = isinstance(module, str) and module.split(".")[0] == "keras"
    if not own or registered not in (None, cls):
        refuse("order.own", name=cls)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number of a size that a setting may have."""
    if isinstance(value, int):
        return abs(value) <= LARGEST
    return isinstance(value, float) and math.isfinite(value)


def _word_or_object(
    claim: Any,
    table: dict[str, frozenset[str]],
    rest: Mapping[str, tuple[Any, ...] | None],
) -> Named:
    word = claim
    if isinstance(claim, Mapping) and claim.get("class_name") == "function":
        word = claim.get("config")  # a function's module is "builtins" whosever it is
    if isinstance(word, str):
        name = trainable.named(word, table)
        return Named(name) if name else refuse("order.unlisted", name=word)
    name = _object(claim, table)
    if name == "Huber" and "delta" not in claim["config"]:  # Keras does not tell an object's
        refuse("order.setting", cls=name, setting="delta")
    kept = _settings(name, claim["config"], table[name], rest)
    return Named(name, {key: kept[key] for key in kept if kept[key] != _USUAL.get(key, kept)})


def _object(claim: Any, table: Mapping[str, frozenset[str]]) -> str:
    if not isinstance(claim, Mapping) or not isinstance(claim.get("config"), Mapping):
        refuse("order.unreadable", what="compile")
    name = claim.get("class_name")
    if not isinstance(name, str) or name not in table:
        refuse("order.unlisted", name=str(name))
    keras_own(claim, name)
    return name


def _settings(
    cls: str,
    config: Mapping[str, Any],
    listed: frozenset[str],
    rest: Mapping[str, tuple[Any, ...] | None],
) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for key, value in config.items():
        if key in listed:
            kept[key] = _plain(cls, key, value)
        elif key not in rest:
            refuse("order.setting", cls=cls, setting=key)
        else:
            fine = rest[key]
            if fine is not None and not any(value is one or value == one for one in fine):
                refuse("order.setting", cls=cls, setting=key)
    return kept


def _plain(cls: str, key: str, value: Any) -> Json:
    """Give a setting in the form that all equal ones have: numbers as float32 holds them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= LONGEST_WORD:
        return value
    if is_number(value):
        return rounded(value)
    if not isinstance(value, list) or len(value) > LONGEST_LIST or not all(map(is_number, value)):
        refuse("order.setting", cls=cls, setting=key)
    return [rounded(one) for one in value]


def rounded(value: float) -> float:
    """Give the number that float32 holds; a whole number stays one, for Keras tells them apart."""
    if isinstance(value, int):
        return value
    number = float(np.float32(value))
    if not math.isfinite(number):
        refuse("order.unreadable", what="number")
    return number
