"""Programs of a room stand still while somebody looks at what they keep.

Enters: what gives a room's processes. Leaves: whether all of them stood still. Touches: stops them,
and lets those go on that it stopped.

A folder is looked at entry by entry, so a program that sees the look come moves a file to where was
looked before. What is stopped moves nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_ROUNDS, _PAUSE = 25, 0.002
_CALM = 2  # rounds that found nobody running: in one alone somebody may have woken the others
_AT_REST = {"T", "t", "Z", "X", ""}  # stopped, ended, gone


@contextlib.contextmanager
def still(find: Callable[[], Iterable[int]]) -> Iterator[bool]:
    """Stop every process that ``find`` gives until the block ends.

    What had been stopped by somebody else stays stopped. Gives False where some would not stand
    still in time: those that wait for a disk, or processes that make others without end.
    """
    stopped: set[int] = set()
    try:
        yield _stop(find, stopped)
    finally:
        for pid in stopped:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)


def _stop(find: Callable[[], Iterable[int]], stopped: set[int]) -> bool:
    calm = 0
    for _ in range(_ROUNDS):
        moving = [pid for pid in find() if pid != os.getpid() and _state(pid) not in _AT_REST]
        calm = 0 if moving else calm + 1
        if calm == _CALM:
            return True
        for pid in moving:
            stopped.add(pid)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        if moving:
            time.sleep(_PAUSE)
    return False


def _state(pid: int) -> str:
    """Give the letter of /proc; nothing where the process is gone."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    return ""
