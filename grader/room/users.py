"""Giving up root: a user of its own for each room, and what that user may touch.

Enters: folders that a room is given. Leaves: a user number. Touches: their files' group rights.

A program that is root on the host stays dangerous without any capability: the kernel asks some
files under /proc/sys only for the owner, does not count root's processes, and root owns what the
teacher owns. So where we are root a room gets a user number that no account has, and one group
that all rooms share. What a room is given is opened to that group and to nobody else.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.room.spec import Bind
from grader.room.workplace import around
from grader.types import GraderError, Message

# systemd's list of user numbers calls 1879048192 to 2147483647 unused: neither accounts nor
# containers nor /etc/subuid are given numbers there.
_FIRST = 1_900_000_000
_PER_PROCESS = 1024
_PROCESSES = 1 << 16
GROUP = _FIRST - 1
MOST_FILES = 100_000
_DAC_OVERRIDE, _KILL, _SYS_PTRACE = 1, 5, 19  # numbers of capabilities, in every kernel
_RULING = (_DAC_OVERRIDE, _KILL, _SYS_PTRACE)

_taken: set[int] = set()
_lock = threading.Lock()


def can_give_up_root() -> bool:
    """Whether we are root with all user numbers at hand, not root of a container's few."""
    if os.geteuid() != 0:
        return False
    try:
        return Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    except OSError:
        return False


def rules_other_users() -> bool:
    """Whether another user's processes are ours to look into, to end and to clear up after.

    Root in a container often may not look: what such a process holds in sockets and in files
    without a name could not be counted.
    """
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        held = next(line.split()[1] for line in lines if line.startswith("CapEff:"))
        return all(int(held, 16) >> number & 1 for number in _RULING)
    return False


def take_user() -> int:
    """A user number that no other room has; give it back with ``return_user``."""
    with _lock:
        slot = next(n for n in range(_PER_PROCESS) if n not in _taken)
        _taken.add(slot)
    return _FIRST + os.getpid() % _PROCESSES * _PER_PROCESS + slot


def return_user(user: int) -> None:
    """The room is gone."""
    with _lock:
        _taken.discard((user - _FIRST) % _PER_PROCESS)


def open_to_rooms(binds: Iterable[Bind]) -> None:
    """Open what a room is given to the rooms' group, as far as it is not open already.

    Another room may be changing the same folder meanwhile: every entry is held by a descriptor
    that follows no link, looked at and changed through it.

    Raises:
        GraderError: more files than a submission or a data set can have.
    """
    for bind in binds:
        for count, held in enumerate(_entries(bind.host)):
            if count > MOST_FILES:
                raise GraderError(Message("room.too_many_files", {"path": str(bind.host)}))
            _open_to_group(held, writable=bind.writable)


def let_through(binds: Iterable[Bind]) -> None:
    """Let the rooms' group pass the short-lived folders of ours in which binds lie.

    For rooms that find a bind under its own path. The group may pass and not look around; to every
    account of the machine a folder stays as closed as it is. What is not ours is left alone.
    """
    for place in {place for bind in binds if (place := around(bind.host)) is not None}:
        os.chown(place, -1, GROUP)
        place.chmod(stat.S_IMODE(place.stat().st_mode) | stat.S_IXGRP)


def _entries(top: Path) -> Iterator[int]:
    """Descriptors of a path and of everything below it; each is closed after its turn."""
    with _held(str(top.resolve()), None) as first:
        yield first
    if top.is_dir():
        for _, folders, files, folder in os.fwalk(top):  # links are not followed
            for name in (*folders, *files):
                with contextlib.suppress(FileNotFoundError), _held(name, folder) as entry:
                    yield entry


@contextlib.contextmanager
def _held(path: str, folder: int | None) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_to_group(held: int, *, writable: bool) -> None:
    state = os.fstat(held)
    folder = stat.S_ISDIR(state.st_mode)
    if not folder and (not stat.S_ISREG(state.st_mode) or state.st_nlink > 1):
        return
    wanted = 0o4 | (0o2 if writable else 0) | (0o1 if folder or state.st_mode & 0o100 else 0)
    if state.st_mode & wanted == wanted:  # everybody may
        return
    mode = stat.S_IMODE(state.st_mode) | wanted << 3 | (stat.S_ISGID if folder and writable else 0)
    path = f"/proc/self/fd/{held}"
    if state.st_gid != GROUP:
        os.chown(path, -1, GROUP)
    os.chmod(path, mode)  # noqa: PTH101 a descriptor, not a path
