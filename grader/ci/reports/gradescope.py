"""Gradescope's ``results.json``, where all records are one student's."""

from __future__ import annotations

from grader.ci.told import Told
from grader.report.exporters import gradescope
from grader.types import GraderError, Message

FILE = "results.json"


def write(told: Told) -> bytes:
    """Give the file.

    Raises:
        GraderError: there are several students, and it is one submission's.
    """
    found = list(gradescope.files(told.export))
    if len(found) != 1:
        raise GraderError(Message("ci.one_student", {"file": FILE, "students": len(found)}))
    return found[0][1]
