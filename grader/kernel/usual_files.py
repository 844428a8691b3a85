"""In the notebook's room: a file is found by its name, wherever the notebook thinks that it lies.

Enters: the shell, the course's files. Leaves: an ``open`` that looks beside the notebook for one of
them which is not where it was looked for: on a Drive, in Kaggle's ``../input``, in somebody's
downloads. Touches: ``open`` of the shell and of ``io`` and builtins.

Whatever exists is opened as ever, and nothing is ever written elsewhere.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

MISSING = (FileNotFoundError, NotADirectoryError)


class Files(Protocol):
    """Files that are known by their names."""

    def find(self, name: str) -> Path | None:
        """Give the file of this name; None where there is none."""

    def opened(self, path: Path, name: str) -> None:
        """Take note of a file that was opened to be read."""


class Beside:
    """What lies beside the notebook, where the course gives it no files."""

    def __init__(self, here: Path) -> None:
        self.here = here

    def find(self, name: str) -> Path | None:
        """Give the file of this name beside the notebook; None where there is none."""
        beside = self.here / name
        return beside if os.path.isfile(beside) else None  # noqa: PTH113 - never raises

    def opened(self, path: Path, name: str) -> None:
        """Take no note: nothing of a course's stands in for anything."""


def install(shell: Any, files: Files) -> None:
    """Look for files by their names; a shell's cells have an ``open`` of their own."""
    io.open = builtins.open = finding(io.open, files)
    if "open" in shell.user_ns:
        shell.user_ns["open"] = finding(shell.user_ns["open"], files)


def finding(usual: Callable[..., Any], files: Files) -> Callable[..., Any]:
    """Make an ``open`` of the usual one."""

    @functools.wraps(usual)
    def open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:  # noqa: A001 - it is one
        __tracebackhide__ = True
        if not isinstance(file, (str, os.PathLike)) or "r" not in mode or "+" in mode:
            return usual(file, mode, *args, **kwargs)
        path, name = Path(file), str(file).replace("\\", "/").rpartition("/")[2]
        try:
            stream = usual(file, mode, *args, **kwargs)
        except MISSING:
            found = files.find(name)
            if found is None:
                raise
            path, stream = found, usual(found, mode, *args, **kwargs)
        files.opened(path, name)
        return stream

    return open
