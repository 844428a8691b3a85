"""Our own caches where a room that has given up root can read them.

Enters: a room, a folder. Leaves: the folder, or a copy of it. Touches: a short-lived folder of this
process.

A room that mounts what it is given shows it wherever it lies. One that does not has a user who
finds it under its own path, and a home may be closed to that user, as root's always is. What is
kept there for rooms is a few hundred kilobytes, so it is copied to where they reach it; nobody's
home is opened.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import threading
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from grader.room.spec import Room
from grader.room.users import can_give_up_root
from grader.room.workplace import workplace
from grader.types import GraderError, Message

_MOUNTED = "/lent"

_copies: dict[tuple[object, ...], Path] = {}
_lock = threading.Lock()


def within_reach(room: Room, folder: Path) -> Path:
    """Give a folder of ours, or a copy of its files where the room's user could not get to it.

    Raises:
        GraderError: it cannot be read, or nothing can be written (``room.start_failed``).
    """
    if "user" not in room.isolation.layers or room.inside(folder, _MOUNTED) == _MOUNTED:
        return folder
    try:
        if not can_give_up_root() or _on_the_way(folder):
            return folder
        return _copied(folder)
    except OSError as error:
        raise GraderError(Message("room.start_failed", {"reason": repr(error)})) from error


def _on_the_way(folder: Path) -> bool:
    """Whether everybody may pass the folders above; the folder itself is opened as it is lent."""
    above = {*folder.absolute().parents, *folder.resolve().parents}
    return all(one.stat().st_mode & stat.S_IXOTH for one in above)


def _copied(folder: Path) -> Path:
    """Copy a folder's files, once for each state of it."""
    files = sorted(folder.iterdir())
    states = [path.lstat() for path in files]
    with _lock:
        beside = _beside(os.getpid())
        known = (beside, *files, *((state.st_mtime_ns, state.st_size) for state in states))
        if known not in _copies:
            copy = beside / str(len(_copies))
            copy.mkdir()
            for path, state in zip(files, states, strict=True):
                if stat.S_ISREG(state.st_mode):
                    shutil.copyfile(path, copy / path.name)
            _copies[known] = copy
        return _copies[known]


@cache
def _beside(process: int) -> Path:
    """A folder of this process that is gone at its end; a fork makes its own and leaves this."""
    stack = ExitStack()
    place = stack.enter_context(workplace())
    atexit.register(lambda: stack.close() if os.getpid() == process else None)
    return place
