"""Gradescope's autograder: one submission of one student, whose name lies beside it as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from grader.ci.event import Event, read_json, text

METADATA = "/autograder/submission_metadata.json"


def event(environment: Mapping[str, str]) -> Event:
    """Read whose it is: a group is named by all of its members. Staff alone can change the job.

    Raises:
        GraderError: the file is not there, or cannot be read.
    """
    told = read_json(environment.get("GRADESCOPE_METADATA", METADATA))
    users = told.get("users")
    names = [text(one, "email") or text(one, "name") for one in users or () if one]
    return Event(
        student=", ".join(sorted(filter(None, names))),
        trusted=True,
        handed_in=text(told, "created_at"),
    )
