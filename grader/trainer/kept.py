"""A folder in which what was trained lies by its key, each once.

Enters: keys, named arrays. Leaves: the same arrays. Touches: a folder that is its owner's alone.

Several graders may share the folder. A file is there whole or not at all; who asks for what another
is just training waits for it. What was asked for longest ago goes first when it grows too large.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from grader import locks, user_folders
from grader.arrays import read_npz
from grader.record.files import disk_errors, write_whole
from grader.trainer.waiting import NotAwaitedError, Over, never
from grader.types import Array, GraderError, Message

MOST_BYTES = 4_000_000_000
UNFINISHED_SECONDS = 3600.0  # no file takes so long to write
WAITING_SECONDS = 0.05  # between two tries for a lock

Found = TypeVar("Found")


def usual_folder() -> Path:
    """Where it is unless told otherwise."""
    return user_folders.cache() / user_folders.OURS / "trained"


class Kept:
    """The folder. Safe for threads and for several processes."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Use a folder, which is made where it is missing.

        Raises:
            GraderError: somebody else could write to it, or it cannot be made.
        """
        self._folder = folder
        self._most_bytes = most_bytes
        with disk_errors(folder):
            user_folders.make_folder(folder)
            state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or not user_folders.is_ours(state):
            raise GraderError(Message("trainer.not_ours", {"path": str(folder)}))

    def once(
        self,
        key: str,
        known: Callable[[], Found | None],
        made: Callable[[], Found],
        meanwhile: Callable[[], None] = lambda: None,
        over: Over = never,
    ) -> Found:
        """Give what is known of a key; where nothing is, make it, while others wait for it.

        ``meanwhile`` is called again and again while another one makes it; what it raises ends the
        waiting. ``over`` is asked as often, and ends it too; who makes it himself is not asked.

        Raises:
            NotAwaitedError: all was over first.
        """
        found = known()
        if found is not None:
            return found
        with self._locked(key, meanwhile, over):
            found = known()  # somebody else may have made it meanwhile
            return made() if found is None else found

    def read(self, key: str, most_bytes: int, members: int) -> dict[str, Array]:
        """Read the arrays of a key.

        Raises:
            OSError: there are none.
            BadArraysError: they are damaged, or more.
        """
        return read_npz(self._path(key), most_bytes, members)

    def touch(self, key: str) -> None:
        """Note that it was asked for."""
        with contextlib.suppress(OSError):
            os.utime(self._path(key))

    def write(self, key: str, arrays: Mapping[str, Array]) -> None:
        """Keep arrays.

        Raises:
            GraderError: the disk refuses.
        """
        file = io.BytesIO()
        np.savez(file, **arrays)  # type: ignore[arg-type]  # names are not options
        write_whole(self._path(key), file.getvalue())
        self._make_room(self._path(key))

    def remove(self, key: str) -> None:
        """Keep it no more."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _make_room(self, newest: Path) -> None:
        """Remove what was never finished, and what was asked for longest ago, until it fits."""
        long_ago = time.time() - UNFINISHED_SECONDS
        for path in self._folder.glob(".*.npz.*"):  # of graders that were killed over it
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < long_ago:
                    path.unlink()
        known = []
        for path in self._folder.glob("*.npz"):
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                known.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in known)
        for _, size, path in sorted(known):
            if total <= self._most_bytes:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size

    @contextlib.contextmanager
    def _locked(self, key: str, meanwhile: Callable[[], None], over: Over) -> Iterator[None]:
        """Hold the key's lock; the system lets go of it when its holder dies.

        Where the disk takes no lock, or none any more, equal work may be done twice.
        """
        if sys.platform == "win32":  # no such locks there: equal work may be done twice
            yield
            return

        path = self._folder / f"{key}.lock"
        while True:
            lock = _opened(path)
            if lock is None:
                yield
                return
            try:
                _take(lock, meanwhile, over)
                if _is_still(path, lock):  # its last holder may have removed the file meanwhile
                    break
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)
        try:
            yield
        finally:
            for let_go in (path.unlink, partial(os.close, lock)):
                with contextlib.suppress(OSError):
                    let_go()


def _opened(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return None


def _take(lock: int, meanwhile: Callable[[], None], over: Over) -> None:
    while not _taken(lock):
        meanwhile()
        if over():
            raise NotAwaitedError(Message("pipeline.not_awaited"))
        time.sleep(WAITING_SECONDS)


def _taken(lock: int) -> bool:
    try:
        return locks.lock(lock)
    except OSError:
        return True  # a disk that knows no locks: nobody is waited for


def _is_still(path: Path, lock: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(lock).st_ino
    except FileNotFoundError:
        return False
    except OSError:
        return True  # nobody can tell
