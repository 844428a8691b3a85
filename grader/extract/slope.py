"""Whether a model's loss has a slope where its weights are: without one no fit moves it.

Enters: a candidate with its architecture, the answer of the evaluation room. Leaves: a ModelTask;
yes or no. Touches nothing.

A textbook's slip, no last activation, may leave a model where every answer lies outside of what
its loss can tell apart: Keras cuts probabilities off close to 0 and 1, and beyond that nothing
changes. Weights that did not move for another reason (a rate of 0, frozen layers) are no such case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from grader.execution import Candidate
from grader.extract.architecture import Architecture
from grader.extract.matching import telling_fit
from grader.extract.tasks import Answer, ModelTask
from grader.types import Array

CUT_OFF = 1e-7  # keras.config.epsilon()
ROWS = 256


def slope_task(exercise: str, architecture: Architecture, candidate: Candidate) -> ModelTask | None:
    """Ask for the model's answers to rows that fit was given; None where they were not seen."""
    seen = _rows(candidate)
    if seen is None or not candidate.final:
        return None
    return ModelTask(f"{exercise}/slope", architecture, candidate.final, seen[0])


def has_no_slope(candidate: Candidate, answer: Answer) -> bool:
    """Whether no weight would change the loss on those rows."""
    seen, told = _rows(candidate), candidate.compile.get("loss")
    shares = (
        SHARES.get(str(told)) if candidate.compile.get("loss.from_logits") is not True else None
    )
    if seen is None or shares is None or answer.error or answer.predictions is None:
        return False
    predictions = answer.predictions.astype(np.float64)
    if not len(predictions) or not np.isfinite(predictions).all():
        return False
    found = shares(predictions, seen[1])
    if found is None or not found.size:
        return False
    return bool(((found < CUT_OFF) | (found > 1.0 - CUT_OFF)).all())


def _rows(candidate: Candidate) -> tuple[Array, Array] | None:
    """Give inputs and targets of some rows, (rows, …) each."""
    fit = telling_fit(candidate)
    if fit is None or fit.sample.x is None or fit.sample.y is None:
        return None
    x, y = fit.sample.x.rows[:ROWS], fit.sample.y.rows[:ROWS]
    return (x, y) if len(x) == len(y) > 0 else None


def _binary(predictions: Array, targets: Array) -> Array | None:
    del targets
    return predictions


def _categorical(predictions: Array, targets: Array) -> Array | None:
    """Give the share of the right class: of answers that Keras makes add up to one first."""
    if predictions.shape != targets.shape:
        return None
    whole = predictions.sum(axis=-1, keepdims=True)
    shares = np.divide(predictions, whole, out=np.zeros_like(predictions), where=whole != 0)
    right: Array = shares[targets.astype(bool)]
    return right


# Those that cut off; every other loss has a slope wherever it is not at its end.
SHARES: Mapping[str, Callable[[Array, Array], Array | None]] = {
    "binary_crossentropy": _binary,
    "sparse_categorical_crossentropy": _binary,
    "categorical_crossentropy": _categorical,
}
