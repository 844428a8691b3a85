"""Classroom 50's ``result.json``, where all records are one student's."""

from __future__ import annotations

from grader.ci.told import Told
from grader.report.exporters import classroom50
from grader.types import GraderError, Message

FILE = "result.json"


def write(told: Told) -> bytes:
    """Give the file.

    Raises:
        GraderError: something is ungraded, or not known of the submission, or there are several
            students.
    """
    missing = [one for one in classroom50.ABOUT if one not in told.about]
    if missing:
        raise GraderError(Message("ci.not_told", {"file": FILE, "missing": ", ".join(missing)}))
    found = list(classroom50.files(told.export))
    if len(found) != 1:
        raise GraderError(Message("ci.one_student", {"file": FILE, "students": len(found)}))
    return found[0][1]
