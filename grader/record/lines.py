"""Files that grow by whole lines of JSON: what was decided by hand, moved, exported.

Enters: plain objects. Leaves: the same, when asked for again. Touches: one file in OUT.

All lines of one call are one write, flushed: a reader sees all of them or none. What a power cut
left without an end was never confirmed, and goes with the next line. Only ``rewrite`` takes lines
away, for whoever is to be forgotten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from grader.record import files
from grader.types import Json, Message

MOST_BYTES = 256 * 2**20
LONGEST_ERROR = 200  # characters


Line = TypeVar("Line")


@dataclass(frozen=True)
class Lines(Generic[Line]):
    """What could be read, and a word for each line that could not."""

    objects: Sequence[Line] = ()
    unread: Sequence[Message] = field(default=())


def read(path: Path) -> Lines[Mapping[str, Json]]:
    """Read a file's lines; one that is not there has none."""
    return read_as(path, lambda found: found)


def read_as(path: Path, line_of: Callable[[Mapping[str, Json]], Line]) -> Lines[Line]:
    """Read a file's lines as what they say; one that is not there has none.

    Args:
        path: the file.
        line_of: reads a line strictly; raises ValueError where it is none.
    """
    try:
        data = files.read_at_most(path, MOST_BYTES)
    except FileNotFoundError:
        return Lines()
    except OSError as error:
        return Lines(unread=(_unread(path, error),))
    objects: list[Line] = []
    unread: list[Message] = []
    for number, line in enumerate(_whole(data).splitlines(), start=1):
        try:
            objects.append(line_of(_object(line)))
        except (ValueError, RecursionError) as error:
            unread.append(_unreadable(path, number, error))
    return Lines(tuple(objects), tuple(unread))


def append(path: Path, objects: Sequence[Mapping[str, Json]]) -> None:
    """Add lines, all or none; the caller holds the folder's lock.

    Raises:
        GraderError: the disk is full or refuses.
    """
    if not objects:
        return
    with files.disk_errors(path):
        files.make_folders(path.parent)
        with open(path, "ab+", opener=files.opened_with()) as file:
            file.seek(0)
            there = file.read(MOST_BYTES)
            whole = _whole(there)
            if len(whole) < len(there):
                file.truncate(len(whole))
            needs_end = bool(whole) and not whole.endswith(b"\n")
            file.write((b"\n" if needs_end else b"") + _text(objects))
            file.flush()
            os.fsync(file.fileno())


def rewrite(path: Path, objects: Sequence[Mapping[str, Json]]) -> None:
    """Put lines in the place of all that were there, all at once; with none the file goes.

    Raises:
        GraderError: the disk is full or refuses.
    """
    if objects:
        files.write_whole(path, _text(objects), durably=True)
        return
    with files.disk_errors(path):
        path.unlink(missing_ok=True)


def _unreadable(path: Path, number: int, error: Exception) -> Message:
    """Say which line of a file is none."""
    reason = (str(error) or type(error).__name__).splitlines()[0][:LONGEST_ERROR]
    return Message("record.line_unreadable", {"path": str(path), "line": number, "error": reason})


def _unread(path: Path, error: OSError) -> Message:
    return Message("record.unreadable", {"path": str(path), "error": str(error)})


def _whole(data: bytes) -> bytes:
    """Give what was confirmed: a last line without an end counts if it can be read."""
    head, _, tail = data.rpartition(b"\n")
    if not tail:
        return data
    try:
        _object(tail)
    except (ValueError, RecursionError):
        return data[: len(data) - len(tail)] if head or data.startswith(b"\n") else b""
    return data


def _object(line: bytes) -> Mapping[str, Json]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - it is the file that is wrong
    return found


def _text(objects: Sequence[Mapping[str, Json]]) -> bytes:
    lines = (json.dumps(one, ensure_ascii=False, allow_nan=False) for one in objects)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
