"""Reads the files that an instructor names on the command line, as rosters.

Enters: a path. Leaves: a Roster, or bytes. Touches: reads that file.
"""

from __future__ import annotations

from pathlib import Path

from grader.record import files
from grader.report.roster import Roster, read_roster
from grader.types import GraderError, Message

LARGEST = 50_000_000  # bytes


def roster_file(path: Path) -> Roster:
    """Read a roster; spreadsheets in Korea still write CP949.

    Raises:
        GraderError: it cannot be read, or nobody is in it.
    """
    data = read_given(path)
    for encoding in ("utf-8-sig", "cp949"):
        try:
            roster = read_roster(data.decode(encoding))
            break
        except (UnicodeDecodeError, ValueError):
            continue
    else:
        raise GraderError(Message("cli.roster_unreadable", {"path": str(path)}))
    if not roster:
        raise GraderError(Message("cli.roster_empty", {"path": str(path)}))
    return roster


def read_given(path: Path) -> bytes:
    """Read a file.

    Raises:
        GraderError: it cannot be read.
    """
    try:
        return files.read_at_most(path, LARGEST)
    except OSError as error:
        reason = error.strerror or str(error)
        raise GraderError(
            Message("cli.file_unreadable", {"path": str(path), "error": reason})
        ) from error
