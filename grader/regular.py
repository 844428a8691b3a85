"""Opens what students handed in: regular files only, no links, no waiting.

Enters: a path. Leaves: an open file or its bytes. Touches: reads that file.

A link could lead to the answers, a pipe would never end; both are turned away before they are
opened, and again on the open file, for it may have been swapped in between.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from grader.notebooks import MAX_BYTES, Malformed, too_large
from grader.types import Message

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> io.FileIO:
    """Open a regular file for reading.

    Raises:
        Malformed: a link or a special file.
        OSError: missing, forbidden, unreadable.
    """
    _require_regular(path.lstat().st_mode)
    file = io.FileIO(os.open(path, _FLAGS), "rb")
    try:
        _require_regular(os.fstat(file.fileno()).st_mode)
    except Malformed:
        file.close()
        raise
    return file


def read_notebook_bytes(path: Path) -> bytes:
    """Read a whole file, unless its size alone disqualifies it.

    Raises:
        Malformed: a link, a special file, too large.
        OSError: missing, forbidden, unreadable.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise too_large(size)
        data = io.BufferedReader(file).read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:  # it grew meanwhile
        raise too_large(len(data))
    return data


def _require_regular(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise Malformed(Message("collect.symlink"))
    if not stat.S_ISREG(mode):
        raise Malformed(Message("collect.special_file"))
