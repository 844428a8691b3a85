"""A program that runs in a room, seen from outside.

Enters: a started process and how its tree ends. Leaves: exit codes and memory figures.
Touches: sends signals; reads /proc; removes what the room left behind.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO

from grader.room.cgroups import Cgroup
from grader.room.disk import Disk
from grader.room.memory import (
    file_system_bytes,
    kernel_bytes,
    process_bytes,
    queue_bytes,
    thread_count,
)
from grader.room.seldom import Seldom
from grader.room.spawning import not_started
from grader.types import GraderError, Message

_MB = 1 << 20
_KILL_SECONDS = 10.0
_STATUS_BYTES = 1 << 16


@dataclass
class Guest:
    """A program that walked into its room instead of being started inside (``warm.py``).

    It is no descendant of the room's first process, but dies with it: it is in its namespace.
    """

    pid: int
    report: FileIO  # where its keeper says how it ended
    lifeline: FileIO  # pipe whose closing ends the idle program, and with it the room
    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None
    _said: bytes = b""
    _silent: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def code(self) -> int | None:
        """Exit code as its keeper told it; None where it did not."""
        with self._lock:
            self._listen()
        for line in self._said.decode(errors="replace").splitlines():
            word, _, rest = line.partition(" ")
            if word == "ended":
                return int(rest)
        return None

    def lost(self) -> bool:
        """Whether its keeper is gone and told nothing."""
        return self.code() is None and self._silent

    def _listen(self) -> None:
        while not self._silent and (part := self.report.read(_STATUS_BYTES)) is not None:
            self._said += part
            self._silent = not part

    def close(self) -> None:
        """Nothing is left to be told. Other threads may be asking for the code meanwhile."""
        with self._lock:
            self._listen()
            self._silent = True
            self.report.close()
            self.lifeline.close()


@dataclass
class LinuxProcess:
    """A RoomProcess on Linux: held by pidfd, measured through /proc."""

    popen: subprocess.Popen[bytes]
    top: int  # the process whose tree is the room, in our numbering
    handle: int  # pidfd of ``top``: a number may be given to another process, this cannot
    cgroup: Cgroup
    memory_limit_mb: int
    folders: tuple[str, ...] = ()  # file systems in memory, as seen through /proc/<top>/root
    disk: Disk = field(default_factory=lambda: Disk(()))  # what it may write to on the host
    most_threads: int | None = None  # where no limit of the kernel's is the room's own
    supervised: bool = False  # ``top`` is our own supervisor: it counts no memory, it ends the tree
    status: FileIO | None = None  # where bwrap says how the program ended
    endings: tuple[Callable[[], None], ...] = ()  # what to clear away once all is dead
    user: tuple[int, int] | None = None  # who the program is on the host, where we gave up root
    guest: Guest | None = None
    _kernels: Seldom = field(default_factory=Seldom)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ended: bool = False
    _ran_out: bool = False
    _began: bool = True

    @property
    def pid(self) -> int:
        """The process that we started; it lives exactly as long as the room."""
        return self.popen.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""
        return self.guest.stdin if self.guest is not None else self.popen.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""
        return self.guest.stdout if self.guest is not None else self.popen.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""
        return self.guest.stderr if self.guest is not None else self.popen.stderr

    def poll(self) -> int | None:
        """Exit code or None; the tree is dead when there is a code."""
        code = self.popen.poll()
        if self.guest is not None:
            return self._poll_guest(self.guest, code)
        if code is not None:
            self._end()
        if code == 1 and not self._began:
            raise not_started(self.popen, "bwrap ended early")
        return code

    def _poll_guest(self, guest: Guest, room: int | None) -> int | None:
        """The room ends with its guest, and the guest with its room."""
        if room is not None:
            self._end()
            code = guest.code()
            return room if code is None else code
        if guest.lost():
            self.kill()
            raise GraderError(Message("room.start_failed", {"reason": "keeper ended early"}))
        return None

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the program to end; None where it still runs after ``timeout`` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(timeout)
        return self.poll()

    def kill(self) -> None:
        """End the whole tree and wait until it is gone."""
        with self._lock:
            if not self._ended:
                self._signal()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(_KILL_SECONDS)
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        self._end()

    def memory_mb(self) -> float:
        """Memory of the whole tree and of its files, in memory and on the host's disk, in MB.

        At least: beyond the limit, and where looking takes too long, the rest is not looked at.
        Too many threads are more than the limit as well.
        """
        with self._lock:
            if self._ended:
                return 0.0
            pids = self._tree()
            held = file_system_bytes(self.top, self.folders)
        limit = self.memory_limit_mb * _MB
        if self.most_threads is not None and sum(map(thread_count, pids)) > self.most_threads:
            return self.memory_limit_mb + 1.0
        held += self.disk.held(pids, limit, self._tree)
        held += self._kernels.look(lambda: queue_bytes(pids) + kernel_bytes(pids))
        return (held + process_bytes(pids, limit - held)) / _MB

    def _tree(self) -> list[int]:
        """The program and what it started; a supervisor of ours is none of it."""
        pids = list(tree(self.top))[1 if self.supervised else 0 :]
        if self.guest is not None and self.guest.code() is None:
            pids += tree(self.guest.pid)
        return pids

    def memory_ran_out(self) -> bool:
        """Whether the kernel ended a process for its memory; False where nobody counted."""
        return self._ran_out if self._ended else self.cgroup.memory_ran_out()

    def _signal(self) -> None:
        number = signal.SIGTERM if self.supervised else signal.SIGKILL
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.handle, number)

    def _end(self) -> None:
        """The started process is gone: see that the tree is too, then clear away. Once."""
        with self._lock:
            if self._ended:
                return
            # The init of a namespace takes all of it along, but a moment after bwrap is gone.
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            _wait_for_end(self.handle, _KILL_SECONDS)
            self.cgroup.kill()
            self._ran_out = self.cgroup.memory_ran_out()
            self._ended = True
            if self.status is not None:
                self._began = b"exit-code" in (self.status.read(_STATUS_BYTES) or b"")
                self.status.close()
            if self.guest is not None:
                self.guest.close()
            os.close(self.handle)
            self.cgroup.remove()
            for ending in self.endings:
                ending()


def tree(pid: int) -> Iterable[int]:
    """A process and its descendants, parents first."""
    waiting = [pid]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        waiting.extend(_children(current))


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                text = (task / "children").read_text()
                children.extend(int(word) for word in text.split())
    return children


def _wait_for_end(handle: int, seconds: float) -> None:
    """Wait until the process behind a pidfd is gone, and with an init its whole namespace."""
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    poller.poll(seconds * 1000)
