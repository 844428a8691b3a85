"""Grades for other programs: the schema ``grader/results/v1``.

Enters: Records. Leaves: one object of plain JSON values. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.course.profiles import LAPTOP
from grader.policy.hand_ins import Counting
from grader.report import wording
from grader.report.by_hand import by_hand_json
from grader.report.lacking import lacking
from grader.report.late import late_texts
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Check, Json, Record

SCHEMA = "grader/results/v1"
_DIGITS = 4


def results_json(
    records: Sequence[Record], words: Words, locate: Callable[[Record], str]
) -> dict[str, Json]:
    """Give all results as one object.

    Args:
        records: what was graded.
        words: the language of the messages.
        locate: says where a record is kept.
    """
    counts = Counting(records)
    results: list[Json] = [_result(one, words, locate(one), counts) for one in records]
    return {"schema": SCHEMA, "results": results, "lacking": _lacking(records)}


def _lacking(records: Sequence[Record]) -> list[Json]:
    """Give the packages that notebooks import and the room lacks."""
    return [
        {"package": printable(one.package), "notebooks": one.notebooks, "of": one.of}
        for one in lacking(records)
    ]


def _result(record: Record, words: Words, kept: str, counts: Counting) -> dict[str, Json]:
    grade = record.grade
    unusual: dict[str, Json] = {} if record.profile == LAPTOP else {"profile": record.profile}
    if not counts.counts(record):
        unusual["counts"] = False
    if record.waiting:
        unusual["waiting"] = round(record.waiting, _DIGITS)
    return {
        "submission": printable(record.submission),
        "student": printable(record.student),
        "exercise": printable(record.exercise),
        "verdict": grade.verdict.value,
        "graded": grade.graded,
        "score": None if grade.score is None else round(grade.score, _DIGITS),
        "max_score": round(grade.max_score, _DIGITS),
        "flags": list(grade.flags),
        "cell": wording.model_cell(record),
        "checks": [_check(record, check, words) for check in grade.checks],
        "hints": [{"id": hint.id, "message": words.say(hint)} for hint in grade.hints],
        "engine": record.engine.value if record.engine else None,
        "attempts": len(record.attempts),
        "isolation": {
            "level": record.isolation.level.value,
            "layers": list(record.isolation.layers),
        },
        "seconds": round(record.seconds, 3),
        "record": kept,
        **unusual,
        **by_hand_json(record),
        **_rules_json(record, words),
    }


def _rules_json(record: Record, words: Words) -> dict[str, Json]:
    """Give what the course's rules made of it; nothing where no rules were laid over it."""
    rules = record.by_rules
    if rules is None:
        return {}
    told: dict[str, Json] = {
        "attempt": rules.attempt,
        "attempts_handed_in": rules.attempts,
        "late": rules.timing.value,
        "days_late": rules.days,
        "taken_off": round(rules.taken, _DIGITS),
        "handed_in": rules.handed_in or None,
        "due": rules.due or None,
        "why": list[Json](late_texts(record, words)),
    }
    return {"rules": told}


def _check(record: Record, check: Check, words: Words) -> dict[str, Json]:
    return {
        "id": check.id,
        "points": round(check.points, _DIGITS),
        "max_points": round(check.max_points, _DIGITS),
        "message": wording.text_for_student(record, check, words),
        "expected": wording.value(check.expected),
        "got": wording.value(check.got),
        **({"waiting": round(check.waiting, _DIGITS)} if check.waiting else {}),
    }
