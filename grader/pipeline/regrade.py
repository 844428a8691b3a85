"""From kept evidence to a grade, by today's rubric and today's expectations; nothing is run.

Enters: Evidence, or the Records that hold it. Leaves: a Grade and its threshold, or new Records.
Touches: nothing. The pipeline scores a first time by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from grader.course.data import data_fingerprint
from grader.course.exercises import Course, Exercise
from grader.course.expectations import Threshold
from grader.course.families import load_family
from grader.pipeline.job import record_key
from grader.record.keys import canonical
from grader.score.score import nothing_found, score
from grader.types import Engine, Evidence, Grade, Record, Scalar


def regrade(course: Course, records: Iterable[Record], secret: bytes) -> Iterator[Record]:
    """Score stored evidence again with today's rubric and expectation; nothing is run."""
    for record in records:
        if record.evidence is None or record.engine is None:
            yield record
            continue
        grade, threshold = grade_of(course, record.evidence, record.engine, record.device)
        key = record_key(
            course,
            secret,
            execution=record.execution_key,
            submission=record.submission,
            student=record.student,
            exercise=record.exercise,
        )
        known = course.exercises.get(record.exercise)
        kept = told(threshold, known.attempts if known else 1)
        yield replace(record, key=key, grade=grade, threshold=kept)


def grade_of(
    course: Course, evidence: Evidence, engine: Engine, device: str
) -> tuple[Grade, Threshold | None]:
    """Score one exercise's evidence with the threshold of its engine and device."""
    exercise = course.exercises.get(evidence.exercise)
    if exercise is None:
        return nothing_found(evidence), None
    fingerprint = None
    if exercise.family is not None and course.reference is not None:
        fingerprint = _fingerprint(course.reference, exercise)
    threshold = exercise.threshold(engine.value, device, fingerprint)
    return score(evidence, exercise, threshold), threshold


def told(threshold: Threshold | None, attempts: int) -> dict[str, Scalar]:
    """Give what a record keeps of the threshold that it was scored with.

    ``false_fail`` is the largest chance, by calibration, that correct work misses the threshold in
    every attempt. Nothing is known of it where the threshold is another machine's, widened.
    """
    if threshold is None:
        return {}
    rate = None if threshold.widened else threshold.false_fail
    known = {"attempts": attempts, "false_fail": rate.after(attempts).upper95} if rate else {}
    return {
        "metric": threshold.metric,
        "better": threshold.better,
        "value": threshold.value,
        "control": threshold.control,
        "engine": threshold.engine,
        "device": threshold.device,
        "widened": threshold.widened,
        "reason": threshold.reason,
        **known,
    }


_fingerprints: dict[str, str] = {}


def _fingerprint(reference: Path, exercise: Exercise) -> str:
    """Give the fingerprint of an exercise's data, drawn once: it takes a few milliseconds."""
    assert exercise.family is not None
    place = canonical([str(reference), exercise.family, exercise.dataset, exercise.data]).decode()
    if place not in _fingerprints:
        family = load_family(reference, exercise.family)
        _fingerprints[place] = data_fingerprint(exercise, family)
    return _fingerprints[place]
