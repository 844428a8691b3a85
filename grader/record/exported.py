"""What was exported last: ``exported.jsonl``, a line for each export.

Enters: a format, and a digest of what its file said of each student. Leaves: the last digest of
each, when it was. Touches: that file.

A line is written after the export's files are: whoever is killed between the two exports the same
again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.record import files, lines
from grader.types import GraderError, Json, Message

NAME = "exported.jsonl"
LOCK = ".exported.lock"


@dataclass(frozen=True)
class Exported:
    """What one format's exports said."""

    at: str = ""  # of the last one, ISO 8601, UTC; "" where there was none
    count: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)  # by student
    unread: Sequence[Message] = ()


def read(out: Path, format_: str) -> Exported:
    """Read what was exported in a format."""
    found = lines.read_as(out / NAME, _line)
    at, count = "", 0
    digests: dict[str, str] = {}
    for name, time, students in found.objects:
        if name == format_:
            at, count = time, count + 1
            digests |= students
    return Exported(at, count, digests, found.unread)


def append(out: Path, format_: str, at: str, digests: Mapping[str, str], known: Exported) -> None:
    """Note an export; of students only those of whom it says something else than the last one.

    Raises:
        GraderError: the disk is full or refuses.
    """
    new: dict[str, Json] = {k: v for k, v in digests.items() if known.digests.get(k) != v}
    lines.append(out / NAME, [{"at": at, "format": format_, "students": new}])


def without(found: Mapping[str, Json], student: str) -> Mapping[str, Json]:
    """Give a line that does not name a student."""
    students = found.get("students")
    if not isinstance(students, dict) or student not in students:
        return found
    return {**found, "students": {k: v for k, v in students.items() if k != student}}


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep others from exporting, or forgetting, at the same time.

    Raises:
        GraderError: another does, or the disk has no locks.
    """
    path = out / LOCK
    handle = files.take_lock(path)
    if handle is None:
        raise GraderError(Message("record.exporting", {"path": str(out)}))
    try:
        yield
    finally:
        os.close(handle)


def _line(found: Mapping[str, Json]) -> tuple[str, str, dict[str, str]]:
    """Read a line strictly.

    Raises:
        ValueError: it is none.
    """
    name, at, students = found.get("format"), found.get("at"), found.get("students")
    if not isinstance(name, str) or not isinstance(at, str) or not isinstance(students, dict):
        raise ValueError("format, at or students")  # noqa: TRY004 - it is the file that is wrong
    digests = {k: v for k, v in students.items() if isinstance(v, str)}
    if len(digests) < len(students):
        raise ValueError("students")
    return name, at, digests
