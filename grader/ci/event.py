"""What happened to a repository, as the platform that runs the job tells it.

Enters: nothing. Leaves: an Event. Touches: reads the file that a platform names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.types import GraderError, Message

MOST_BYTES = 2**24  # GitHub's largest event has 25 MB, and is cut to a list of names then


@dataclass(frozen=True)
class Event:
    """What asks for grading.

    Attributes:
        base: the commit to compare with, "" where nobody named one.
        head: the commit that is handed in, "" for what is checked out.
        student: whose work it is, "" where the names of files say.
        draft: its author calls it unfinished.
        trusted: nobody who hands in can change what this job does: it may write to a cache.
        unchanged: the job is the repository's own, though somebody who hands in can start it: what
            it computes is no mere advice.
        handed_in: when, as the platform's own clock had it; "" where it does not say.
    """

    base: str = ""
    head: str = ""
    student: str = ""
    draft: bool = False
    trusted: bool = False
    unchanged: bool = False
    handed_in: str = ""


def read_json(path: str) -> Mapping[str, Any]:
    """Read the file in which a platform tells what happened.

    Raises:
        GraderError: it is not there, or no JSON object.
    """
    try:
        with Path(path).open("rb") as file:
            told = json.loads(file.read(MOST_BYTES))
        if not isinstance(told, dict):
            raise ValueError(type(told).__name__)  # noqa: TRY301, TRY004 - the same for all of them
    except (OSError, ValueError) as error:
        args = {"path": path, "error": f"{type(error).__name__}: {error}"}
        raise GraderError(Message("ci.bad_event", args)) from error
    return told


def text(told: object, *path: str) -> str:
    """Give a text at a place in what was told, "" where there is none."""
    for name in path:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told if isinstance(told, str) else ""
