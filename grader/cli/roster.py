"""Reads the files that an instructor names, on the command line or in course.toml, as rosters.

Enters: a path, or whose class. Leaves: a Roster, or bytes. Touches: reads that file.
"""

from __future__ import annotations

import codecs
import csv
import json
from contextlib import suppress
from pathlib import Path

from grader.course.exercises import Course
from grader.record import class_file, files
from grader.report.roster import CALLED, Roster, column_called, one_word, read_roster, says_who
from grader.text.printable import printable
from grader.types import GraderError, Message

LARGEST = 50_000_000  # bytes
LONGEST = 300  # characters of a list of columns in a message
# Spreadsheets of today (a zip) and of old, PDF, pages of HTML.
_OTHERS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"<!DOCTYPE", b"<html")


def roster_file(path: Path, key: str = "") -> Roster:
    """Read a roster; spreadsheets in Korea still write CP949.

    Args:
        path: where it lies.
        key: a column of it that somebody named, by which people are known.

    Raises:
        GraderError: it cannot be read, nobody is in it, or no column says who people are.
    """
    data = read_given(path)
    if what := _what_else(data):
        raise GraderError(Message(what, {"path": str(path)}))
    for encoding in _encodings(data):
        try:
            roster = read_roster(data.decode(encoding))
            break
        except (UnicodeDecodeError, ValueError):
            continue
        except csv.Error as error:
            args = {"path": str(path), "error": str(error)}
            raise GraderError(Message("cli.roster_no_table", args)) from error
    else:
        raise GraderError(Message("cli.roster_unreadable", {"path": str(path)}))
    if not roster:
        raise GraderError(Message("cli.roster_empty", {"path": str(path)}))
    if not says_who(roster) and column_called(roster, key) is None:
        raise GraderError(_says_nobody(path, roster))
    return roster


def _says_nobody(path: Path, roster: Roster) -> Message:
    """Say which columns a roster has, and which would do: each once, however it may be written."""
    wanted = {one_word(one): one for one in reversed(CALLED)}
    found = printable(", ".join(roster[0]), limit=LONGEST)
    args = {"path": str(path), "found": found, "wanted": ", ".join(reversed(wanted.values()))}
    return Message("cli.roster_says_nobody", args)


def class_list(course: Course) -> Roster:
    """Read the course's roster; nobody where it names none.

    Raises:
        GraderError: it cannot be read.
    """
    said = course.rules.roster
    return roster_file(course.root / said.file) if said is not None else ()


def class_of(course: Course, out: Path | None) -> Roster:
    """Read the course's roster, else the one that was given to a folder; nobody without either.

    Raises:
        GraderError: the course's cannot be read.
    """
    if course.rules.roster is not None or out is None:
        return class_list(course)
    try:
        return known_roster(course, out)[0] or ()
    except GraderError:  # told with everybody's state
        return ()


def known_roster(course: Course, out: Path) -> tuple[Roster | None, str]:
    """Give the class's roster, and where it lies: the folder's, else the course's.

    Raises:
        GraderError: it cannot be read.
    """
    kept, said = class_file.read(out), course.rules.roster
    if kept.roster:
        return roster_file(Path(kept.roster)), kept.roster
    return (class_list(course), str(course.root / said.file)) if said is not None else (None, "")


def _what_else(data: bytes) -> str:
    """Say what it is where it is no CSV, by its first bytes; "" where it may be one.

    Read as CSV a notebook is a roster of nobody, and everybody's grade would be left out.
    """
    begin = data[:200].removeprefix(codecs.BOM_UTF8).lstrip()
    if begin.startswith((b"{", b"[")):
        with suppress(ValueError, RecursionError):
            json.loads(data.decode("utf-8-sig"))
            return "cli.roster_is_notebook" if b'"cells"' in data else "cli.roster_is_other"
    return "cli.roster_is_other" if begin.startswith(_OTHERS) else ""


def _encodings(data: bytes) -> tuple[str, ...]:
    """Give what it may be written in; spreadsheets call UTF-16 "Unicode text"."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8-sig", "cp949")


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
