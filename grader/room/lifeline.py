"""A room's program begins, and stays, only while its grader lives.

Enters: a program's argument list; the host's processes. Leaves: the list with a gate before it.
Touches: one pipe per grader; ends what graders that are no more have left.

bwrap takes a closed pipe for an opened door, and only behind the door does it ask to die with us:
killed while a room is built, we would leave a program without limits and without an end. So what
bwrap starts first is a gate, which looks whether anybody still reads the grader's pipe. bwrap
itself, killed between two of its steps, leaves its other half waiting: the next grader ends that.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from io import FileIO
from pathlib import Path

# Whoever writes into a pipe that nobody reads any more is told so without writing.
_GATE = """
import os, select, sys
lifeline = select.poll()
lifeline.register(int(sys.argv[1]), 0)
if lifeline.poll(0):
    sys.exit(125)
os.close(int(sys.argv[1]))
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    print(f"{sys.argv[2]}: {error}", file=sys.stderr)
    sys.exit(127)
"""
_held: dict[int, tuple[FileIO, FileIO]] = {}  # by process: a fork has its own
_lock = threading.Lock()


def lifeline() -> int:
    """Give the writing end of a pipe that only this process reads, for as long as it lives."""
    with _lock:
        if os.getpid() not in _held:
            reading, writing = os.pipe()
            _held[os.getpid()] = FileIO(reading, "rb"), FileIO(writing, "wb")
        return _held[os.getpid()][1].fileno()


def gate(end: int) -> tuple[str, ...]:
    """What to start before a program, so that it begins only where the reader of ``end`` lives."""
    return (sys.executable, "-I", "-S", "-B", "-c", _GATE, str(end))


def end_orphans() -> int:
    """Kill every half-built room whose grader is gone; gives their number."""
    ended = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if (folder / "comm").read_bytes() == b"bwrap\n" and _reader_is_gone(folder):
                os.kill(int(folder.name), signal.SIGKILL)
                ended += 1
    return ended


def _reader_is_gone(process: Path) -> bool:
    """Whether the process holds a lifeline that nobody reads."""
    words = (process / "cmdline").read_bytes().split(b"\0")
    end = int(words[words.index(_GATE.encode()) + 1])
    with (process / "fd" / str(end)).open("wb", buffering=0) as held:
        watched = select.poll()
        watched.register(held, 0)
        return bool(watched.poll(0))
