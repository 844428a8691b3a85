"""In the notebook's room: ``keras.Model.fit`` on TensorFlow, whose steps the trainer takes.

Enters: the original ``fit``, a way to ask. Leaves: one that does the same. Touches: the model while
it is trained: four of its methods stand in for Keras' own until ``fit`` returns.

Keras' own ``fit`` runs: it checks what it is given, calls callbacks, prints, decides with them when
to stop. Only its steps are not taken here. In the first step of an epoch the trainer's numbers of
that epoch are told, and the epoch ends.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import beginning, data, describing, sources
from .asking import Answer, Ask, RefusedError, UnusualError

BATCH = 32  # Keras' own, where none is given
ORDER_BYTES = 100_000_000  # of an order's arrays, where nobody says otherwise
STAND_INS = ("make_train_function", "evaluate", "_get_metrics_result_or_logs")


class Known:
    """Which result a model carries: a later fit goes on from it."""

    def __init__(self) -> None:
        self._results: weakref.WeakKeyDictionary[Any, tuple[str, str, Any]]
        self._results = weakref.WeakKeyDictionary()
        self._now: weakref.WeakSet[Any] = weakref.WeakSet()

    def note(self, model: Any, result: str) -> None:
        """Remember what the trainer made of a model."""
        optimizer = weakref.ref(model.optimizer)
        self._results[model] = (result, _digest(model.get_weights()), optimizer)

    def begin(self, model: Any) -> None:
        """Take note that the trainer takes the steps of a fit."""
        self._now.add(model)

    def end(self, model: Any) -> None:
        """Take note that this fit is over."""
        self._now.discard(model)

    def holds(self, model: Any) -> bool:
        """Whether a model is being trained by the trainer, or is just what that made of it."""
        if model in self._now or model not in self._results:
            return model in self._now
        return self._results[model][1] == _digest(model.get_weights())

    def after(self, model: Any) -> dict[str, str] | None:
        """Give the result that a fit of this model goes on from; None where there is none.

        Raises:
            UnusualError: it was trained, and is not what came of it any more.
        """
        if model not in self._results:
            return None
        result, digest, optimizer = self._results[model]
        if _digest(model.get_weights()) != digest:
            raise UnusualError("weights that changed between two fits")
        same = optimizer() is model.optimizer
        return {"result": result, "optimizer": "goes_on" if same else "fresh"}


@dataclass(frozen=True)
class Way:
    """How a training is asked for.

    Attributes:
        ask: sends an order and its arrays, waits for the answer.
        tell: is told why a fit was trained here, where the trainer does not know it.
        ours: the package of callbacks that only watch and are no reason to train here.
        most_bytes: that the arrays of an order may take together.
        refuse_replaced: raises where a class of Keras' own does not train as Keras does.
        known: which models the trainer has trained.
    """

    ask: Ask
    tell: Callable[[str], None] = lambda _: None
    ours: str = ""
    most_bytes: int = ORDER_BYTES
    refuse_replaced: Callable[[], None] = lambda: None
    known: Known = field(default_factory=Known)


class Attempt:
    """One call of ``fit``: asks for it when Keras has checked everything, then stands in for it."""

    def __init__(self, keras: Any, model: Any, given: sources.Given, way: Way) -> None:
        self.keras = keras
        self.model = model
        self.drawn = given
        self.given = given.order
        self.way = way
        self.answer: Answer | None = None
        self._real = {name: getattr(model, name) for name in STAND_INS}
        self._place = -1  # of the epoch that runs, among those of the answer
        self._checked = -1  # of the last one that was validated, among those
        self._before = getattr(model, "train_function", None)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Stand in for the model's own methods."""
        for name in STAND_INS:
            setattr(self.model, name, getattr(self, f"_{name.strip('_')}"))
        try:
            yield
        finally:
            for name in STAND_INS:
                if name in vars(self.model):
                    delattr(self.model, name)
            self.way.known.end(self.model)
            if self.answer is not None:
                self.model.train_function = self._before

    def finish(self) -> None:
        """Leave the model as if it had been trained here."""
        if self.answer is None:
            return
        optimizer = self.model.optimizer
        for variable, value in zip(optimizer.variables, self.answer.optimizer, strict=True):
            variable.assign(value)
        self.model.set_weights(list(self.answer.weights))
        for callback in _list(self.given.get("callbacks")):
            if getattr(callback, "best_weights", None) is not None:
                callback.best_weights = self.model.get_weights()
        self.way.known.note(self.model, self.answer.result)

    def _make_train_function(self, force: bool = False) -> None:
        """Keras is about to begin: make an order of it, else let it train."""
        try:
            self.answer = self._asked()
        except Exception as error:
            if not isinstance(error, RefusedError):  # the trainer knows why
                unusual = isinstance(error, UnusualError)
                # At once: this training may be stopped.
                self.way.tell(str(error) if unusual else type(error).__name__)
            for name in STAND_INS:
                delattr(self.model, name)
            self._real["make_train_function"](force)
            return
        self.way.known.begin(self.model)
        self.model.train_function = self._epoch

    def _asked(self) -> Answer:
        model, given = self.model, self.given
        self.way.refuse_replaced()
        if self.drawn.why:
            raise UnusualError(self.drawn.why)
        callbacks = describing.callbacks_of(given.get("callbacks"))
        arrays = data.arrays_of(given, self.way.most_bytes)
        stand_ins = {name: vars(model).pop(name) for name in STAND_INS if name in vars(model)}
        try:
            order: dict[str, Any] = {"version": 1, "fit": describing.fit_settings(given)}
            order["callbacks"] = describing.callback_settings(callbacks, self.way.ours)
            self._build(arrays)
            order["model"] = describing.model_of(self.keras, model)
        finally:
            vars(model).update(stand_ins)
        order["compile"] = describing.compiled(model)
        order["after"] = self.way.known.after(model)
        if order["after"] is None:
            beginning.refuse_touched(self.keras, model)
            if int(np.asarray(model.optimizer.iterations)):
                raise UnusualError("an optimizer that has taken steps")
        order["seeds"] = describing.seeds_of(model)
        order["each_epoch"] = describing.wants_each_epoch(callbacks)
        epochs = range(given.get("initial_epoch") or 0, given["epochs"])
        order["rates"] = describing.rates_of(callbacks, model, epochs)
        answer = self.way.ask(order, {**arrays, **self.drawn.arrays})
        self._require_fitting(answer)
        return answer

    def _require_fitting(self, answer: Answer) -> None:
        """Refuse what cannot be put into this model, before anything stands in for its training."""
        for here, there in (
            (self.model.get_weights(), answer.weights),
            (self.model.optimizer.variables, answer.optimizer),
        ):
            if [tuple(one.shape) for one in here] != [one.shape for one in there]:
                raise UnusualError("an answer that does not fit the model")

    def _build(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Have Keras build what TensorFlow builds in its first step, and say what does not fit."""
        batch = data.first_batch(arrays, self.given.get("batch_size") or BATCH)
        self.model._symbolic_build(data_batch=batch)  # noqa: SLF001 - no public way

    # --- what stands in ------------------------------------------------------------------------

    def _epoch(self, _: Any) -> dict[str, float]:
        """Stand in for the first step of an epoch, and end it."""
        assert self.answer is not None
        self._place += 1
        if self._place < len(self.answer.each_epoch):
            self.model.set_weights(list(self.answer.each_epoch[self._place]))
        elif self._place == len(self.answer.epochs) - 1:
            self.model.set_weights(list(self.answer.weights))
        self.model.stop_training = True  # of this epoch's steps; what follows them takes it back
        return self._logs(validation=False)

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        """Stand in for what the metrics say; the epochs that the trainer ran are all there are."""
        assert self.answer is not None
        last = self._place >= len(self.answer.epochs) - 1
        self.model.stop_training = last
        self._set_metrics(logs)
        return logs

    def _evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Stand in for the evaluation that ``fit`` does after an epoch, and for no other."""
        if self.answer is None or not kwargs.get("_use_cached_eval_dataset"):
            return self._real["evaluate"](*args, **kwargs)
        self._checked += 1
        return self._logs(validation=True)

    def _logs(self, *, validation: bool) -> dict[str, float]:
        assert self.answer is not None
        start, place = ("val_", self._checked) if validation else ("", self._place)
        return {
            name.removeprefix(start): values[place]
            for name, values in self.answer.history.items()
            if name.startswith("val_") == validation
            and name != "learning_rate"
            and place < len(values)
        }

    def _set_metrics(self, logs: Mapping[str, float]) -> None:
        """Let ``model.metrics`` say what the epoch's end said."""
        for metric in self.model.metrics:
            if metric.name in logs and hasattr(metric, "total") and hasattr(metric, "count"):
                metric.total.assign(logs[metric.name])
                metric.count.assign(1.0)


def wrap_fit(keras: Any, original: Callable[..., Any], way: Way) -> Callable[..., Any]:
    """Wrap ``keras.Model.fit`` so that the trainer takes its steps where an order can say them.

    Args:
        keras: the package, on TensorFlow.
        original: what ``fit`` is without this.
        way: how a training is asked for.
    """
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        attempt = attempted(*args, **kwargs)
        if attempt is None:
            return original(*args, **kwargs)
        with attempt.in_place():
            if attempt.drawn.untouched:
                history = original(*args, **kwargs)
            else:
                history = original(**attempt.drawn.call)
        attempt.finish()
        return history

    def attempted(*args: Any, **kwargs: Any) -> Attempt | None:
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            model, *_ = bound.args
            given = sources.given_to(keras, model, bound.arguments, way.most_bytes, way.ours)
            return Attempt(keras, model, given, way)
        except Exception as error:
            way.tell(type(error).__name__)
            return None

    return fit


def _list(callbacks: Any) -> Sequence[Any]:
    return callbacks if isinstance(callbacks, (list, tuple)) else ()


def _digest(weights: Sequence[np.ndarray]) -> str:
    value = hashlib.sha256()
    for weight in weights:
        value.update(np.ascontiguousarray(weight).tobytes())
    return value.hexdigest()
