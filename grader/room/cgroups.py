"""Control groups: memory and process limits that the kernel enforces, where we may set them.

Enters: limits. Leaves: a Cgroup, empty where this machine does not let us make one.
Touches: folders named ``grader-room-…`` under /sys/fs/cgroup, removed with their room.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_KILL_ROUNDS, _KILL_PAUSE = 200, 0.005
# Above the limit that the grader itself watches, which tells a reason; this one only kills.
_MARGIN, _LEAST_MARGIN_MB = 0.05, 16
_PREFIX = "grader-room-"
_numbers = itertools.count()


@dataclass(frozen=True)
class Cgroup:
    """The groups of one room: controller → folder (one folder for both in version 2)."""

    folders: dict[str, Path]

    @property
    def controllers(self) -> tuple[str, ...]:
        """Which of memory and pids the kernel limits for this room."""
        return tuple(sorted(self.folders))

    def add(self, pid: int) -> None:
        """Put a process, and all it will start, under the limits."""
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def kill(self) -> None:
        """End what is still in the groups; repeated, since a dying tree can still fork."""
        for _ in range(_KILL_ROUNDS):
            members = self._members()
            if not members:
                return
            for pid in members:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_KILL_PAUSE)

    def _members(self) -> set[int]:
        members: set[int] = set()
        for folder in set(self.folders.values()):
            with contextlib.suppress(OSError, ValueError):
                members |= {int(word) for word in (folder / "cgroup.procs").read_text().split()}
        return members - {0}

    def memory_ran_out(self) -> bool:
        """Whether the kernel killed a process of the room for its memory."""
        folder = self.folders.get("memory")
        if folder is None:
            return False
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError, ValueError):
                counts = dict(line.split() for line in (folder / name).read_text().splitlines())
                return int(counts.get("oom_kill", "0")) > 0
        return False

    def remove(self) -> None:
        """Delete the groups of a room whose processes are gone."""
        for folder in set(self.folders.values()):
            _remove(folder)


def make_cgroup(memory_mb: int, processes: int, root: Path = ROOT) -> Cgroup:
    """Make a group with these limits, for each controller that lets us."""
    name = f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
    folders: dict[str, Path] = {}
    for controller in ("memory", "pids"):
        for parent, version in _parents(controller, root):
            folder = parent / name
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
                _limit(folder, controller, version, memory_mb, processes)
                folders[controller] = folder
                break
            if folder.is_dir() and folder not in folders.values():
                _remove(folder)
    return Cgroup(folders)


def sweep(root: Path = ROOT) -> None:
    """Remove the groups that a killed grader left behind."""
    for controller in ("memory", "pids"):
        for parent, _ in _parents(controller, root):
            for folder in parent.glob(f"{_PREFIX}*"):
                owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
                if owner.isdigit() and not Path("/proc", owner).exists():
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _limit(folder: Path, controller: str, version: int, memory_mb: int, processes: int) -> None:
    if controller == "pids":
        (folder / "pids.max").write_text(str(processes))
        return
    margin = max(_LEAST_MARGIN_MB, int(memory_mb * _MARGIN))
    limit = str(memory_mb + margin << 20)
    if version == 1:
        (folder / "memory.limit_in_bytes").write_text(limit)
        return
    (folder / "memory.max").write_text(limit)
    with contextlib.suppress(OSError):  # kernels without swap accounting
        (folder / "memory.swap.max").write_text("0")


def _parents(controller: str, root: Path) -> Iterator[tuple[Path, int]]:
    """Groups in which we may make one of our own for this controller, nearest first.

    In version 2 a group that holds processes cannot limit its children, so it is an ancestor of
    ours (a delegated slice, or the root group) that hands the controller down.
    """
    for line in _own_groups():
        _, names, path = line.split(":", 2)
        own = path.lstrip("/")
        if controller in names.split(","):
            parent = root / controller / own
            if os.access(parent, os.W_OK):
                yield parent, 1
        elif not names:
            top = root if (root / "cgroup.controllers").exists() else root / "unified"
            for parent in (top / own, *(top / own).parents):
                if parent.is_relative_to(top) and _hands_down(parent, controller):
                    yield parent, 2


def _own_groups() -> list[str]:
    try:
        return Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []


def _hands_down(parent: Path, controller: str) -> bool:
    try:
        given = (parent / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return controller in given and all(
        os.access(p, os.W_OK) for p in (parent, parent / "cgroup.procs")
    )


def _remove(folder: Path) -> None:
    """Delete a group; the kernel lets go of the last dead process a moment late."""
    for pause in (0.0, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2):
        time.sleep(pause)
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            continue
        return
