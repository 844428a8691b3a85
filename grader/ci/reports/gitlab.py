"""GitLab's code quality report: what is wrong, beside the file in a merge request."""

from __future__ import annotations

import hashlib
import json

from grader.ci.told import Told
from grader.policy.hand_ins import counting
from grader.report import wording
from grader.text.printable import printable
from grader.types import Json, Record, Verdict

FILE = "gl-code-quality-report.json"
_SEVERITIES = {Verdict.SUSPICIOUS: "minor", Verdict.GRADER_ERROR: "info"}


def write(told: Told) -> bytes:
    """Give what does not count as accepted, worst first."""
    records = wording.worst_first(counting(told.records))
    found = [_finding(one, told) for one in records if one.grade.verdict is not Verdict.ACCEPTED]
    return json.dumps(found, ensure_ascii=False, indent=2).encode("utf-8", "replace")


def _finding(record: Record, told: Told) -> dict[str, Json]:
    path = told.places.get(record.submission, record.submission)
    whose = f"{record.student}\0{record.submission}\0{record.exercise}"
    said = wording.reason_for_student(record, told.words)
    verdict = wording.verdict_name(record, told.words)
    return {
        "description": printable(f"{verdict}. {said}"),
        "check_name": wording.name(record.exercise),
        "fingerprint": hashlib.sha256(whose.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": _SEVERITIES.get(record.grade.verdict, "major"),
        "location": {"path": printable(path), "lines": {"begin": 1}},
    }
