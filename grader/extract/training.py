"""What the fits of a model did to its weights.

Enters: a candidate and the fit that shaped it. Leaves: TrainingFacts. Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from grader.execution import Candidate, Fit
from grader.extract.distinct import DRAWN, FIRST_BATCHES
from grader.extract.matching import ModelReading
from grader.types import Json, Scalar, TrainingFacts

HISTORY = 2000  # epochs that are kept of one metric, the last of them included
HISTORY_NUMBERS = 8000  # of all metrics together
LAST = 0.2  # share of them that the end has where the middle is cut
METRICS = 20
SETTINGS = 60  # of compile; an optimizer has some fifteen
FIRST_METRICS = ("loss", "val_loss")
DEFAULT_BATCH = 32  # Keras' own


def training_facts(reading: ModelReading, fit: Fit | None, per_epoch: int = 1) -> TrainingFacts:
    """Say what the fits of a model did to its weights, and loops of the notebook's own.

    Args:
        reading: the model.
        fit: the one that shaped it.
        per_epoch: updates that the exercise's training makes in an epoch.
    """
    candidate = reading.candidate
    return TrainingFacts(
        fits=sum(one.calls for one in candidate.fits),
        epochs=sum(one.epochs_run for one in candidate.fits if one.ended),
        changed=reading.moved,
        finite=all(bool(np.isfinite(weight).all()) for weight in candidate.final),
        history=history_of(candidate.fits),
        compile=_settings(candidate),
        cell=fit.cell if fit else None,
        epochs_asked=candidate.fits[-1].epochs_asked if candidate.fits else None,
        rows=_rows(fit) if fit else None,
        batch_size=_whole(fit.arguments.get("batch_size")) if fit else None,
        updates=updates_of(candidate),
        target_kind=_target_kind(fit) if fit else "",
        unseen=candidate.bare,
        reached=next((one.epochs_run for one in candidate.fits[-1:] if not one.ended), None),
        own_updates=candidate.own_updates,
        own_epochs=candidate.own_updates // per_epoch,
    )


def _settings(candidate: Candidate) -> dict[str, Json]:
    plain = [(k, v) for k, v in candidate.compile.items() if not isinstance(v, (dict, list))]
    return dict(plain[:SETTINGS])


def history_of(fits: Sequence[Fit]) -> dict[str, tuple[float, ...]]:
    """Join the histories of all fits, within bounds: the losses first, the middle cut."""
    return joined([fit.history for fit in fits])


def joined(histories: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, tuple[float, ...]]:
    """Join histories within the same bounds."""
    names = dict.fromkeys(name for history in histories for name in history)
    kept = [*(name for name in FIRST_METRICS if name in names)]
    kept += [name for name in names if name not in FIRST_METRICS][: METRICS - len(kept)]
    most = min(HISTORY, HISTORY_NUMBERS // max(1, len(kept)))
    whole = {name: [v for history in histories for v in history.get(name, ())] for name in kept}
    return {name: tuple(_shortened(values, most)) for name, values in whole.items()}


def _shortened(values: Sequence[float], most: int) -> Sequence[float]:
    last = int(most * LAST)
    return values if len(values) <= most else [*values[: most - last], *values[-last:]]


def _rows(fit: Fit) -> int | None:
    """Count the rows that each epoch trained on; of a dataset only its first batch was seen."""
    if fit.sample.kind not in ("arrays", DRAWN) or fit.sample.x is None:
        return None
    split = fit.arguments.get("validation_split")
    kept = 1.0 - split if isinstance(split, float) and 0.0 < split < 1.0 else 1.0
    rows = fit.sample.x.shape[0] + sum(one.x.shape[0] for one in fit.sample.others)
    return math.floor(rows * kept)


def passes_of(fit: Fit, asked: int | None) -> int:
    """Give how many whole passes over the data the epochs of a fit are worth, as it tells them.

    Args:
        fit: a fit of the notebook's own.
        asked: rows that the exercise trains on; who has more of them need not see them all in each
            epoch. A last batch that is not full is asked for by neither.
    """
    steps, batch = _whole(fit.arguments.get("steps_per_epoch")), _batch(fit)
    if steps is None or asked is None:
        return fit.epochs_run
    rows = asked // batch * batch or asked
    if (own := _rows(fit)) is not None:
        rows = min(rows, own // batch * batch or own)
    return min(fit.epochs_run, fit.epochs_run * steps * batch // max(1, rows))


def _batch(fit: Fit) -> int:
    """Give the rows of a batch, as fit was told, as they were drawn, or as the first one was."""
    told, sample = _whole(fit.arguments.get("batch_size")) or fit.sample.batch, fit.sample
    if told is None and sample.kind in FIRST_BATCHES and sample.x is not None:
        told = sample.x.shape[0]
    return told or DEFAULT_BATCH


def updates_of(candidate: Candidate) -> int | None:
    """Count the steps of all fits together; None where one cannot be counted."""
    total = 0
    for fit in (one for one in candidate.fits if one.ended):
        rows, steps = _rows(fit), _whole(fit.arguments.get("steps_per_epoch"))
        if rows is None and steps is None:
            return None
        batch = _whole(fit.arguments.get("batch_size")) or fit.sample.batch or DEFAULT_BATCH
        total += fit.epochs_run * (steps or math.ceil((rows or 0) / batch))
    return total


def _whole(value: Scalar) -> int | None:
    return value if type(value) is int and value > 0 else None


def _target_kind(fit: Fit) -> str:
    """Say what the sampled targets hold: ``binary``, ``whole`` or ``real`` numbers."""
    rows = fit.sample.y.rows if fit.sample.y is not None else np.zeros(0)
    if not rows.size or rows.dtype.kind not in "biuf" or not np.isfinite(rows).all():
        return ""
    if np.isin(rows, (0, 1)).all():
        return "binary"
    return "whole" if (rows == np.round(rows)).all() else "real"
