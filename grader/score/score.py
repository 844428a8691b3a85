"""Stage 4: points with reasons, a pure function of evidence, expectation and rubric.

Enters: Evidence and an Exercise. Leaves: a Grade. Touches nothing.

Missing evidence earns nothing and says why. Every check is monotone: more that is right never
earns less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from grader.course.exercises import Exercise
from grader.course.expectations import Threshold
from grader.course.profiles import LAPTOP
from grader.score.hints import diagnose, diagnose_runs
from grader.score.nearest import nearest
from grader.score.structure import structure_checks
from grader.types import (
    Check,
    Evidence,
    EvidenceClass,
    Grade,
    Message,
    Outcome,
    TrainingFacts,
    Verdict,
)

MAX_SCORE = 100.0
MOVED_SHARE = 0.25  # of the training points for weights that moved at all, the rest for epochs
CONTRADICTIONS = frozenset(
    {"weights_contradict_model", "pretrained", "history_contradicts", "no_training_seen"}
)
NO_FIT = "data.fit"
TARGET, TARGET_WEIGHT = "data.target", 3.0  # what is learned weighs more than how it is laid out
STOPPED = {
    Outcome.TIME_LIMIT: Verdict.TIME_LIMIT,
    Outcome.MEMORY_LIMIT: Verdict.MEMORY_LIMIT,
}
FAILURES = (
    (EvidenceClass.STRUCTURE, Verdict.WRONG_ARCHITECTURE),
    (EvidenceClass.DATA, Verdict.WRONG_DATA),
    (EvidenceClass.TRAINING, Verdict.UNTRAINED),
    (EvidenceClass.ACCURACY, Verdict.LOW_ACCURACY),
)


def score(evidence: Evidence, exercise: Exercise, threshold: Threshold | None) -> Grade:
    """Grade one exercise of one run.

    Args:
        evidence: the facts.
        exercise: what is asked and what it is worth.
        threshold: the calibrated accuracy threshold for the engine and device of the run.
    """
    if evidence.model is not None:
        exercise = exercise.sized(evidence.model.input_shape)
    compared = nearest(evidence.model, exercise) if evidence.model is not None else None
    points = exercise.points_for(threshold)
    checks = (
        *_runs(evidence, points[EvidenceClass.RUNS]),
        *structure_checks(compared, exercise, points[EvidenceClass.STRUCTURE]),
        *_data(evidence, points[EvidenceClass.DATA]),
        *_training(evidence.training, exercise, points[EvidenceClass.TRAINING]),
        *_accuracy(evidence, exercise, threshold, points[EvidenceClass.ACCURACY]),
    )
    verdict = _verdict(evidence, checks)
    if evidence.model is None:
        total = 0.0  # a notebook without a model earns nothing for running
    else:
        total = round(min(MAX_SCORE, sum(check.points for check in checks)), 2)
    return Grade(
        verdict=verdict,
        score=total,
        max_score=MAX_SCORE,
        checks=checks,
        hints=diagnose(evidence, exercise, compared, checks, verdict),
        flags=evidence.flags,
    )


def ungraded(message: Message) -> Grade:
    """A fault of ours: no score, never zero."""
    check = Check("grader", 0.0, 0.0, message, "", "")
    return Grade(Verdict.GRADER_ERROR, None, MAX_SCORE, (check,), (), ())


def malformed(message: Message) -> Grade:
    """Not a readable notebook."""
    check = Check("runs.readable", 0.0, MAX_SCORE, message, "", "")
    return Grade(Verdict.MALFORMED, 0.0, MAX_SCORE, (check,), (), ())


def nothing_found(evidence: Evidence) -> Grade:
    """Grade a notebook in which no model of any exercise was found."""
    runs = evidence.runs
    raised = bool(runs.failed) or runs.outcome is Outcome.KERNEL_DIED
    usual = Verdict.RUNTIME_ERROR if raised else Verdict.NO_MODEL
    verdict = STOPPED.get(runs.outcome, usual)
    checks = (
        *_runs(evidence, 0.0),
        Check("structure.layers", 0.0, MAX_SCORE, Message("structure.no_model"), "", ""),
    )
    hints = (*diagnose_runs(evidence), Message("pipeline.no_model_at_all"))
    return Grade(verdict, 0.0, MAX_SCORE, checks, hints, ())


def _verdict(evidence: Evidence, checks: tuple[Check, ...]) -> Verdict:
    runs = evidence.runs
    if runs.outcome in STOPPED:
        return STOPPED[runs.outcome]
    training = evidence.training
    trained = training is not None and (training.epochs > 0 or training.changed)
    if (runs.failed or runs.outcome is Outcome.KERNEL_DIED) and not trained:
        return Verdict.RUNTIME_ERROR
    if evidence.model is None:
        return Verdict.NO_MODEL
    for cls, verdict in FAILURES:
        # Without a fit there are no data to be wrong: what is missing is the training.
        if any(not c.passed for c in checks if c.id.split(".")[0] == cls and c.id != NO_FIT):
            return verdict
    if CONTRADICTIONS & set(evidence.flags):
        return Verdict.SUSPICIOUS
    return Verdict.ACCEPTED


# --- runs ------------------------------------------------------------------------------------


def _runs(evidence: Evidence, points: float) -> Iterator[Check]:
    runs = evidence.runs
    unfinished = runs.outcome is not Outcome.FINISHED
    bad = len(runs.failed) + (1 if unfinished else 0)
    total = max(runs.cells, bad, 1)
    share = (total - bad) / total
    if unfinished:
        message = Message(
            "runs.stopped", {"cell": runs.stopped_at or 0, "outcome": runs.outcome.value}
        )
    elif runs.failed:
        first, error = runs.failed[0]
        message = Message(
            "runs.failed",
            {
                "failed": len(runs.failed),
                "cells": runs.cells,
                "first": first,
                "error": f"{error.name}: {error.value}"[:200],
            },
        )
    else:
        message = Message("runs.all", {"cells": runs.cells})
    where = f"cell {runs.failed[0][0]}" if runs.failed else ""
    yield Check("runs.cells", points * share, points, message, str(total), str(total - bad), where)


# --- data ------------------------------------------------------------------------------------


def _data(evidence: Evidence, points: float) -> Iterator[Check]:
    if not evidence.data:
        yield Check(NO_FIT, 0.0, points, Message("data.no_fit"), "", "")
        return
    weights = [TARGET_WEIGHT if f.id == TARGET else 1.0 for f in evidence.data]
    where = f"cell {evidence.training.cell}" if evidence.training else ""
    for finding, weight in zip(evidence.data, weights, strict=True):
        share = points * weight / sum(weights)
        yield Check(
            finding.id,
            share * min(1.0, max(0.0, finding.fraction)),
            share,
            finding.message,
            finding.expected,
            finding.got,
            where,
        )


# --- training --------------------------------------------------------------------------------


def _training(training: TrainingFacts | None, exercise: Exercise, points: float) -> Iterator[Check]:
    moved, lasted = points * MOVED_SHARE, points * (1 - MOVED_SHARE)
    needed = exercise.min_epochs
    run = training.epochs if training else 0
    where = f"cell {training.cell}" if training and training.cell else ""
    if training is None or (training.fits == 0 and not training.changed):
        changed, told = 0.0, Message("training.never_fitted")
    elif not training.finite:
        changed, told = 0.0, Message("training.not_finite")
    elif training.mended:
        changed, told = 1.0, Message("training.mended")
    elif training.changed:
        changed, told = 1.0, Message("training.changed")
    else:
        changed, told = 0.0, Message("training.unchanged")
    yield Check("training.weights", moved * changed, moved, told, "", "", where)
    share = min(1.0, run / needed) if changed else 0.0
    args = {"run": run, "needed": needed, "asked": exercise.epochs}
    enough = run >= exercise.epochs or run < needed
    message = Message("training.epochs" if enough else "training.epochs_fewer", args)
    yield Check("training.epochs", lasted * share, lasted, message, f"≥ {needed}", str(run), where)


# --- accuracy --------------------------------------------------------------------------------


def _unmeasured(exercise: Exercise) -> Message:
    if exercise.profile == LAPTOP:
        return Message("accuracy.unmeasured")
    return Message("accuracy.unmeasured_profile", {"profile": exercise.profile})


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


def _accuracy(
    evidence: Evidence, exercise: Exercise, threshold: Threshold | None, points: float
) -> Iterator[Check]:
    if threshold is None or threshold.value is None:
        why = threshold.why if threshold else _unmeasured(exercise)
        yield Check("accuracy.none", 0.0, 0.0, why or Message("accuracy.none"), "", "")
        return
    sign = "≤" if threshold.better == "lower" else "≥"
    expected = f"{threshold.metric} {sign} {threshold.value:.3g}"
    value = evidence.metrics.get(threshold.metric)
    check_id = f"accuracy.{threshold.metric}"
    if value is None:
        if "needs_review" in evidence.flags:
            message = Message("accuracy.needs_review")
        else:
            message = evidence.unmet or Message("accuracy.not_judged")
        yield Check(check_id, 0.0, points, message, expected, "—")
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
    yield Check(check_id, points * fraction, points, message, expected, f"{value:.3g}")
