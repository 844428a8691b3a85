"""The check of the accuracy on data that the model has never seen.

Enters: Evidence, an Exercise, the Threshold, points. Leaves: Checks. Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from grader.course.exercises import Exercise
from grader.course.expectations import Threshold
from grader.course.profiles import LAPTOP
from grader.types import NO_REFERENCE, Check, Evidence, EvidenceClass, Message

CLASS = EvidenceClass.ACCURACY


def trained_without_fit(evidence: Evidence) -> bool:
    """Whether only a loop of the notebook's own trained the model: weights moved, updates counted.

    Weights that moved otherwise may be anybody's.
    """
    training = evidence.training
    moved = training is not None and not training.fits and training.changed
    return moved and training is not None and training.own_updates > 0


def accuracy_checks(
    evidence: Evidence, exercise: Exercise, threshold: Threshold | None, points: float
) -> Iterator[Check]:
    """Check the metric that the threshold is about; no points hang on it where there is none."""
    if threshold is None or threshold.value is None:
        if not exercise.earns_by_accuracy and _has_no_reference(evidence):
            return  # nothing is left to look at where it is graded
        why = threshold.why if threshold else _unmeasured(evidence, exercise)
        yield Check("accuracy.none", CLASS, 0.0, 0.0, why or Message("accuracy.none"), "", "")
        return
    sign = "≤" if threshold.better == "lower" else "≥"
    expected = f"{threshold.metric} {sign} {threshold.value:.3g}"
    fitted = evidence.training is None or evidence.training.fits > 0
    seen = fitted or _trained_by_a_loop(evidence, exercise)
    value = evidence.metrics.get(threshold.metric) if seen else None
    check_id = f"accuracy.{threshold.metric}"
    if value is None:
        if "needs_review" in evidence.flags:
            message = Message("accuracy.needs_review")
        elif not seen:
            message = Message("accuracy.never_fitted")
        else:
            message = evidence.unmet or Message("accuracy.not_judged")
        yield Check(check_id, CLASS, 0.0, points, message, expected, "—")
        return
    fraction = accuracy_fraction(value, threshold)
    message = Message(
        "accuracy.met" if fraction >= 1.0 else "accuracy.missed",
        {
            "metric": threshold.metric,
            "value": value,
            "threshold": threshold.value,
            "control": threshold.control,
        },
    )
    yield Check(check_id, CLASS, points * fraction, points, message, expected, f"{value:.3g}")


def _trained_by_a_loop(evidence: Evidence, exercise: Exercise) -> bool:
    """Whether a loop of its own made at least one update for each of the least epochs."""
    training = evidence.training
    updates = training.own_updates if training is not None else 0
    return trained_without_fit(evidence) and updates >= exercise.min_epochs


def accuracy_fraction(value: float, threshold: Threshold) -> float:
    """Give 1 at or beyond the threshold, 0 at the controls' level, falling in between.

    Errors (``better`` lower) fall in log scale, where a factor counts the same everywhere; shares
    fall linearly.
    """
    full, zero = threshold.value, threshold.control
    if full is None or not math.isfinite(value):
        return 0.0
    lower = threshold.better == "lower"
    if value <= full if lower else value >= full:
        return 1.0
    if zero is None or (zero <= full if lower else zero >= full):
        return 0.0
    if lower and full > 0:
        fraction = math.log(zero / value) / math.log(zero / full)
    else:
        fraction = (zero - value) / (zero - full)
    return min(1.0, max(0.0, fraction))


def _has_no_reference(evidence: Evidence) -> bool:
    return evidence.unmet is not None and evidence.unmet.id == NO_REFERENCE


def _unmeasured(evidence: Evidence, exercise: Exercise) -> Message:
    if _has_no_reference(evidence):
        return Message(NO_REFERENCE)
    if exercise.profile == LAPTOP:
        return Message("accuracy.unmeasured")
    return Message("accuracy.unmeasured_profile", {"profile": exercise.profile})
