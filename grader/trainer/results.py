"""Keeps the results of trainings by their keys, so that equal work is done once.

Enters: keys and results. Leaves: results. Touches: a folder that is its owner's alone.

Several graders may share the folder. A result is there whole or not at all; who asks for one that
another is just training waits for it. What is damaged is trained anew and replaced; what was asked
for longest ago goes first when the folder grows too large.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from grader.arrays import BadArraysError, read_npz
from grader.record.files import OWNERS_FOLDER, write_whole
from grader.trainer.fitting import MOST_EPOCHS
from grader.trainer.response import MEMBERS, RESULT_BYTES, TEXT_BYTES, outcome_of
from grader.trainer.result import Outcome, Trained
from grader.types import Array, GraderError, Message

MOST_BYTES = 4_000_000_000
TOLD = "told"
UNFINISHED_SECONDS = 3600.0  # no file takes so long to write
WAITING_SECONDS = 0.05  # between two tries for a lock


def usual_folder() -> Path:
    """Where results are kept unless told otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rnn-grader" / "trained"


class Results:
    """A folder of results. Safe for threads and for several processes."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Use a folder, which is made where it is missing.

        Raises:
            GraderError: somebody else could write to it.
        """
        self._folder = folder
        self._most_bytes = most_bytes
        folder.mkdir(OWNERS_FOLDER, parents=True, exist_ok=True)
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or not _is_ours(state):
            raise GraderError(Message("trainer.not_ours", {"path": str(folder)}))

    def once(
        self, key: str, train: Callable[[], Outcome], meanwhile: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Give the result of a key; where there is none, train, while others wait for it.

        What cannot be trained is not kept: whether it can may depend on the machine. ``meanwhile``
        is called again and again while another one trains it; what it raises ends the waiting.
        """
        found: Outcome | None = self.get(key)
        if found is not None:
            return found
        with self._locked(key, meanwhile):
            found = self.get(key)  # somebody else may have trained it meanwhile
            if found is None:
                found = train()
                if isinstance(found, Trained):
                    with contextlib.suppress(GraderError):  # a full disk costs no training
                        self.put(key, found)
            return found

    def get(self, key: str) -> Trained | None:
        """Read a result; None where there is none, or none that can be read."""
        path = self._path(key)
        try:
            arrays = read_npz(path, RESULT_BYTES + TEXT_BYTES, MEMBERS)
            told = arrays.pop(TOLD).tobytes()
            found = outcome_of(told, arrays, MOST_EPOCHS)
        except (OSError, BadArraysError, KeyError, ValueError):
            return None  # not removed: another process may just have put a new one there
        if not isinstance(found, Trained):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found

    def put(self, key: str, result: Trained) -> None:
        """Keep a result.

        Raises:
            GraderError: the disk refuses.
        """
        file = io.BytesIO()
        np.savez(file, **_arrays(result))  # type: ignore[arg-type]  # names are not options
        write_whole(self._path(key), file.getvalue())
        self._make_room(self._path(key))

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
    def _locked(self, key: str, meanwhile: Callable[[], None]) -> Iterator[None]:
        """Hold the key's lock; the system lets go of it when its holder dies."""
        if sys.platform == "win32":  # no such locks there: equal work may be done twice
            yield
            return

        path = self._folder / f"{key}.lock"
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                while not _taken(lock):
                    meanwhile()
                    time.sleep(WAITING_SECONDS)
                if _is_still(path, lock):  # its last holder may have removed the file meanwhile
                    break
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(lock)


def _arrays(result: Trained) -> dict[str, Array]:
    told = {
        "history": {key: list(values) for key, values in result.history.items()},
        "epochs": result.epochs,
        "updates": result.updates,
        "moved": result.moved,
        "callbacks": [dict(one) for one in result.callbacks],
        "building": result.building,
        "training": result.training,
    }
    arrays: dict[str, Array] = {TOLD: np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)}
    groups = {"w": result.weights, "o": result.optimizer}
    groups |= {f"e{epoch}": weights for epoch, weights in enumerate(result.each_epoch)}
    for prefix, group in groups.items():
        arrays |= {f"{prefix}_{number:04d}": array for number, array in enumerate(group)}
    return arrays


def _is_ours(state: os.stat_result) -> bool:
    if sys.platform == "win32":
        return True
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _taken(lock: int) -> bool:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, lock: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(lock).st_ino
    except FileNotFoundError:
        return False
