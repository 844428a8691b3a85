"""A grader killed while it builds a room leaves nothing that runs, however far it had come."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.room.lifeline import end_orphans
from tests.support.room_help import KINDS

ROOT = Path(__file__).resolve().parents[2]
TRIES = 25
LONGEST = 0.06  # seconds from the first fork to a running program, and a little more
STARTER = """
import sys
from tests.support.room_help import make_room
from grader.room import RoomSpec
room = make_room(sys.argv[1])
print("none" if room is None else "go", flush=True)
if room is not None:
    source = "import time; time.sleep(60)"
    process = room.start(RoomSpec((sys.executable, "-I", "-c", source, sys.argv[2])))
    process.wait(60)
"""

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")]


def _running(mark: str) -> Iterator[int]:
    """Programs of rooms, and bwrap itself."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in words:
            yield int(folder.name)


def _killed_soon(kind: str, mark: str, seconds: float) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, kind, mark],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert starter.stdout is not None
    said = starter.stdout.readline()
    time.sleep(seconds)
    starter.kill()
    starter.wait()
    if said != "go\n":
        pytest.skip(f"no {kind} rooms on this machine: {said}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_grader_killed_while_it_builds_a_room_leaves_nothing(kind: str) -> None:
    rng = random.Random(kind)
    mark = f"7777.{os.getpid()}{KINDS.index(kind)}"
    for _ in range(TRIES):
        _killed_soon(kind, mark, rng.uniform(0, LONGEST))
    time.sleep(1)
    end_orphans()  # bwrap itself, killed between two of its steps, waits for the next grader
    until = time.monotonic() + 10  # what was killed takes a moment to be gone
    while (left := list(_running(mark))) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == [], f"{len(left)} of {TRIES} outlived their grader"
