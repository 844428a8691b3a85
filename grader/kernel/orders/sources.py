"""In the notebook's room: what ``fit`` is given, where it is no array, as arrays.

Enters: the arguments of ``fit``. Leaves: the same for Keras and for an order. Touches: data sets,
sequences and generators, which are drawn from as Keras would: so it is drawn once, and whoever
trains trains on that.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import GeneratorType
from typing import Any

import numpy as np

from . import describing
from .asking import UnusualError
from .drawing import Drawn, draw

ENDLESS = -1  # what a data set without end says of its length
STOPPING = ("EarlyStopping", "TerminateOnNaN")
USES = ("call", "predict", "predict_on_batch")
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """The arguments of one ``fit``.

    Attributes:
        call: for Keras. What was drawn from stands there as it was, or as what was drawn.
        order: for an order, with arrays.
        arrays: of an order, beside those in ``order``.
        why: no order can say them, else "".
    """

    call: Arguments
    order: Arguments
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    why: str = ""

    @property
    def untouched(self) -> bool:
        """Whether Keras is given just what the notebook gave."""
        return self.call is self.order


def given_to(keras: Any, model: Any, told: Arguments, most_bytes: int, ours: str) -> Given:
    """Give the arguments of a ``fit``; where they are drawn from, they are drawn.

    Args:
        keras: the package, on TensorFlow.
        model: that is fitted.
        told: the arguments, all of them.
        most_bytes: that the arrays of an order may take.
        ours: the package of callbacks that only watch.
    """
    given = Given(told, told)
    drawable = [name for name in ("x", "validation_data") if kind_of(keras, told.get(name))]
    if not drawable or not getattr(model, "compiled", False):
        return given
    tapes = {n: Tape(told[n]) for n in drawable if kind_of(keras, told[n]) == "generator"}
    try:
        callbacks = describing.callbacks_of(told.get("callbacks"))
        describing.callback_settings(callbacks, ours)
        _require_plain(keras, told, drawable, callbacks)
        with _unused(model):
            if "x" in drawable:
                given = _trained_on(keras, model, given, tapes.get("x"), most_bytes)
            if "validation_data" in drawable:
                tape = tapes.get("validation_data")
                given = _validated_with(keras, model, given, tape, most_bytes)
    except Exception as error:
        why = str(error) if isinstance(error, UnusualError) else type(error).__name__
        given = replace(given, why=why)
    for name, tape in tapes.items():
        if given.call[name] is tape.source:
            given = replace(given, call={**given.call, name: tape.again()})
    return given


def kind_of(keras: Any, value: Any) -> str:
    """Say what batches are drawn from: a generator, a sequence, a data set; else ""."""
    if isinstance(value, GeneratorType):
        return "generator"
    if isinstance(value, keras.utils.PyDataset):
        return "sequence"
    ours = type(value).__module__.startswith("tensorflow.")
    return "data set" if ours and hasattr(value, "element_spec") else ""


class Tape:
    """A generator that can be drawn once more."""

    def __init__(self, source: GeneratorType[Any, Any, Any]) -> None:
        self.source = source
        self._drawn: list[Any] = []
        self._error: BaseException | None = None

    def playing(self) -> Iterator[Any]:
        """Draw, and remember."""
        try:
            for batch in self.source:
                self._drawn.append(_copied(batch))
                yield batch
        except Exception as error:
            self._error = error
            raise

    def again(self) -> Iterator[Any]:
        """Give what was drawn, and then what was not."""
        yield from self._drawn
        if self._error is not None:
            raise self._error
        yield from self.source


def _copied(batch: Any) -> Any:
    """Some generators give the same array again and again, with other values in it."""
    if isinstance(batch, (tuple, list)):
        return type(batch)(_copied(one) for one in batch)
    return np.array(batch) if isinstance(batch, np.ndarray) else batch


def _require_plain(keras: Any, told: Arguments, drawable: list[str], callbacks: list[Any]) -> None:
    """Refuse what would be drawn otherwise than Keras draws it, or never to its end."""
    shared = told["x"] is told.get("validation_data")
    if shared and kind_of(keras, told["x"]) == "generator":
        raise UnusualError("one generator to train on and to validate with")
    beside = [told.get(name) is not None for name in ("y", "sample_weight")]
    for name in drawable:
        fine = not (name == "x" and (any(beside) or told.get("validation_split")))
        if not fine or not _has_an_end(keras, told, name, callbacks):
            raise UnusualError(f"{name} of class {type(told[name]).__name__}")


def _has_an_end(keras: Any, told: Arguments, name: str, callbacks: list[Any]) -> bool:
    """Whether it is known how far Keras draws it."""
    kind = kind_of(keras, told[name])
    if kind == "generator":
        many = told["epochs"] - (told.get("initial_epoch") or 0) > 1
        stops = any(type(one).__name__ in STOPPING for one in callbacks)
        return not (many and stops) if name == "x" else told.get("validation_steps") is not None
    if name == "x" and told.get("steps_per_epoch") is not None:
        return True
    if kind == "sequence":
        return told[name].num_batches is not None
    return _length(told[name]) != ENDLESS


def _length(data_set: Any) -> int:
    return int(data_set.cardinality())


@contextmanager
def _unused(model: Any) -> Iterator[None]:
    """Refuse data that depend on what the model has learnt: they cannot be drawn beforehand."""
    used = []

    def noting(name: str) -> Any:
        usual = getattr(model, name)

        def method(*args: Any, **kwargs: Any) -> Any:
            used.append(name)
            return usual(*args, **kwargs)

        return method

    own = {name: vars(model)[name] for name in USES if name in vars(model)}
    for name in USES:
        setattr(model, name, noting(name))
    try:
        yield
    finally:
        for name in USES:
            delattr(model, name)
        for name, value in own.items():
            setattr(model, name, value)
    if used:
        raise UnusualError("data that are drawn from the model itself")


class _OfDataSet:
    """Keras' iterator over the epochs of a data set, whose steps give an iterator of batches.

    It takes a new one of the data set more often than others do, and each of those shuffles anew.
    """

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator

    def reset(self) -> None:
        self.iterator.reset()

    def __iter__(self) -> Iterator[Any]:
        with self.iterator.catch_stop_iteration():
            for first, last, batches in self.iterator:
                yield first, last, [next(batches)]


def _epochs(keras: Any, model: Any, **what: Any) -> Any:
    """Give Keras' own iterator over epochs, which has no public name."""
    if kind_of(keras, what["x"]) == "data set":
        module = importlib.import_module(f"{keras.__name__}.src.backend.tensorflow.trainer")
        made = module.TFEpochIterator(distribute_strategy=model.distribute_strategy, **what)
        return _OfDataSet(made)
    module = importlib.import_module(f"{keras.__name__}.src.trainers.epoch_iterator")
    return module.EpochIterator(**what)


def _trained_on(keras: Any, model: Any, given: Given, tape: Tape | None, most_bytes: int) -> Given:
    told = given.call
    epochs = told["epochs"] - (told.get("initial_epoch") or 0)
    iterator = _epochs(
        keras,
        model,
        x=told["x"] if tape is None else tape.playing(),
        steps_per_epoch=told.get("steps_per_epoch"),
        shuffle=told.get("shuffle"),
        class_weight=told.get("class_weight"),
    )
    if kind_of(keras, told["x"]) == "sequence":
        iterator.data_adapter.get_tf_dataset()  # Keras looks at the first two batches, too
    drawn = draw(iterator, epochs, most_bytes)
    # Class weights have become weights of the rows.
    same = {"shuffle": False, "class_weight": None}
    call = {**told, **same, "x": drawn.again(), "steps_per_epoch": None}
    rows = drawn.epoch(0) if drawn.repeats else drawn.rows
    order = {**given.order, **same, "sample_weight": None, **rows}
    order |= {"batch_size": int(drawn.sizes.max())}
    if drawn.repeats:
        return Given(call, {**order, "steps_per_epoch": None})
    turns = {"turns": drawn.turns, "sizes": drawn.sizes}
    return Given(call, {**order, "steps_per_epoch": drawn.steps}, turns)


def _validated_with(
    keras: Any, model: Any, given: Given, tape: Tape | None, most_bytes: int
) -> Given:
    """Draw two checks: where they look at the same rows, so do all.

    Keras begins each check of a generator with its first two batches again, and goes on wherever
    its drawing ahead had come. Where the same rows come again and again, that makes no difference
    but for which of them come twice.
    """
    told = given.call
    data = told["validation_data"] if tape is None else tape.playing()
    steps = told.get("validation_steps")
    iterator = _epochs(keras, model, x=data, shuffle=False, steps_per_epoch=steps)
    drawn = draw(iterator, 2, most_bytes, anew=tape is None)
    if not _same_rows(drawn, as_often=tape is None):
        raise UnusualError("validation data that change")
    order = {
        **given.order,
        "validation_data": tuple(drawn.epoch(0).values()),
        "validation_batch_size": int(drawn.sizes.max()),
        "validation_steps": None,
    }
    return replace(given, order=order)


def _same_rows(drawn: Drawn, *, as_often: bool) -> bool:
    """Whether both passes gave the same rows, in whatever order."""
    order = np.sort if as_often else np.unique
    first, second = (order(drawn.turns_of(epoch)) for epoch in range(2))
    return np.array_equal(first, second)
