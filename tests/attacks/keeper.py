"""Runs one command and sees what it leaves running.

Enters: ``keeper.py REPORT SECONDS COMMAND…``. Leaves: REPORT, a JSON object: ``code``, ``left``
(command lines of what outlived the command; ended then), ``processes`` and ``megabytes`` (most
seen at once below the command, and of the command itself). Touches: the command's processes.

Whatever loses its parent below a "child subreaper" becomes the subreaper's child: nothing that the
command started can hide from here, in whatever namespace it lives. SIGUSR1 ends the command by
SIGKILL. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

SET_CHILD_SUBREAPER = 36
PAUSE, GRACE = 0.1, 5.0


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def below(pid: int) -> list[int]:
    """Every descendant of a process."""
    found, waiting = [], [pid]
    while waiting:
        here = children(waiting.pop())
        found += here
        waiting += here
    return found


def peak_megabytes(pid: int) -> int:
    """Most memory that a process has had so far."""
    with contextlib.suppress(OSError, IndexError):
        text = Path(f"/proc/{pid}/status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) >> 10
    return 0


def described(pid: int) -> str:
    """A process as people know it; empty where it is dead already."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() or "?"
    return ""


def reaped() -> dict[int, int]:
    """Exit codes of children that have ended."""
    ended = {}
    with contextlib.suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            ended[one[0]] = os.waitstatus_to_exitcode(one[1])
    return ended


def watch(command: int, seconds: float) -> tuple[int, int, int]:
    """Wait for the command; gives its exit code, most processes, most megabytes."""
    deadline = time.monotonic() + seconds
    most = megabytes = 0
    while True:
        most = max(most, len(below(os.getpid())))
        megabytes = max(megabytes, peak_megabytes(command))
        ended = reaped()
        if command in ended:  # what it started at last was not seen yet
            return ended[command], max(most, len(below(os.getpid()))), megabytes
        if time.monotonic() > deadline:
            os.kill(command, signal.SIGKILL)
        time.sleep(PAUSE)


def left_running() -> list[str]:
    """What still lives a while after the command's end."""
    deadline = time.monotonic() + GRACE
    while True:
        reaped()
        left = [told for pid in below(os.getpid()) if (told := described(pid))]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(PAUSE)


def end_all() -> None:
    """End what is left, all of it started by the command."""
    while pids := below(os.getpid()):
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        reaped()
        time.sleep(PAUSE)


def main() -> None:
    """Run the command and report."""
    report, seconds, command = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    pid = os.posix_spawn(command[0], command, os.environ)
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(pid, signal.SIGKILL))
    code, most, megabytes = watch(pid, seconds)
    left = left_running()
    end_all()
    told = {"code": code, "left": left, "processes": most, "megabytes": megabytes}
    report.write_text(json.dumps(told))


if __name__ == "__main__":
    main()
