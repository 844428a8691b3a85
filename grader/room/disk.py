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
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from grader.room.memory import hidden_files
from grader.room.seldom import Seldom
from grader.room.spec import RoomSpec
from grader.room.still import still

INODE_BYTES = 16 << 10  # every file counts so much beside its content: looking costs time as well
_UNIT = 512  # of st_blocks, on every file system
_DELETED = b" (deleted)"  # behind the name of a file that has none any more


@dataclass
class Disk:
    """The folders of one room, and what was seen in them last."""

    folders: tuple[Path, ...]
    _looks: Seldom = field(default_factory=Seldom)
    _maps: Seldom = field(default_factory=lambda: Seldom(share=50))  # of TensorFlow 2,000 lines
    largest: int = field(default=RoomSpec.file_mb << 20, kw_only=True)  # that one file can be
    _entered: dict[str, int] = field(default_factory=dict)  # folders, and when they had changed
    _seen: int = 0
    _free: int = 0  # on their disks, when they were looked at
    _free_at_first: int = 0
    _untold: int = 0  # bytes that files of unknown size could have more than is mapped
    _hidden: int = 0  # and those that processes have open into which nobody may look

    def __post_init__(self) -> None:
        self._free_at_first = self._free_now()

    def held(
        self, pids: Iterable[int], enough: float, find: Callable[[], Iterable[int]] | None = None
    ) -> int:
        """Bytes on disk, deleted files that a process has open included; at least.

        Beyond ``enough`` nothing more is looked at. A folder that cannot be looked into counts as
        enough: no notebook needs one. Between two looks it is watched how much space the disks
        have: what they lost may lie here.

        Args:
            pids: the processes that may have files open.
            enough: bytes.
            find: gives them anew, to be stopped where files move while we look.
        """
        if not self.folders:
            return 0
        return self._looks.look(
            lambda: self._look(pids, enough, find),
            lambda: self._seen + self._free - self._free_now() > enough,
        )

    def _look(
        self, pids: Iterable[int], enough: float, find: Callable[[], Iterable[int]] | None
    ) -> int:
        """Add up what is there; what seems to be gone may have moved to where was looked before.

        Or from a process that ended to one that began.
        """
        pids = tuple(pids)
        now = self._sum(pids, enough)
        calm = not self._moved() and (find is None or set(find()) == set(pids))
        if not calm and now <= enough and find is not None:
            with still(find) as calm:
                now = self._sum(find(), enough)
        self._seen = now if calm else max(now, self._seen)
        return self._seen

    def _sum(self, pids: Iterable[int], enough: float) -> int:
        self._free, now = self._free_now(), 0
        self._entered.clear()
        for size in self._sizes(pids, enough):
            now += size
            if now > enough:
                return now
        return now + self._unseen(now)

    def _unseen(self, now: int) -> int:
        """What files may hold of which nobody tells the size: mapped, or open where none may look.

        Each is at most as large as a file may be; all together, what the disks lost since the room
        began and what was not seen elsewhere.
        """
        lost = self._free_at_first - self._free - now
        return max(0, min(self._untold + self._hidden, lost))

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
        pids, opened = tuple(pids), set[int]()
        self._hidden = sum(map(hidden_files, pids)) * self.largest
        for inode, size in _deleted(pids, self._devices()):
            opened.add(inode)
            yield size
        yield self._maps.look(lambda: self._mapped(pids, opened))

    def _mapped(self, pids: Iterable[int], opened: AbstractSet[int]) -> int:
        """Files without a name that are nowhere open and still mapped: their bytes.

        Only who rules the machine is told how large they are; else they count as far as they are
        mapped, and what they may hold beyond that is noted.
        """
        known, untold = _mapped(pids, self._real_names(), opened)
        self._untold = sum(max(0, self.largest - size) for size in untold.values())
        sizes = (*known.values(), *untold.values())
        return sum(sizes) + INODE_BYTES * len(sizes)

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


def _mapped(
    pids: Iterable[int], folders: tuple[bytes, ...], opened: AbstractSet[int]
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """Files without a name that are nowhere open and still mapped, by number.

    Gives the sizes of those that tell it, and of the others as far as they are mapped.
    """
    known: dict[bytes, int] = {}
    untold: dict[bytes, int] = {}
    for pid in pids:
        for line in _deleted_maps(pid):
            place, _, offset, _, inode, name = line.split(None, 5)
            if not name.startswith(folders) or int(inode) in opened:
                continue
            try:
                path = f"/proc/{pid}/map_files/{place.decode()}"
                known[inode] = os.stat(path).st_blocks * _UNIT  # noqa: PTH116
            except OSError:
                first, last = (int(end, 16) for end in place.split(b"-"))
                mapped = int(offset, 16) + last - first
                untold[inode] = max(untold.get(inode, 0), mapped)
    return known, {inode: size for inode, size in untold.items() if inode not in known}


def _deleted_maps(pid: int) -> list[bytes]:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/maps").read_bytes().splitlines()
        return [line for line in lines if line.endswith(_DELETED)]
    return []
