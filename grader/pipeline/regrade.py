"""From kept evidence to a grade, by today's rubric and today's expectations; nothing is run.

Enters: the Records that hold the evidence. Leaves: new Records. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from grader.course.exercises import Course
from grader.pipeline.job import JUDGE_VERSION, record_key
from grader.score.grade import grade_of
from grader.types import Record


def regrade(course: Course, records: Iterable[Record], secret: bytes) -> Iterator[Record]:
    """Score stored evidence again with today's rubric and expectation; nothing is run."""
    for record in records:
        if record.evidence is None or record.engine is None:
            yield record
            continue
        judged = grade_of(course, record.evidence, record.engine, record.device)
        key = record_key(
            course,
            secret,
            execution=record.execution_key,
            submission=record.submission,
            student=record.student,
            exercise=record.exercise,
        )
        versions = {**record.versions, "judge": JUDGE_VERSION}
        grade, threshold = judged.grade, judged.threshold
        yield replace(record, key=key, grade=grade, threshold=threshold, versions=versions)
