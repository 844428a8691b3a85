"""The fits of a live model, as far as this session still knows of them.

Enters: a model, the notebook's names. Leaves: KnownFits. Touches nothing of the notebook's.

A model holds the History of its last fit; earlier ones count where a variable still holds theirs:
what was run again in the same cell is run once by the grader.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.execution import Fit, FitSample
from grader.kernel.probe.repeats import history_of
from grader.live.failing import FailedCell, fit_that_failed
from grader.live.given import LastCall, last_call
from grader.live.watching import sampled, seen_by
from grader.submission import Notebook
from grader.types import Scalar

UNSEEN = FitSample(None, None, kind="unknown")
DEFAULT_BATCH = 32  # Keras' own
SAME = 1e-6  # two losses that differ by less are of the same weights


@dataclass(frozen=True)
class KnownFits:
    """The fits of a model, the last one last."""

    fits: tuple[Fit, ...]
    changed: bool  # the weights, by what the losses tell
    more: int  # epochs that the optimizer has counted beside these, where fit stands in a loop
    updates: int  # that the optimizer has counted since it was made
    failed: FailedCell | None = None  # it calls fit, and no epoch is known to have ended

    @property
    def seen(self) -> bool:
        """Whether it is known what some fit was given."""
        return any(fit.sample.x is not None for fit in self.fits)


def fits_of(
    keras: Any,
    model: Any,
    histories: Sequence[Any],
    names: Mapping[str, Any],
    ran: Notebook | None,
    failed: Sequence[FailedCell] = (),
) -> KnownFits:
    """Give what is known of the training of a model.

    Args:
        keras: the notebook's.
        model: one of its models.
        histories: every History that a variable holds.
        names: of the notebook.
        ran: its cells, as they ran; None where they are not known.
        failed: the cells that failed, as they ran.
    """
    last = getattr(model, "history", None)
    own = [one for one in histories if model_of(one) is model and one is not last]
    if isinstance(last, keras.callbacks.History):
        own.append(last)
    call = last_call(ran, names, model) if ran is not None and own else None
    fits = tuple(_fit(keras, one, call if one is last else None) for one in own)
    updates = _updates(model)
    if not any(fit.epochs_run for fit in fits):
        for cell in reversed(failed):
            if (broken := cell.fit_of(names, model)) is not None:
                fits = (fit_that_failed(broken, _sampled(keras, broken) or UNSEEN),)
                return KnownFits(fits, changed=False, more=0, updates=updates, failed=cell)
    return KnownFits(fits, _changed(model, fits), _more(own, fits, call, updates), updates)


def model_of(history: Any) -> Any:
    """Give the model whose training a History tells of."""
    with contextlib.suppress(Exception):
        return history.model
    return None


def from_numbers(history: Mapping[str, Sequence[float]]) -> Fit:
    """Give the fit that a dictionary of losses tells of: ``history.history``."""
    told = {str(key): tuple(map(float, values)) for key, values in history.items()}
    epochs = max(map(len, told.values()), default=0)
    return Fit(0, UNSEEN, None, epochs, told, finished=True, arguments={})


def _fit(keras: Any, history: Any, call: LastCall | None) -> Fit:
    params = getattr(history, "params", None) or {}
    sample = seen_by(history) or _given(keras, params, call) or UNSEEN
    arguments = {
        key: value
        for key, value in (call.arguments.items() if call else ())
        if key in ("batch_size", "validation_split", "steps_per_epoch")
        and isinstance(value, (int, float))
    }
    ran, asked = len(getattr(history, "epoch", ())), params.get("epochs")
    told = {key: tuple(values) for key, values in history_of(history).items()}
    begun = history.epoch[0] if ran else 0
    asked = asked - begun if type(asked) is int else None
    return Fit(0, sample, asked, ran, told, finished=True, arguments=arguments)


def _given(keras: Any, params: Mapping[str, Any], call: LastCall | None) -> FitSample | None:
    """Sample what the call names, where that can be what this fit was given."""
    sample, steps = _sampled(keras, call) if call is not None else None, params.get("steps")
    if sample is None or sample.x is None or sample.kind != "arrays" or type(steps) is not int:
        return sample
    assert call is not None
    return sample if steps == _steps(sample.x.shape[0], call.arguments) else None


def _sampled(keras: Any, call: LastCall) -> FitSample | None:
    given = call.arguments
    return sampled(keras, given["x"], given.get("y")) if "x" in given else None


def _steps(rows: int, given: Mapping[str, Scalar]) -> int:
    """Give the steps of an epoch, as Keras counts them."""
    if type(given.get("steps_per_epoch")) is int:
        return int(given["steps_per_epoch"] or 0)
    split, batch = given.get("validation_split"), given.get("batch_size")
    kept = 1.0 - split if isinstance(split, float) and 0.0 < split < 1.0 else 1.0
    size = batch if type(batch) is int and batch > 0 else DEFAULT_BATCH
    return math.ceil(math.floor(rows * kept) / size)


def _changed(model: Any, fits: Sequence[Fit]) -> bool:
    """Whether the fits changed the weights: what never moves never changes its loss."""
    if not any(fit.epochs_run for fit in fits):
        return False
    with contextlib.suppress(Exception):
        if not model.trainable_weights or float(np.asarray(model.optimizer.learning_rate)) == 0.0:
            return False
    losses = [value for fit in fits for value in fit.history.get("loss", ())]
    few = len(losses) < 2  # noqa: PLR2004 - one loss does not move
    return few or any(abs(one - losses[0]) > SAME * abs(losses[0]) for one in losses)


def _updates(model: Any) -> int:
    with contextlib.suppress(Exception):
        return int(np.asarray(model.optimizer.iterations))
    return 0


def _more(own: Sequence[Any], fits: Sequence[Fit], call: LastCall | None, updates: int) -> int:
    """Count epochs beside the known ones, where only a loop can have run them."""
    steps = (getattr(own[-1], "params", None) or {}).get("steps") if own else None
    if call is None or not call.in_loop or type(steps) is not int or not steps:
        return 0
    return max(0, updates // steps - sum(fit.epochs_run for fit in fits))
