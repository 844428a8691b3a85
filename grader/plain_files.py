"""Opens files that others wrote, and reads them within bounds: no links, no waiting, no floods.

Enters: a path, a stream. Leaves: an open file, bytes. Touches: reads that file.

A link could lead to the answers, a pipe would never end; both are turned away before they are
opened, and again on the open file, for it may have been swapped in between.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import IO

_PIECE = 2**20
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


class TooLongError(Exception):
    """A stream holds more than was allowed; the text says how much that was."""

    def __init__(self, most: int) -> None:
        super().__init__(f"larger than {most} bytes")


class BoundedReader(io.BufferedReader):
    """A file that gives no piece larger than ``longest``: zipfile reads whole directories at once.

    Raises TooLongError where more is asked for; all that there is may be asked for, and is cut.
    """

    def __init__(self, raw: io.FileIO | io.BytesIO, longest: int | None = None) -> None:
        super().__init__(raw)
        self.longest = longest

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as every file does, within bounds."""
        if self.longest is None:
            return super().read(size)
        if size is None or size < 0:  # the last 64 KB, where the directory's address is
            size = self.longest
        if size > self.longest:
            raise TooLongError(self.longest)
        return super().read(size)


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


def read_within(stream: IO[bytes], most: int) -> bytes:
    """Read a stream to its end, which has to come within ``most`` bytes.

    Piece by piece: a bomb is noticed when it passes the limit, not when it has gone off.

    Raises:
        TooLongError: it goes on; one byte more than ``most`` was read.
    """
    data = bytearray()
    while piece := stream.read(min(_PIECE, most + 1 - len(data))):
        data += piece
        if len(data) > most:
            raise TooLongError(most)
    return bytes(data)


def _require_plain(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotPlainError(is_link=stat.S_ISLNK(mode))
