"""A grade with the threshold that belongs to it.

Enters: a Course, Evidence, the engine and device of the run. Leaves: a Judged. Touches: loads the
exercise's family, once, for the fingerprint of its data, and the exercise's own checks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from grader.course.data import data_fingerprint
from grader.course.exercises import Course, Exercise
from grader.course.expectations import TRAINER, Threshold
from grader.course.families import load_family
from grader.course.own_checks import load_own_checks
from grader.score.score import nothing_found, score, ungraded
from grader.types import Engine, Evidence, Grade, GraderError, UsedThreshold

TRAINERS = Engine.JAX, "cpu"  # the engine of our own trainings, and their usual device


@dataclass(frozen=True)
class Judged:
    """A grade, and what is kept of the threshold that it was scored with."""

    grade: Grade
    threshold: UsedThreshold | None


def grade_of(course: Course, evidence: Evidence, engine: Engine, device: str) -> Judged:
    """Score one exercise's evidence with the threshold of its engine and device.

    Where the exercise's own checks are broken, the grade is none: the fault is on our side.
    """
    exercise = course.exercises.get(evidence.exercise)
    if exercise is None:
        return Judged(nothing_found(evidence), None)
    measured = exercise
    if evidence.model is not None:
        measured = exercise.at_profile_of(exercise.sized(evidence.model.input_shape))
    fingerprint = None
    if exercise.family is not None and course.reference is not None:
        fingerprint = _fingerprint(course.reference, measured)
    # Wherever the notebook ran.
    proven = evidence.proof is not None and evidence.proof.proven
    trained_on = evidence.proof.device if evidence.proof is not None else TRAINERS[1]
    ours = _of_ours(measured, trained_on, fingerprint)
    threshold = ours if proven else measured.threshold(engine.value, device, fingerprint)
    try:
        grade = score(evidence, exercise, threshold, load_own_checks(exercise), ours)
    except GraderError as error:
        return Judged(ungraded(error.message), None)  # the evidence stays, to be scored again
    return Judged(grade, used_threshold(threshold, exercise.attempts))


def _of_ours(exercise: Exercise, device: str, fingerprint: str | None) -> Threshold | None:
    """Give the threshold of our own trainings on a device: its own, else a core's, as it is.

    A device trains nothing of ours before it has computed what a core does, so that its results
    are of the same distribution as a core's. Nothing is known of where a notebook trains by itself.
    """
    engine = _ours(exercise)
    entries = exercise.expectation.thresholds if exercise.expectation else ()
    known = any((entry.engine, entry.device) == (engine, device) for entry in entries)
    return exercise.threshold(engine, device if known else TRAINERS[1], fingerprint)


def _ours(exercise: Exercise) -> str:
    """Give under which name our own trainings were measured: by their own, else by JAX's.

    While fewer runs are their own than JAX's, a few of them would decide what many did.
    """
    measured, usual = exercise.expectation, TRAINERS[0].value
    if measured is None or all(entry.engine != TRAINER for entry in measured.thresholds):
        return usual
    enough = measured.correct_runs(TRAINER) >= measured.correct_runs(usual)
    return TRAINER if enough else usual


def used_threshold(threshold: Threshold | None, attempts: int) -> UsedThreshold | None:
    """Give what a record keeps of the threshold that it was scored with.

    ``false_fail`` is the largest chance, by calibration, that correct work misses the threshold in
    every attempt. Nothing is known of it where the threshold is another machine's, widened.
    """
    if threshold is None:
        return None
    rate = None if threshold.widened else threshold.false_fail
    return UsedThreshold(
        metric=threshold.metric,
        better=threshold.better,
        value=threshold.value,
        control=threshold.control,
        engine=threshold.engine,
        device=threshold.device,
        widened=threshold.widened,
        reason=threshold.reason,
        attempts=attempts if rate else None,
        false_fail=rate.after(attempts).upper95 if rate else None,
    )


_fingerprints: dict[str, str] = {}


def _fingerprint(reference: Path, exercise: Exercise) -> str:
    """Give the fingerprint of an exercise's data, drawn once: it takes a few milliseconds."""
    assert exercise.family is not None
    asked = [str(reference), exercise.family, exercise.dataset, exercise.data]
    key = json.dumps(asked, sort_keys=True)
    if key not in _fingerprints:
        family = load_family(reference, exercise.family)
        _fingerprints[key] = data_fingerprint(exercise, family)
    return _fingerprints[key]
