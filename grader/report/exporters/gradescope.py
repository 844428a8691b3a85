"""Gradescope: ``results.json`` of a student's submission.

Where something is ungraded there is no score at all, so that Gradescope reports the autograder as
failed instead of entering a number. So it is where a student is excused from something: the points
of a Gradescope assignment are the same for all, and without it would be a zero. A score by hand
stands for all tests, whose points are the grader's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.policy.hand_ins import is_excused
from grader.report import by_hand, wording
from grader.report.by_hand import by_hand_json
from grader.report.export import Export, Files, json_file
from grader.report.points import in_system
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Check, Json, Record

NO_EXCUSES = "report.gradescope_excused"


def files(export: Export) -> Files:
    """Give one file per student."""
    for folder, student, records in export.by_student():
        excused = export.excused_of(student)
        yield f"{folder}results.json", json_file(_results(records, excused, export.words))


def _results(
    counting: Sequence[Record], excused: Sequence[Record], words: Words
) -> dict[str, Json]:
    complete = not excused and all(record.grade.graded for record in counting)
    records = [*counting, *excused]
    extra: dict[str, Json] = {"records": [record.key for record in records]}
    decided = {
        printable(one.exercise): by_hand_json(one)["by_hand"] for one in records if one.by_hand
    }
    result: dict[str, Json] = {
        "execution_time": round(sum(record.seconds for record in records), 1),
        "output": " ".join(_line(record, words) for record in records),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": extra | ({"by_hand": decided} if decided else {}),
        "tests": [test for record in records for test in _tests(record, words)],
    }
    if complete:
        result["score"] = round(sum(in_system(record) or 0.0 for record in records), 2)
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
        counts = record.grade.graded and not is_excused(record)
        if counts and check.max_points > 0:
            test["score"] = round(check.points, 2)
            test["max_score"] = round(check.max_points, 2)
        if counts and not (check.waiting and record.waiting):
            test["status"] = "passed" if check.passed else "failed"
        yield test


def _question(check: Check, words: Words) -> str:
    return wording.question(check.id, check.cls, words) if check.cls else wording.name(check.id)


def _line(record: Record, words: Words) -> str:
    exercise = wording.title(record.exercise, {}, words)
    told = [
        f"{exercise}: {wording.verdict_name(record, words)}.",
        *by_hand.all_texts(record, words),
    ]
    return printable(" ".join(told))
