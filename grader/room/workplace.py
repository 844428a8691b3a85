"""A short-lived folder that does not outlive the grader.

Enters: names of folders to make in it. Leaves: a folder with a short name. Touches: the temporary
directory, where it also removes what a killed grader left.

A folder belongs to whoever holds its lock. The kernel lets go of a lock the moment its holder dies,
so a folder that nobody holds is a dead grader's. Process numbers would not tell: two containers may
share a temporary directory and give the same number twice. On a disk without locks nobody can tell,
and what a killed grader left there stays.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from grader.locks import lock
from grader.room.inside.removing import remove_tree

# Kinds of folders, by how their names begin.
KINDS = RUNS, SCRATCH, SELFTEST = "grader-run-", "grader-scratch-", "grader-selftest-"
_UNLOCKED_SECONDS = 3600.0  # after which a folder that was never locked is a dead grader's too
_FOLDER = 0o755  # rooms read it, perhaps as another user; nobody else writes, whatever the umask
_LONGEST_PARENT = 60  # unix socket paths end at 107 characters

_held: set[Path] = set()  # this process's own, as long as they are there


@contextlib.contextmanager
def workplace(*names: str, kind: str = RUNS) -> Iterator[Path]:
    """Give a private folder, with folders of these names in it; gone at the end."""
    beside = parent()
    _sweep_once(beside)
    place = Path(tempfile.mkdtemp(prefix=f".{kind}", dir=beside))
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: remove_tree(place))
        # A sweep looks for the name without a dot: it never sees one that is not locked.
        if sys.platform == "win32" or _is_locked(_opened(place, stack)):
            place = place.rename(place.with_name(place.name.removeprefix(".")))
        _held.add(place)
        stack.callback(_held.discard, place)
        for name in names:
            (place / name).mkdir(_FOLDER)
        yield place


def around(path: Path) -> Path | None:
    """Which of this process's folders a path lies in, if in any."""
    return next((above for above in path.absolute().parents if above in _held), None)


def sweep(parent: Path) -> None:
    """Remove the folders of graders that are no more."""
    if sys.platform == "win32":  # no locks on folders there
        return
    for kind in KINDS:
        for path in parent.glob(f"{kind}*"):
            _remove_if_left(path)
        for path in parent.glob(f".{kind}*"):
            with contextlib.suppress(OSError):
                if time.time() - path.lstat().st_mtime > _UNLOCKED_SECONDS:
                    _remove_if_left(path)


@cache
def _sweep_once(parent: Path) -> None:
    sweep(parent)


def parent() -> Path:
    """Where such folders are made."""
    usual = Path(tempfile.gettempdir()).resolve()
    short = Path("/tmp")  # noqa: S108 a folder of our own is made in it
    return usual if len(str(usual)) <= _LONGEST_PARENT or not short.is_dir() else short


def _opened(place: Path, stack: contextlib.ExitStack) -> int:
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    stack.callback(os.close, folder)
    return folder


def _is_locked(folder: int) -> bool:
    """Take a folder's lock; False where somebody has it, or the disk has none."""
    try:
        return lock(folder)
    except OSError:
        return False


def _remove_if_left(path: Path) -> None:
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        folder = _opened(path, stack)
        ours = os.geteuid() in (0, os.fstat(folder).st_uid)  # as root it gives some away
        if _is_locked(folder) and ours:
            remove_tree(path)
