"""Classroom 50: ``result.json`` of a student's submission; its totals are whole numbers.

A total is the sum of its tests, and is rounded once: each test gets its own whole part, and the
points that are left go to the largest fractions.

What a student is excused from is in neither total. The format has no place for who decided what.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from grader.report import wording
from grader.report.export import Export, Files, json_file
from grader.report.points import in_system, worth_in_system
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Json, Message, Record, Verdict

ABOUT = (
    *("classroom", "assignment", "assignment_type"),
    *("submission", "commit", "release", "review", "datetime"),
)


def files(export: Export) -> Files:
    """Give one file per student, who is the owner where ``about`` names no other.

    Raises:
        GraderError: something is ungraded, or all of it excused: the format has no word for it.
    """
    for folder, student, records in export.by_student():
        about = {"owner": printable(student), **export.about}
        if not records and export.excused_of(student):
            raise GraderError(Message("report.export_all_excused"))
        yield f"{folder}result.json", json_file(_result(records, about, export.words))


def _result(records: Sequence[Record], about: Mapping[str, str], words: Words) -> dict[str, Json]:
    waiting = sum(not record.grade.graded for record in records)
    if waiting:
        raise GraderError(Message("report.export_ungraded", {"waiting": waiting}))
    most = whole_parts([worth_in_system(record) for record in records])
    scores = whole_parts([in_system(record) or 0.0 for record in records], most)
    return {
        "schema": "classroom50/result/v1",
        "classroom": about["classroom"],
        "assignment": about["assignment"],
        "assignment_type": about["assignment_type"],
        "owner": about["owner"],
        "submission": about["submission"],
        "commit": about["commit"],
        "release": about["release"],
        "review": about["review"],
        "datetime": about["datetime"],
        "graded_at": max((record.graded_at for record in records), default=about["datetime"]),
        "score": sum(scores),
        "max-score": sum(most),
        "tests": [
            _test(record, words, score, whole)
            for record, score, whole in zip(records, scores, most, strict=True)
        ],
    }


def _test(record: Record, words: Words, score: int, most: int) -> dict[str, Json]:
    return {
        "test-name": wording.title(record.exercise, {}, words),
        "passed": record.grade.verdict is Verdict.ACCEPTED,
        "score": score,
        "max-score": most,
    }


def whole_parts(numbers: Sequence[float], most: Sequence[int] | None = None) -> list[int]:
    """Round numbers so that their sum is the rounded sum, none above its ``most``.

    The largest fractions are rounded up, as many as the sum needs; of equal ones the first.
    """
    parts = [math.floor(one) for one in numbers]
    total = math.floor(math.fsum(numbers) + 0.5)
    by_fraction = sorted(range(len(numbers)), key=lambda n: parts[n] - numbers[n])
    for place in by_fraction:
        if sum(parts) >= total:
            break
        if most is None or parts[place] < most[place]:
            parts[place] += 1
    return parts
