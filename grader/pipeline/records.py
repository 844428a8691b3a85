"""The records of one submission: of what was judged, of what could not be, of somebody else's run.

Enters: a Job, its slot, what was judged or why nothing was. Leaves: Records. Touches: the clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from grader.course.exercises import Course
from grader.pipeline.job import Job, record_versions
from grader.pipeline.runner import Slot
from grader.pipeline.scored import Scored
from grader.score.score import MAX_SCORE, malformed, ungraded
from grader.types import UNKNOWN, Grade, Isolation, Level, Message, Record, TimeSpent

NO_ROOM = Isolation(Level.NONE)  # none was needed


def judged(job: Job, slot: Slot, case: Scored, began: float, spent: TimeSpent) -> Record:
    """Give the record of an exercise that was judged.

    Args:
        job: whose.
        slot: where it ran.
        case: the exercise with its grade and evidence.
        began: the monotonic clock when the submission was begun.
        spent: where the time of all its exercises went.
    """
    execution = case.execution
    return Record(
        key=job.score_key(slot, case.exercise),
        execution_key=job.execution_key(slot, execution.engine, execution.attempt),
        submission=job.submission.name,
        student=job.submission.student,
        handed_in=job.submission.handed_in,
        exercise=case.exercise,
        grade=case.grade,
        evidence=case.evidence,
        attempts=case.attempts,
        engine=execution.engine,
        device=execution.device,
        isolation=execution.isolation,
        seconds=round(time.monotonic() - began, 3),
        graded_at=_now(),
        versions=record_versions(),
        threshold=case.threshold,
        hidden_seed=job.hidden_seed(case.exercise),
        profile=_profile(job.course, case.exercise),
        spent=spent,
    )


def of_none_judged(
    job: Job, slot: Slot, message: Message, began: float, isolation: Isolation
) -> Iterator[Record]:
    """Give ungraded records of all exercises: nothing was run, or it came to nothing."""
    for exercise in job.submission.exercises or (UNKNOWN,):
        yield without_evidence(job, slot, ungraded(message), began, exercise, isolation)


def of_a_malformed_file(job: Job, slot: Slot, problem: Message, began: float) -> Iterator[Record]:
    """Give the records of a file that is no notebook: no points in any exercise."""
    for exercise in job.submission.exercises or (UNKNOWN,):
        known = job.course.exercises.get(exercise)
        grade = malformed(problem, MAX_SCORE if known is None else known.max_score)
        yield without_evidence(job, slot, grade, began, exercise, NO_ROOM)


def without_evidence(
    job: Job, slot: Slot, grade: Grade, began: float, exercise: str, isolation: Isolation
) -> Record:
    """Give the record of an exercise of which nothing is known but its grade."""
    return Record(
        key=job.score_key(slot, exercise),
        execution_key=job.execution_key(slot, job.choice.engine, 1),
        submission=job.submission.name,
        student=job.submission.student,
        handed_in=job.submission.handed_in,
        exercise=exercise,
        grade=grade,
        evidence=None,
        attempts=(),
        engine=None,
        device=slot.device,
        isolation=isolation,
        seconds=round(time.monotonic() - began, 3),
        graded_at=_now(),
        versions=record_versions(),
        profile=_profile(job.course, exercise),
    )


def in_the_name_of(job: Job, slot: Slot, record: Record) -> Record:
    """Give the record of the same code handed in by somebody else."""
    return replace(
        record,
        key=job.score_key(slot, record.exercise),
        submission=job.submission.name,
        student=job.submission.student,
        handed_in=job.submission.handed_in,
        same_as=record.submission,
    )


def _profile(course: Course, exercise: str) -> str:
    """Give whose sizes an exercise has; of what no exercise was found in, the course's."""
    known = course.exercises.get(exercise)
    return known.profile if known else course.profile


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
