"""Opens files that others wrote: regular files only, no links, no waiting.

Enters: a path. Leaves: an open file. Touches: opens that file.

A link could lead to the answers, a pipe would never end; both are turned away before they are
opened, and again on the open file, for it may have been swapped in between.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class NotPlainError(Exception):
    """A link (``is_link``), or a folder, pipe, socket or device."""

    def __init__(self, *, is_link: bool) -> None:
        super().__init__("a link" if is_link else "not a regular file")
        self.is_link = is_link


def open_plain(path: Path) -> io.FileIO:
    """Open a regular file for reading.

    Raises:
        NotPlainError: a link or a special file.
        OSError: missing, forbidden, unreadable.
    """
    _require_plain(path.lstat().st_mode)
    file = io.FileIO(os.open(path, _FLAGS), "rb")
    try:
        _require_plain(os.fstat(file.fileno()).st_mode)
    except NotPlainError:
        file.close()
        raise
    return file


def _require_plain(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotPlainError(is_link=stat.S_ISLNK(mode))
