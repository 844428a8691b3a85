"""In the notebook's room: ``keras.Model.fit`` that takes one step, where nobody waits for more.

Enters: Keras. Leaves: a ``fit`` that checks, builds, prints and calls back as Keras does, takes one
step, and tells of as many epochs as it was asked for. Touches: ``keras.Model.fit`` (wrapped). What
trains without ``fit`` trains as ever.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

MOST = 10_000  # epochs that are told of


def install() -> None:
    """Shorten every ``fit``; below what watches it. Without Keras there is none."""
    try:
        import keras
    except ImportError:
        return  # the notebook's own import fails too, and says so
    keras.Model.fit = wrap_fit(keras.Model.fit)


def wrap_fit(original: Callable[..., Any]) -> Callable[..., Any]:
    """Give a ``fit`` that takes one step; what Keras would refuse it refuses."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            epochs = _shorten(bound.arguments)
        except (TypeError, KeyError):
            return original(*args, **kwargs)  # says what is wrong with its arguments
        history = original(*bound.args, **bound.kwargs)
        _lengthen(history, epochs)
        return history

    return fit


def _shorten(given: dict[str, Any]) -> range:
    """Ask for one step of one epoch; gives the epochs that were asked for.

    Raises:
        TypeError: these are no numbers of epochs.
    """
    first = given["initial_epoch"] or 0
    epochs = range(first, given["epochs"])
    if epochs:
        given["epochs"] = first + 1
        given["steps_per_epoch"] = 1
        if given["validation_data"] is not None or given["validation_split"]:
            given |= {"validation_steps": 1, "validation_freq": 1}
    return epochs


def _lengthen(history: Any, epochs: range) -> None:
    """Tell of every epoch what the one step told: a plot of all of them has as many values."""
    told = getattr(history, "history", None)
    if not isinstance(told, dict) or len(epochs) > MOST:
        return
    history.epoch = list(epochs)
    history.history = {name: list(values[:1]) * len(epochs) for name, values in told.items()}
