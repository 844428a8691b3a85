"""What a room's program keeps on the host's disk, as far as it may write there at all.

Enters: folders that a room may write to, its processes. Leaves: bytes. Touches: reads those folders
and /proc.

A folder on a disk has no size of its own. So what lies in it is counted to the program's memory, as
what lies in the file systems in memory is: a notebook that floods it ends at its memory limit.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

INODE_BYTES = 16 << 10  # every file counts so much beside its content: looking costs time as well
_UNIT = 512  # of st_blocks, on every file system
_SHARE = 10  # looking takes at most every tenth part of the time


@dataclass
class Disk:
    """The folders of one room, and what was seen in them last."""

    folders: tuple[Path, ...]
    _seen: int = 0
    _not_before: float = 0.0

    def held(self, pids: Iterable[int], enough: float) -> int:
        """Bytes on disk, deleted files that a process has open included; at least.

        Beyond ``enough`` nothing more is looked at. A folder that cannot be looked into counts as
        enough: no notebook needs one.
        """
        began = time.monotonic()
        if not self.folders or began < self._not_before:
            return self._seen
        self._seen = 0
        for size in self._sizes(pids, enough):
            self._seen += size
            if self._seen > enough:
                break
        now = time.monotonic()
        self._not_before = now + _SHARE * (now - began)
        return self._seen

    def _sizes(self, pids: Iterable[int], enough: float) -> Iterator[int]:
        waiting = [str(folder) for folder in self.folders]
        while waiting:
            path = waiting.pop()
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        with contextlib.suppress(FileNotFoundError):
                            state = entry.stat(follow_symlinks=False)
                            yield state.st_blocks * _UNIT + INODE_BYTES
                            if stat.S_ISDIR(state.st_mode):
                                waiting.append(entry.path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:  # not ours to read, or a path too long to be named
                yield int(enough) + 1
        yield from _deleted(pids, self._devices())

    def _devices(self) -> set[int]:
        found = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.add(folder.stat().st_dev)
        return found


def _deleted(pids: Iterable[int], devices: AbstractSet[int]) -> Iterator[int]:
    """Files without a name that are still open, each once."""
    seen: set[tuple[int, int]] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 thousands of them
                with contextlib.suppress(OSError):
                    state = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116
                    one = state.st_dev, state.st_ino
                    if state.st_nlink == 0 and state.st_dev in devices and one not in seen:
                        seen.add(one)
                        yield state.st_blocks * _UNIT + INODE_BYTES
