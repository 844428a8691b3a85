"""In the notebook's room: counts, for each model, the updates of its weights that no ``fit`` makes.

Enters: ``train_on_batch`` and ``Optimizer.apply``. Leaves: ones that do the same; counts, and the
first batch of ``train_on_batch``; where there is a trainer, the rows of all. Touches nothing of the
notebook's.

A step that ``tf.function`` compiled is run without Python, so no call can be counted. But its
optimizer counts its updates, and that count is read before and after what is not the loop's own,
and when a cell ends. An optimizer counts from where it is first used: one that was loaded brings
along what its file claims.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .models import build
from .rows import Rows
from .samples import alone, take_sample
from .shown import NOTHING
from .weights import weights_of_rows

if TYPE_CHECKING:
    from .watching import Probe

SEARCHES = 20  # of a kernel, for models that no variable of the notebook holds; each takes a while
MOST_HELD = 8  # optimizers with their models that are kept alive until the cell ends
Sample = tuple[dict[str, Any], dict[str, np.ndarray]]


class Loops:
    """The updates of each model, by its number."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.updates: dict[int, int] = {}
        self._inside = 0  # calls of fit and train_on_batch that are running
        self._read: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._trains: weakref.WeakKeyDictionary[Any, tuple[int, ...]] = weakref.WeakKeyDictionary()
        self._held: list[tuple[Any, list[Any]]] = []
        self._sampled: set[int] = set()
        self._untold: dict[int, Sample] = {}
        self._rows: dict[int, Rows] = {}
        self._searches = SEARCHES

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """While this lasts, updates are not a loop's own: a ``fit`` tells them, or we count."""
        if not self._inside:
            self._count()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._count(ours=False)

    def meet(self, optimizer: Any, variables: Any) -> None:
        """Look at an optimizer that is about to be used, and at the models that it trains."""
        if self._inside or optimizer in self._trains:
            return
        with _eagerly():
            known = getattr(optimizer, "_trainable_variables", ())
            models = self._models_of(variables if isinstance(variables, (list, tuple)) else known)
            self._read[optimizer] = int(np.asarray(optimizer.iterations))
            for model in models:
                self.probe.look_at(self.probe.number(model), model, self.probe.names_of(model))
        self._trains[optimizer] = tuple(map(self.probe.number, models))
        self._held.append((optimizer, models))
        while len(self._held) > MOST_HELD:
            self._let_go(*self._held.pop(0))

    def batch(self, model: Any, x: Any, y: Any, weight: Any = None, classes: Any = None) -> None:
        """Tell what ``train_on_batch`` starts from, the first time that it is called."""
        number = self.probe.number(model)
        if self.probe.trained is not None:
            if weight is None and classes is not None:
                weight = weights_of_rows(np.asarray(alone(y)), None, classes)
            self._rows.setdefault(number, Rows(self.probe.shown.of_fit)).take((x, y, weight))
        if number in self._sampled:
            return
        self._sampled.add(number)
        sample, arrays = take_sample(self.probe.keras, x, y)
        sample["kind"] = "dataset"  # nobody knows what the other batches hold
        self._untold[number] = (sample, arrays)
        build(self.probe.keras, model, sample)
        self.probe.look_at(number, model, self.probe.names_of(model))

    def add(self, model: Any) -> None:
        """Count one update of a model."""
        number = self.probe.number(model)
        self.updates[number] = self.updates.get(number, 0) + 1
        if all(one is not model for _, models in self._held for one in models):
            self._held.append((None, [model]))  # its last weights are told when the cell ends
            while len(self._held) > MOST_HELD:
                self._let_go(*self._held.pop(0))

    def batches(self, number: int) -> Sample:
        """Give the sample of a model's first batch, once; of all, where a trainer saw none."""
        first, rows = self._untold.pop(number, NOTHING), self._rows.get(number)
        if rows is None or not rows.is_news:
            return first
        told = self.probe.shown.spend(number, None, rows.told())
        return told if told[0] else first

    def end_cell(self) -> None:
        """Count, and tell of models that no variable of the notebook holds."""
        self._count()
        while self._held:
            self._let_go(*self._held.pop(0))

    def _let_go(self, optimizer: Any, models: Sequence[Any]) -> None:
        if optimizer is not None:
            self._count_of(optimizer, ours=True)
        for model in models:
            self.probe.look_at(self.probe.number(model), model, self.probe.names_of(model))

    def _count(self, *, ours: bool = True) -> None:
        for optimizer in list(self._read):
            self._count_of(optimizer, ours=ours)

    def _count_of(self, optimizer: Any, *, ours: bool) -> None:
        with contextlib.suppress(Exception), _eagerly():
            now = int(np.asarray(optimizer.iterations))
            more = max(0, now - self._read[optimizer]) if ours else 0
            self._read[optimizer] = now
            for number in self._trains[optimizer]:
                self.updates[number] = self.updates.get(number, 0) + more

    def _models_of(self, variables: Sequence[Any]) -> list[Any]:
        """Give the models that have these variables: the notebook's own, else the largest one."""
        wanted = set(map(id, variables))
        named = [model for model in self.probe.models() if wanted & _variables(model)]
        if named or not wanted or not self._searches:
            return named
        self._searches -= 1
        every = [one for one in gc.get_objects() if issubclass(type(one), self.probe.keras.Model)]
        inner = {id(getattr(one, "_functional", None)) for one in every}  # of a Sequential
        every = [one for one in every if id(one) not in inner]
        shared = [(len(wanted & _variables(one)), number) for number, one in enumerate(every)]
        most, place = max(shared, default=(0, 0))
        return [every[place]] if most else []


def _variables(model: Any) -> set[int]:
    try:
        return set(map(id, model.trainable_variables))
    except Exception:
        return set()


def _eagerly() -> Any:
    """Step out of what TensorFlow is compiling: a variable has no value in there."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow.init_scope() if tensorflow is not None else contextlib.nullcontext()


def wrap_apply(loops: Loops, original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``keras.optimizers.Optimizer.apply`` so that it is seen which models it changes."""

    @functools.wraps(original)
    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        with contextlib.suppress(Exception):
            loops.meet(self, trainable_variables)
        return original(self, grads, trainable_variables)

    return apply


def wrap_train_on_batch(loops: Loops, original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``keras.Model.train_on_batch`` so that its calls are counted."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def train_on_batch(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with contextlib.suppress(Exception):
            given = signature.bind(self, *args, **kwargs).arguments
            told = [given.get(name) for name in ("x", "y", "sample_weight", "class_weight")]
            loops.batch(self, *told)
        with loops.paused():
            logs = original(self, *args, **kwargs)
        with contextlib.suppress(Exception):
            loops.add(self)
        return logs

    return train_on_batch
