"""How much memory a tree of processes takes: its pages, and what the kernel keeps for it.

Enters: process numbers, folders of file systems in memory. Leaves: bytes. Touches: reads /proc.

A limit on pages alone is none: a program that reads one byte of every two megabytes of a mapping
has no page of its own and gigabytes of page tables; a socket that nobody reads from keeps what was
sent, and belongs to no process. Where the kernel counts (control groups) it counts most of this
itself, but they cannot be made everywhere.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

# Sum of RSS counts shared pages once per process; near the limit the dearer, exact sum is taken.
_EXACT_FROM = 0.7
_LOOK_SECONDS = 1.0  # for the exact sum: hundreds of busy processes would keep us from the clock
_INODE_BYTES = 1024  # what a file without content costs the kernel on a tmpfs
# A kernel has two dozen sockets. Any beyond these count as if they were full: how full they are
# nobody tells, and a connection to oneself grows as it is used.
_FREE_SOCKETS, _SOCKET_BYTES = 64, 4 << 20
# The kernel keeps a record for every area of memory, 65,530 at most, and every fork has them all.
_FREE_PROCESSES, _AREA_BYTES, _MOST_AREAS = 16, 300, 65_530
_MAPS_BYTES = 256 << 10  # of a list of areas; TensorFlow has 2,000, which is less
# Any open file may be a pipe that is full: of somebody who has many, two pages each.
_FREE_FILES, _PIPE_BYTES = 4096, 8192
# Lines of /proc: what was swapped out is memory that the host has not.
RESIDENT = (b"VmRSS:", b"VmSwap:", b"VmPTE:", b"HugetlbPages:")
PROPORTIONAL = (b"Pss:", b"SwapPss:")
_MOST_FILES = 16_384  # beyond so many open files nobody looks which of them are sockets


def process_bytes(pids: Iterable[int], limit: float) -> int:
    """Sum the processes: quickly, and near ``limit`` exactly, as far as that takes no time."""
    sizes = sorted(((_resident_bytes(pid), pid) for pid in pids), reverse=True)
    total = sum(size for size, _ in sizes)
    return _exact_bytes(sizes, limit) if total > _EXACT_FROM * limit else total


def queue_bytes(pids: Sequence[int]) -> int:
    """What sockets may hold that was sent and never read.

    A room that has a network of its own is told by it how many there are: those too that nobody has
    open, since they are on their way in a message that nobody took.
    """
    own = _network(os.getpid())
    networks = {pid: _network(pid) for pid in pids}
    apart = {network: pid for pid, network in networks.items() if network not in {own, None}}
    among_us = [pid for pid, network in networks.items() if network == own]
    sockets = sum(map(_sockets_of_network, apart.values())) + _sockets_among(among_us)
    return max(0, sockets - _FREE_SOCKETS) * _SOCKET_BYTES


def kernel_bytes(pids: Sequence[int]) -> int:
    """What the kernel may keep for areas of memory and pipes of many processes."""
    areas = sum(map(_areas, pids[_FREE_PROCESSES:]))
    files = max(0, sum(map(_open_files, pids)) - _FREE_FILES)
    return areas * _AREA_BYTES + files * _PIPE_BYTES


def _areas(pid: int) -> int:
    """How many areas of memory a process has; where that is much to read, the most."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:  # noqa: PTH123
            text = file.read(_MAPS_BYTES)
    except PermissionError:
        return _MOST_AREAS
    except OSError:
        return 0
    return _MOST_AREAS if len(text) == _MAPS_BYTES else text.count(b"\n")


def _sockets_among(pids: Sequence[int]) -> int:
    """How many sockets processes have open; beyond so many files each counts as one."""
    total = sum(map(_open_files, pids))
    if not _FREE_SOCKETS < total <= _MOST_FILES:
        return total
    return len(set().union(*map(_sockets, pids)))


def _network(pid: int) -> int | None:
    """Which network a process is in; None where it is gone, ours where we are not told."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116
    except PermissionError:
        return _network(os.getpid())
    except OSError:
        return None


def _sockets_of_network(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        first, *_ = Path(f"/proc/{pid}/net/sockstat").read_bytes().splitlines()
        return int(first.split()[2])  # sockets: used 27
    return 0


def file_system_bytes(pid: int, folders: Iterable[str]) -> int:
    """Files in memory belong to no process: ask their file systems, through the room's root."""
    total = 0
    for folder in folders:
        with contextlib.suppress(OSError):
            inside = f"/proc/{pid}/root{folder}"
            if os.path.exists(folder) and os.stat(inside).st_dev == os.stat(folder).st_dev:  # noqa: PTH110, PTH116
                continue  # bwrap has not entered its new root yet: this is the host's own
            state = os.statvfs(inside)
            total += (state.f_blocks - state.f_bfree) * state.f_frsize
            total += (state.f_files - state.f_ffree) * _INODE_BYTES
    return total


def _resident_bytes(pid: int) -> int:
    """Pages, in memory or swapped out, and the tables that lead to them."""
    return _kilobytes(f"/proc/{pid}/status", *RESIDENT)


def _proportional_bytes(pid: int) -> int:
    """The same, with every shared page in equal parts."""
    pages = _kilobytes(f"/proc/{pid}/smaps_rollup", *PROPORTIONAL)
    beside = (b"VmPTE:", b"HugetlbPages:")
    return pages + _kilobytes(f"/proc/{pid}/status", *beside) if pages else _resident_bytes(pid)


def _kilobytes(path: str, *names: bytes) -> int:
    total = 0
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in Path(path).read_bytes().splitlines():
            if line.startswith(names):
                total += int(line.split()[1]) * 1024
    return total


def _exact_bytes(sizes: Sequence[tuple[int, int]], enough: float) -> int:
    """Sum the proportional sizes until there is enough.

    Where that takes too long the rest counts as resident: too much rather than too little.

    Args:
        sizes: resident bytes and number of each process.
        enough: bytes from which on it does not matter how many more.
    """
    total, left = 0, sum(size for size, _ in sizes)
    until = time.monotonic() + _LOOK_SECONDS
    for size, pid in sizes:
        total += _proportional_bytes(pid)
        left -= size
        if total > enough:
            return total
        if time.monotonic() > until:
            return total + left
    return total


def _open_files(pid: int) -> int:
    """How many: the size of the folder, and on kernels before 6.2 its entries."""
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        return os.stat(folder).st_size or len(os.listdir(folder))  # noqa: PTH116, PTH208
    return 0


def _sockets(pid: int) -> set[str]:
    """By their inodes: what a fork shares with its parent is one. What is hidden may be any."""
    found = set()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                found.add(os.readlink(f"/proc/{pid}/fd/{name}"))  # noqa: PTH115
    except PermissionError:
        return {f"socket: {number} of {pid}" for number in range(_open_files(pid))}
    except OSError:
        pass
    return {link for link in found if link.startswith("socket:")}


def hidden_files(pid: int) -> int:
    """How many files a process has open of which we are told no more than their number.

    A program that nobody may read, or that asked for it, is opened to root alone.
    """
    return 0 if os.access(f"/proc/{pid}/fd", os.R_OK) else _open_files(pid)


def thread_count(pid: int) -> int:
    """How many threads a process has: the folders of its folder of threads."""
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{pid}/task").st_nlink - 2  # noqa: PTH116
    return 0
