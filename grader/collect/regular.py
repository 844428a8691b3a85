"""Opens what students handed in: regular files only, and says so in the words of ``collect``.

Enters: a path. Leaves: an open file or its bytes. Touches: reads that file.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from grader.collect.notebooks import MAX_BYTES, Malformed, too_large
from grader.plain_files import NotPlainError, TooLongError, open_plain, read_within
from grader.types import Message


def open_regular(path: Path) -> io.FileIO:
    """Open a regular file for reading.

    Raises:
        Malformed: a link or a special file.
        OSError: missing, forbidden, unreadable.
    """
    try:
        return open_plain(path)
    except NotPlainError as error:
        key = "collect.symlink" if error.is_link else "collect.special_file"
        raise Malformed(Message(key)) from error


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
        try:
            return read_within(file, MAX_BYTES)
        except TooLongError as error:  # it grew meanwhile
            raise too_large(MAX_BYTES + 1) from error
