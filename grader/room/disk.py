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
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from grader.room.seldom import Seldom

INODE_BYTES = 16 << 10  # every file counts so much beside its content: looking costs time as well
_UNIT = 512  # of st_blocks, on every file system
_DELETED = b" (deleted)"  # behind the name of a file that has none any more


@dataclass
class Disk:
    """The folders of one room, and what was seen in them last."""

    folders: tuple[Path, ...]
    _looks: Seldom = field(default_factory=Seldom)
    _maps: Seldom = field(default_factory=lambda: Seldom(share=50))  # of TensorFlow 2,000 lines
    _entered: dict[str, int] = field(default_factory=dict)  # folders, and when they had changed
    _seen: int = 0
    _free: int = 0  # on their disks, when they were looked at

    def held(self, pids: Iterable[int], enough: float) -> int:
        """Bytes on disk, deleted files that a process has open included; at least.

        Beyond ``enough`` nothing more is looked at. A folder that cannot be looked into counts as
        enough: no notebook needs one. Between two looks it is watched how much space the disks
        have: what they lost may lie here.
        """
        if not self.folders:
            return 0
        return self._looks.look(
            lambda: self._look(pids, enough),
            lambda: self._seen + self._free - self._free_now() > enough,
        )

    def _look(self, pids: Iterable[int], enough: float) -> int:
        """Add up what is there; what seems to be gone may have moved to where was looked before."""
        self._free, now = self._free_now(), 0
        self._entered.clear()
        for size in self._sizes(pids, enough):
            now += size
            if now > enough:
                break
        self._seen = max(now, self._seen) if self._moved() else now
        return self._seen

    def _moved(self) -> bool:
        """Whether anything was made, renamed or deleted while we looked."""
        for path, changed in self._entered.items():
            try:
                if os.stat(path).st_mtime_ns != changed:  # noqa: PTH116
                    return True
            except OSError:
                return True
        return False

    def _free_now(self) -> int:
        """Space on the disks of the folders, less what each file that is missing would count."""
        free: dict[int, int] = {}
        for folder in self.folders:
            with contextlib.suppress(OSError):
                state = os.statvfs(folder)
                space = state.f_bavail * state.f_frsize + state.f_favail * INODE_BYTES
                free[folder.stat().st_dev] = space
        return sum(free.values())

    def _sizes(self, pids: Iterable[int], enough: float) -> Iterator[int]:
        waiting = [str(folder) for folder in self.folders]
        while waiting:
            path = waiting.pop()
            try:
                self._entered[path] = os.stat(path).st_mtime_ns  # noqa: PTH116
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
        opened: set[int] = set()
        for inode, size in _deleted(pids, self._devices()):
            opened.add(inode)
            yield size
        yield self._maps.look(lambda: _mapped(pids, self._real_names(), opened))

    def _real_names(self) -> tuple[bytes, ...]:
        return tuple(os.fsencode(os.path.realpath(folder)) + b"/" for folder in self.folders)

    def _devices(self) -> set[int]:
        found = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.add(folder.stat().st_dev)
        return found


def _deleted(pids: Iterable[int], devices: AbstractSet[int]) -> Iterator[tuple[int, int]]:
    """Files without a name that are still open, each once: their numbers and sizes."""
    seen: set[tuple[int, int]] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 thousands of them
                with contextlib.suppress(OSError):
                    state = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116
                    one = state.st_dev, state.st_ino
                    if state.st_nlink == 0 and state.st_dev in devices and one not in seen:
                        seen.add(one)
                        yield state.st_ino, state.st_blocks * _UNIT + INODE_BYTES


def _mapped(pids: Iterable[int], folders: tuple[bytes, ...], opened: AbstractSet[int]) -> int:
    """Files without a name that are nowhere open and still mapped: their bytes.

    Only who rules the machine is told how large they are; else they count as far as they are
    mapped.
    """
    sizes: dict[bytes, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/maps").read_bytes().splitlines():
                if not line.endswith(_DELETED):
                    continue
                place, _, offset, _, inode, name = line.split(None, 5)
                if name.startswith(folders) and int(inode) not in opened:
                    size = _mapped_size(pid, place.decode(), int(offset, 16))
                    sizes[inode] = max(sizes.get(inode, 0), size)
    return sum(sizes.values()) + INODE_BYTES * len(sizes)


def _mapped_size(pid: int, place: str, offset: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/map_files/{place}").st_blocks * _UNIT  # noqa: PTH116
    except OSError:
        first, last = (int(end, 16) for end in place.split("-"))
        return offset + last - first
