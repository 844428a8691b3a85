"""In the notebook's room: ``fit_generator`` and its like, lists of numbers, ``acc``.

Enters: Keras, its ``fit`` watched already. Leaves: models that know the calls of their time, which
make today's. Touches: ``keras.Model``, ``keras.Sequential``, the history of ``fit``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .wrapping import KIND, renamed, wrap

GONE = ("max_queue_size", "workers", "use_multiprocessing", "pickle_safe", "max_q_size")
OLD_METRICS = {"acc": "accuracy", "val_acc": "val_accuracy"}
EITHER = 0.5  # probability above which a single output says yes


def install(keras: Any, remarks: Any) -> None:
    """Give models their old methods, and ``fit`` its old arguments."""
    model = keras.Model
    for name in ("fit", "evaluate", "predict"):
        wrap(model, name, lambda usual: _with_lists(usual, remarks))
    wrap(model, "fit", lambda usual: _with_old_metrics(usual, remarks))
    model.fit_generator = _from_generator("fit", "steps_per_epoch", remarks)
    model.evaluate_generator = _from_generator("evaluate", "steps", remarks)
    model.predict_generator = _from_generator("predict", "steps", remarks)
    model.reset_states = _reset_states(remarks)
    keras.Sequential.predict_classes = _predict_classes(remarks)
    keras.Sequential.predict_proba = _predict_proba(remarks)
    wrap(keras.callbacks.History, "__init__", lambda usual: _keeping(usual, remarks))


# --- lists and arguments -------------------------------------------------------------------------


def _with_lists(usual: Callable[..., Any], remarks: Any) -> Callable[..., Any]:
    signature = inspect.signature(usual)
    name = usual.__name__

    def method(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        for old, new in renamed(kwargs, {"nb_epoch": "epochs"} if name == "fit" else {}):
            remarks.tell(KIND, f"{old}=", f"{new}=")
        for gone in [one for one in GONE if one in kwargs]:
            del kwargs[gone]
            remarks.tell(KIND, f"{gone}=")
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return usual(*args, **kwargs)  # which says what is wrong with them
        model, *_ = bound.args
        changed = dict(_changed(model, bound.arguments))
        if not changed:
            return usual(*args, **kwargs)
        bound.arguments |= changed
        remarks.tell(KIND, f"{name}([…])", f"{name}(np.array([…]))")
        return usual(*bound.args, **bound.kwargs)

    return method


def _changed(model: Any, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give the arguments that are lists of numbers, as arrays."""
    sides = {"x": getattr(model, "inputs", None), "y": getattr(model, "outputs", None)}
    single = [name for name, side in sides.items() if side is None or len(side) == 1]
    if "x" in single and isinstance(given.get("x"), list) and array_of(given["x"]) is None:
        return  # a list of arrays stands for several inputs, and always did: its error tells most
    for name in single:
        array = array_of(given.get(name))
        if array is not None:
            yield name, array
    held_back = given.get("validation_data")
    if isinstance(held_back, (list, tuple)) and len(held_back) in (2, 3) and len(single) == 2:  # noqa: PLR2004
        arrays = [array_of(one) for one in held_back]
        if any(one is not None for one in arrays):
            pairs = zip(arrays, held_back, strict=True)
            yield "validation_data", tuple(old if new is None else new for new, old in pairs)


def array_of(value: Any) -> np.ndarray | None:
    """Give a list of numbers, or of such lists, as an array; None for anything else."""
    if not isinstance(value, list) or not value:
        return None
    first: Any = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if not isinstance(first, (bool, int, float, np.number, np.bool_)):
        return None
    try:
        array = np.array(value)
    except ValueError:  # of different lengths
        return None
    return array if array.dtype.kind in "biuf" else None


# --- generators ----------------------------------------------------------------------------------


def _from_generator(name: str, steps: str, remarks: Any) -> Callable[..., Any]:
    old = f"{name}_generator"

    def method(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        order = _ORDER[name]
        given = {**dict(zip(order, args, strict=False)), **kwargs}
        twice = len(args) > len(order) or set(order[: len(args)]) & kwargs.keys()
        if twice or not isinstance(given.get(steps), (int, np.integer, float, type(None))):
            raise AttributeError(  # it took a generator and no arrays; today's hint fits
                f"'{type(self).__name__}' object has no attribute '{old}'", name=old, obj=self
            )
        for one in (steps, "validation_steps"):
            if isinstance(given.get(one), float):
                given[one] = math.ceil(
                    given[one]
                )  # len(x) / batch_size: steps were counted up to it
        if name == "fit":
            renamed(given, {"nb_epoch": "epochs"})
        for gone in GONE:
            given.pop(gone, None)
        remarks.tell(KIND, old, name)
        return getattr(self, name)(generator, **given)

    method.__name__ = method.__qualname__ = old
    return method


# In the order of Keras 2, after the generator.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "fit": (
        "steps_per_epoch",
        "epochs",
        "verbose",
        "callbacks",
        "validation_data",
        "validation_steps",
        "validation_freq",
        "class_weight",
        "max_queue_size",
        "workers",
        "use_multiprocessing",
        "shuffle",
        "initial_epoch",
    ),
    "evaluate": (
        "steps",
        "callbacks",
        "max_queue_size",
        "workers",
        "use_multiprocessing",
        "verbose",
    ),
    "predict": (
        "steps",
        "callbacks",
        "max_queue_size",
        "workers",
        "use_multiprocessing",
        "verbose",
    ),
}


# --- classes and probabilities -------------------------------------------------------------------


def _predict_classes(remarks: Any) -> Callable[..., Any]:
    def predict_classes(self: Any, x: Any, batch_size: Any = None, verbose: Any = 0) -> Any:
        """Give the likeliest class of each row, or whether its only output is above a half."""
        __tracebackhide__ = True
        remarks.tell(KIND, "predict_classes", "np.argmax(model.predict(…), axis=-1)")
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        if found.shape[-1] > 1:
            return found.argmax(axis=-1)
        return (found > EITHER).astype("int32")

    return predict_classes


def _predict_proba(remarks: Any) -> Callable[..., Any]:
    def predict_proba(self: Any, x: Any, batch_size: Any = None, verbose: Any = 0) -> Any:
        """Give what ``predict`` gives."""
        __tracebackhide__ = True
        remarks.tell(KIND, "predict_proba", "predict")
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    return predict_proba


def _reset_states(remarks: Any) -> Callable[..., Any]:
    def reset_states(self: Any) -> None:
        """Let every layer that remembers forget what it has read."""
        __tracebackhide__ = True
        remarks.tell(KIND, "reset_states()", "layer.reset_states()")
        for layer in self.layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()

    return reset_states


# --- acc -----------------------------------------------------------------------------------------


class History(dict[str, Any]):
    """A history in which ``acc`` finds ``accuracy``, and nothing else differs."""

    def __init__(self, remarks: Any) -> None:
        super().__init__()
        self._remarks = remarks

    def __missing__(self, key: str) -> Any:
        """Look under the name of today."""
        new = OLD_METRICS.get(key) if isinstance(key, str) else None
        if new is None or new not in self:
            raise KeyError(key)
        self._remarks.tell(KIND, f"history['{key}']", f"history['{new}']")
        return self[new]

    def __reduce__(self) -> Any:
        """Be saved as the dictionary that it is."""
        return dict, (dict(self),)


def _keeping(usual: Callable[..., None], remarks: Any) -> Callable[..., None]:
    def constructed(self: Any) -> None:
        usual(self)
        self.history = History(remarks)

    return constructed


def _with_old_metrics(usual: Callable[..., Any], remarks: Any) -> Callable[..., Any]:
    """Let callbacks that watch ``val_acc`` find it where the model measures ``accuracy``."""

    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        given = kwargs.get("callbacks")
        for one in given if isinstance(given, (list, tuple)) else (given,):
            new = OLD_METRICS.get(getattr(one, "monitor", None) or "")
            if new is not None and _measures_accuracy(self):
                remarks.tell(KIND, f"monitor='{one.monitor}'", f"monitor='{new}'")
                one.monitor = new
        return usual(self, *args, **kwargs)

    return fit


def _measures_accuracy(model: Any) -> bool:
    try:
        metrics = model.get_compile_config()["metrics"]
    except Exception:
        return False
    return isinstance(metrics, (list, tuple)) and "accuracy" in metrics and "acc" not in metrics
