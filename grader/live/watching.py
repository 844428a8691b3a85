"""Looks on as ``fit`` is called in a live notebook: what it is given, as the probe sees it.

Enters: the notebook's Keras. Leaves: by ``seen_by`` the sample of a fit. Touches: wraps
``keras.Model.fit``, once. What fails here is missing, never the notebook's training.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from grader.execution import ArraySample, FitSample
from grader.kernel.probe.samples import Recorder, take_sample

_seen: weakref.WeakKeyDictionary[Any, FitSample] = weakref.WeakKeyDictionary()


def watch(keras: Any) -> None:
    """Look on from now on; a second call changes nothing."""
    with contextlib.suppress(Exception):
        if not hasattr(keras.Model.fit, "__looked_on__"):
            keras.Model.fit = _looked_on(keras, keras.Model.fit)


def seen_by(history: Any) -> FitSample | None:
    """Give what the fit that made a History was given; None where nobody looked on."""
    with contextlib.suppress(TypeError):
        return _seen.get(history)
    return None


def sampled(keras: Any, x: Any, y: Any) -> FitSample | None:
    """Sample what a fit was given, as the probe does; None where nothing can be seen of it."""
    described, arrays = take_sample(keras, x, y)
    parts = {
        name: _array(described[name], arrays[f"sample_{name}"])
        for name in ("x", "y")
        if name in described
    }
    if "x" not in parts:
        return None
    return FitSample(parts["x"], parts.get("y"), described["kind"])


def _array(described: Mapping[str, Any], rows: Any) -> ArraySample:
    statistics = {
        key: math.nan if value is None else value
        for key, value in described.get("statistics", {}).items()
    }
    return ArraySample(tuple(described["shape"]), described["dtype"], rows, statistics)


def _looked_on(keras: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        recorder, before = None, None
        try:
            bound = signature.bind(*args, **kwargs)
            recorder, sample = _begin(keras, bound.arguments)
            args, kwargs = bound.args, bound.kwargs
            model, *_ = args
            before = getattr(model, "history", None)
        except Exception:  # noqa: BLE001 - fit itself says what is wrong with its arguments
            model, sample = None, None
        try:
            return original(*args, **kwargs)
        finally:
            if getattr(model, "history", None) is not before:  # else it ended before it began
                _end(keras, model, sample, recorder)

    fit.__looked_on__ = True  # type: ignore[attr-defined]
    return fit


def _begin(keras: Any, given: dict[str, Any]) -> tuple[Recorder | None, FitSample | None]:
    """Sample what can be looked at; of a generator only the training sees what it gives."""
    recorder = None
    if inspect.isgenerator(given.get("x")):
        recorder = Recorder(given["x"])
        given["x"] = iter(recorder)
    sample = sampled(keras, given.get("x"), given.get("y"))
    return recorder, sample


def _end(keras: Any, model: Any, sample: FitSample | None, recorder: Recorder | None) -> None:
    with contextlib.suppress(Exception):
        if sample is None and recorder is not None and isinstance(recorder.first, tuple):
            seen = sampled(keras, *recorder.first[:2])
            sample = FitSample(seen.x, seen.y, kind="generator") if seen is not None else None
        if sample is not None:
            _seen[model.history] = sample
