"""Gradescope: ``results.json`` of a student's submission.

Where something is ungraded there is no score at all, so that Gradescope reports the autograder as
failed instead of entering a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.report import wording
from grader.report.export import Export, Files, json_file
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Check, Json, Record


def files(export: Export) -> Files:
    """Give one file per student."""
    for folder, _, records in export.by_student():
        yield f"{folder}results.json", json_file(_results(records, export.words))


def _results(records: Sequence[Record], words: Words) -> dict[str, Json]:
    complete = all(record.grade.graded for record in records)
    result: dict[str, Json] = {
        "execution_time": round(sum(record.seconds for record in records), 1),
        "output": " ".join(_line(record, words) for record in records),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"records": [record.key for record in records]},
        "tests": [test for record in records for test in _tests(record, words)],
    }
    if complete:
        result["score"] = round(sum(record.grade.score or 0.0 for record in records), 2)
    return result


def _tests(record: Record, words: Words) -> Iterable[dict[str, Json]]:
    for check in record.grade.checks:
        test: dict[str, Json] = {
            "name": f"{wording.title(record.exercise, {}, words)}: {_question(check, words)}",
            "output": printable(wording.text_for_student(record, check, words)),
            "output_format": "text",
            "tags": [wording.name(check.id)],
            "visibility": "visible",
        }
        if record.grade.graded and check.max_points > 0:
            test["score"] = round(check.points, 2)
            test["max_score"] = round(check.max_points, 2)
        if record.grade.graded:
            test["status"] = "passed" if check.passed else "failed"
        yield test


def _question(check: Check, words: Words) -> str:
    return wording.class_name(check.cls, words) if check.cls else wording.name(check.id)


def _line(record: Record, words: Words) -> str:
    exercise = wording.title(record.exercise, {}, words)
    return f"{exercise}: {wording.verdict_name(record, words)}."
