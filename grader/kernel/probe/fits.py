"""In the notebook's room: ``keras.Model.fit``, wrapped to report its beginning and its end.

Enters: the original ``fit``. Leaves: one that does the same. Touches: what ``fit`` is given (a
callback more). What fails here is missing from the evidence, never the student's training.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .drawn import of_arrays, of_data
from .models import build, can_build, describe, digest_of, numbered, weights_of
from .repeats import Repeats, asked_for, history_of
from .rows import Rows
from .samples import PAIR, Recorder, alone, take_sample
from .shown import NOTHING, Told
from .watching import Probe
from .weights import learned, weights_of_rows

# How far a fit has come is told after a second, and then whenever it has gone on by a tenth.
FIRST_REPORT, LONGER = 1.0, 1.1


def plain_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Keep the settings of ``fit`` that are plain values, and that Keras goes by."""
    keep = (
        "batch_size",
        "epochs",
        "initial_epoch",
        "validation_split",
        "steps_per_epoch",
        "shuffle",
    )
    given = {key: arguments.get(key) for key in keep}
    if arguments.get("validation_data") is not None:
        given["validation_split"] = None
    plain_ones = {k: v.item() if isinstance(v, np.generic) else v for k, v in given.items()}
    return {k: v for k, v in plain_ones.items() if v is None or isinstance(v, (bool, int, float))}


def weighing(arguments: dict[str, Any], first: Any) -> dict[str, np.ndarray]:
    """Say which rows weigh anything, where some do not: the same data are others where others do.

    Args:
        arguments: of ``fit``.
        first: targets, where it is given none beside its inputs.
    """
    given = [arguments.get(name) for name in ("sample_weight", "class_weight")]
    if all(one is None for one in given):
        return {}
    try:
        y = np.asarray(first if arguments.get("y") is None else alone(arguments["y"]))
        weights = weights_of_rows(y, *given)
        split = plain_arguments(arguments)["validation_split"]
        weighs = None if weights is None else learned(weights, split)
        return {} if weighs is None or weighs.all() else {"weighing": weighs}
    except Exception:
        return {}


@dataclass(frozen=True)
class Watchers:
    """The callbacks of ``make_watchers``: classes of Keras', which is imported late."""

    usual: Callable[[FitReporter], Any]
    patient: Callable[[FitReporter], Any]


class FitReporter:
    """One call of ``fit``: what it was given, when it really began, how far it came."""

    def __init__(self, probe: Probe, model: Any, given: dict[str, Any], watchers: Watchers) -> None:
        self.probe = probe
        self.model = model
        self.given = given
        self.number = probe.number(model)
        self.begun = False
        self.epochs = 0
        self.source = given.get("x")
        self.joins = False  # the fits before it, which are told together
        self.began = time.monotonic()
        self.report_at = FIRST_REPORT
        self.digest: int | None = None  # of its data, by which they are found again
        self.recorder: Recorder | None = None
        self.rows = Rows(probe.shown.of_fit, given.get("class_weight"))
        self.shows = False  # it has shown what it goes over
        self.sample = take_sample(probe.keras, given.get("x"), given.get("y"))
        if inspect.isgenerator(given.get("x")):
            noted = {} if probe.trained is None else {"note": self.rows.take}
            self.recorder = Recorder(given["x"], **noted)
            given["x"] = iter(self.recorder)
        callbacks = given.get("callbacks")
        ready = model.built or can_build(probe.keras, model, self.sample[0])
        watcher = (watchers.usual if ready else watchers.patient)(self)
        if isinstance(callbacks, probe.keras.callbacks.CallbackList):
            callbacks.append(watcher)
        elif isinstance(callbacks, (list, tuple)):
            given["callbacks"] = [*callbacks, watcher]
        else:
            given["callbacks"] = [*([] if callbacks is None else [callbacks]), watcher]

    def build(self) -> None:
        """Build the model before its first step."""
        build(self.probe.keras, self.model, self.sample[0])

    def begin(self) -> None:
        """Report what the training starts from."""
        if self.begun:
            return
        self.begun = True
        # Keras has drawn a generator's first batch by now, and a fit that is stopped has no end.
        drawn = self._late_sample()
        sample, arrays = drawn if drawn[0] else self.sample
        alike = arrays | weighing(self.given, arrays.get("sample_y")) if arrays else arrays
        news = self.probe.is_news(self.number, sample, alike, self.source)
        self.digest = sample.get("digest")
        weights = weights_of(self.model)
        before = self.probe.repeats(self.number)
        arguments = plain_arguments(self.given)
        if before is not None and not news and weights:
            found = digest_of(self.model, weights)
            self.joins = before.goes_on(self.probe.cell, arguments, found)
        if self.joins:
            return
        self.probe.tell(self.number)
        self.probe.begin_repeats(self.number, None)
        if not news:
            sample, arrays = {**sample, "same": True}, {}
        fields = {"sample": sample, "before": dict(self.probe.ended(self.number))}
        self._send("fit_begin", fields, {**arrays, **numbered("initial", weights)})

    def go_on(self) -> None:
        """Count an epoch and, now and then, report it: a fit that is stopped tells no more."""
        self.epochs += 1
        seconds = time.monotonic() - self.began
        if self.begun and seconds >= self.report_at:
            self.report_at = seconds * LONGER
            content = {"model": self.number, "config": {}, "epochs_run": self.epochs}
            sample, arrays = NOTHING if self.shows else self._went_over(so_far=True)
            content |= {"late_sample": sample} if sample else {}
            self.probe.send("fit_going", content, arrays)

    def end(self, history: Any) -> None:
        """Report what the training led to; without a history it was broken off. Never raises."""
        try:
            finished = history is not None
            weights = weights_of(self.model)
            if self.joins and finished:
                self._join(history, weights)
            else:
                self._end(finished, history if finished else self._broken_off(), weights)
            self.probe.count(self.number, self.epochs)
        except Exception:
            pass

    def _broken_off(self) -> Any:
        """Give the history of a fit that raised; it is told by itself, whatever came before."""
        if self.joins:
            self.probe.tell(self.number)
            self.probe.begin_repeats(self.number, None)
        return getattr(self.model, "history", None)

    def _join(self, history: Any, weights: list[np.ndarray]) -> None:
        repeats = self.probe.repeats(self.number)
        assert repeats is not None
        repeats.add(plain_arguments(self.given), self.epochs, history)
        repeats.left, repeats.final = digest_of(self.model, weights), weights
        self.probe.repeated(self.number, self.model)

    def _end(self, finished: bool, history: Any, weights: list[np.ndarray]) -> None:
        late_sample, late = self._went_over()
        if not self.shows:
            late_sample, late = self._late_sample()
        before, arguments = dict(self.probe.ended(self.number)), plain_arguments(self.given)
        fields = {
            "begun": self.begun,
            "finished": finished,
            "epochs_run": self.epochs,
            "epochs_asked": asked_for(arguments),
            "before": before,
            "history": history_of(history) if self.begun else {},
            "late_sample": late_sample,
        }
        if self.joins:  # it was not told how it began
            fields["sample"] = {**self.sample[0], "same": True}
        self._send("fit_end", fields, {**late, **numbered("final", weights)})
        repeats = None
        if finished and self.begun and weights and not (late and self.recorder is not None):
            left = digest_of(self.model, weights)
            repeats = Repeats(self.probe.cell, arguments, left, before)
            repeats.add(arguments, self.epochs, history)
        self.probe.begin_repeats(self.number, repeats)

    def _went_over(self, *, so_far: bool = False) -> Told:
        """Give all that it goes over, where somebody else trains and this is trained here.

        ``so_far``: it goes on. Then no data set is gone through: some can be only once.
        """
        probe, given, digest = self.probe, self.given, self.digest
        if probe.trained is None or not self.begun or probe.trained(self.model):
            return NOTHING
        sample, arrays = self.sample
        if self.recorder is not None:
            found, digest = self.rows.told() if self.rows.is_news else NOTHING, None
        elif probe.shown.has(self.number, digest):
            return NOTHING
        elif sample["kind"] == "arrays":
            found = of_arrays(
                self.source,
                given.get("y"),
                len(arrays.get("sample_x", ())),
                probe.shown.of_fit,
                given.get("sample_weight"),
                given.get("class_weight"),
                plain_arguments(given)["validation_split"],
            )
        elif not so_far:
            rows = Rows(probe.shown.of_fit, given.get("class_weight"))
            steps = given.get("steps_per_epoch")
            found = of_data(probe.keras, self.source, steps, self.epochs, rows)
        else:
            return NOTHING
        told = probe.shown.spend(self.number, digest, found)
        self.shows = self.shows or bool(told[0])
        return told

    def _late_sample(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sample what a generator gave: nothing is known of it before."""
        first = self.recorder.first if self.recorder is not None else None
        if not isinstance(first, tuple) or len(first) < PAIR:
            return {}, {}
        sample, arrays = take_sample(self.probe.keras, first[0], first[1])
        return {**sample, "kind": "generator"}, arrays

    def _send(self, event: str, fields: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        content = {
            "model": self.number,
            "arguments": plain_arguments(self.given),
            **describe(self.probe.keras, self.model),
            **fields,
        }
        self.probe.send(event, content, arrays)


def make_watchers(keras: Any) -> Watchers:
    """Make the callbacks that tell a FitReporter of its beginning and its epochs."""

    class Watcher(keras.callbacks.Callback):  # type: ignore[misc]
        """Passes on what happens; a fault of ours never reaches the training."""

        def __init__(self, reporter: FitReporter) -> None:
            super().__init__()
            self.reporter = reporter

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
            with contextlib.suppress(Exception):
                self.reporter.build()
            with contextlib.suppress(Exception):
                self.reporter.begin()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            with contextlib.suppress(Exception):
                self.reporter.go_on()

    class PatientWatcher(Watcher):
        """For a model that may be built in its first step only; a hook per batch costs time."""

        def on_train_begin(self, logs: Any = None) -> None:
            if self.reporter.model.built:
                super().on_train_begin(logs)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            with contextlib.suppress(Exception):
                self.reporter.begin()

    return Watchers(Watcher, PatientWatcher)


def wrap_fit(probe: Probe, original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``keras.Model.fit`` so that it reports its beginning and its end."""
    signature = inspect.signature(original)
    watchers = make_watchers(probe.keras)

    def listen(*args: Any, **kwargs: Any) -> tuple[inspect.BoundArguments, FitReporter] | None:
        try:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            model, *_ = bound.args
            return bound, FitReporter(probe, model, bound.arguments, watchers)
        except Exception:
            return None

    @functools.wraps(original)
    def fit(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        listened = listen(*args, **kwargs)
        if listened is None:
            return original(*args, **kwargs)
        bound, reporter = listened
        history = None
        try:
            with probe.loops.paused():
                history = original(*bound.args, **bound.kwargs)
            return history
        finally:
            reporter.end(history)

    return fit
