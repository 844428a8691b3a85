"""Removes a folder that a room's program has filled, however hostile that was.

Enters: a path. Leaves: nothing there. Touches: what lies there, and follows no link. Standard
library only: the launcher runs it too.

``shutil.rmtree`` holds a descriptor and a frame of the interpreter for every level, and stops
before a folder without rights. A program can nest folders thousands deep, and make some without.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

_HERE = os.rename in os.supports_dir_fd  # not on Windows
_OPEN = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_OWNERS = 0o700


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, as far as its owner can; what fails is left.

    Folders are moved up to the first level before they are emptied, so it does not matter how deep
    they were.
    """
    if not _HERE:
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        if not path.is_symlink():
            path.chmod(_OWNERS)
        top = os.open(path, _OPEN)
        try:
            _empty_all(top)
        finally:
            os.close(top)
        path.rmdir()


def _empty_all(top: int) -> None:
    prefix, moved = os.urandom(8).hex(), 0  # nobody made a folder of that name
    waiting = _emptied(top)
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            os.chmod(name, _OWNERS, dir_fd=top)
            folder = os.open(name, _OPEN, dir_fd=top)
            try:
                for inner in _emptied(folder):
                    moved += 1
                    up = f"{prefix}-{moved}"
                    with contextlib.suppress(OSError):
                        os.chmod(inner, _OWNERS, dir_fd=folder)  # else it cannot be moved
                        os.rename(inner, up, src_dir_fd=folder, dst_dir_fd=top)
                        waiting.append(up)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)


def _emptied(folder: int) -> list[str]:
    """Remove its files; gives the folders in it."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in found if is_folder]
