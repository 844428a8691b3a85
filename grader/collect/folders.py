"""Looks through a folder of submissions without following a link.

Enters: a folder. Leaves: every file in it, in the order of their names, with the reason where
it is not looked at. Touches: lists folders; opens no file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.collect.layouts import SUBMITTED
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar

MAX_SEEN = 200_000
MAX_DEPTH = 30
_LEFT_BEHIND = frozenset({"__macosx", "__pycache__", "thumbs.db", "desktop.ini", "icon\r"})
_NBGRADER = frozenset({"source", "release", "autograded", "feedback"})


@dataclass(frozen=True)
class Seen:
    """One file, or one folder that was not entered or is empty. No ``reason``: look at it."""

    relative: PurePosixPath
    reason: Message | None = None
    refused: bool = False  # the reason is somebody's to act on
    empty: bool = False  # a folder with nothing in it


def look_into(root: Path) -> Iterator[Seen]:
    """List everything below ``root``.

    Raises:
        GraderError: the folder itself cannot be listed, or is far too large to be submissions.
    """
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        args = {"path": printable(str(root)), "error": error.strerror}
        raise GraderError(Message("collect.path_unreadable", args)) from error
    for count, seen in enumerate(_walk(root, PurePosixPath()), start=1):
        if count > MAX_SEEN:
            shown: dict[str, Scalar] = {"path": printable(str(root)), "limit": MAX_SEEN}
            raise GraderError(Message("collect.too_many_files", shown))
        yield seen


def _walk(root: Path, below: PurePosixPath) -> Iterator[Seen]:
    try:
        with os.scandir(root / below) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield _refused("collect.folder_unreadable", below, error=error.strerror or "")
        return
    if not any(not is_hidden(entry.name) for entry in entries) and below.parts:
        yield Seen(below, empty=True)
    folders = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
    passed_by = _NBGRADER if SUBMITTED in folders else frozenset()
    for entry in entries:
        relative = below / entry.name
        if entry.name not in folders:
            yield (
                _refused("collect.folder_is_link", relative)
                if _leads_away(entry)
                else file(relative)
            )
        elif is_hidden(entry.name):
            yield Seen(relative, _about("collect.hidden", relative))
        elif entry.name in passed_by:
            yield Seen(relative, _about("collect.nbgrader_folder", relative))
        elif len(relative.parts) > MAX_DEPTH:
            yield _refused("collect.folder_too_deep", relative, limit=MAX_DEPTH)
        else:
            yield from _walk(root, relative)


def _leads_away(entry: os.DirEntry[str]) -> bool:
    """Whether it is a link to a folder: whoever put it there is not graded for what is in it."""
    try:
        return entry.is_symlink() and entry.is_dir() and not is_hidden(entry.name)
    except OSError:  # a link to itself
        return False


def file(relative: PurePosixPath) -> Seen:
    """Tell by its name whether a file was handed in, or some tool left it behind."""
    if any(is_hidden(part) for part in relative.parts):
        return Seen(relative, _about("collect.hidden", relative))
    return Seen(relative)


def is_hidden(name: str) -> bool:
    """Whether a tool left it behind: .ipynb_checkpoints, .git, ._files of macOS, of Windows."""
    return name.startswith((".", "~$")) or name.lower() in _LEFT_BEHIND


def _refused(message_id: str, relative: PurePosixPath, **args: str | int) -> Seen:
    return Seen(relative, _about(message_id, relative, **args), refused=True)


def _about(message_id: str, relative: PurePosixPath, **args: str | int) -> Message:
    name = printable(str(relative), limit=200)
    return Message(message_id, {"name": name, **args})
