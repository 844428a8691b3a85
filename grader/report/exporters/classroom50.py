"""Classroom 50: ``result.json`` of a student's submission; its totals are whole numbers.

What a student is excused from is in neither total. The format has no place for who decided what.
"""

from __future__ import annotations

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
        "score": round(sum(in_system(record) or 0.0 for record in records)),
        "max-score": round(sum(map(worth_in_system, records))),
        "tests": [_test(record, words) for record in records],
    }


def _test(record: Record, words: Words) -> dict[str, Json]:
    return {
        "test-name": wording.title(record.exercise, {}, words),
        "passed": record.grade.verdict is Verdict.ACCEPTED,
        "score": round(in_system(record) or 0.0),
        "max-score": round(worth_in_system(record)),
    }
