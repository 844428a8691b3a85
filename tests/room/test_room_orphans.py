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
PATIENCE = 300.0  # seconds that what was killed may take to be gone
STARTER = """
import sys
from tests.support.room_help import make_room
from grader.room import RoomSpec
room = make_room(sys.argv[1])
print("none" if room is None else "go", flush=True)
if room is not None:
    source = "import time; print('begun', flush=True); time.sleep(3600)"
    process = room.start(RoomSpec((sys.executable, "-I", "-c", source, sys.argv[2])), stdout=1)
    process.wait()
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


def _started(kind: str, mark: str) -> subprocess.Popen[str]:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, kind, mark],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert starter.stdout is not None
    said = starter.stdout.readline()
    if said != "go\n":
        starter.wait()
        pytest.skip(f"no {kind} rooms on this machine: {said}")
    return starter


def _seconds_to_a_running_program(kind: str, mark: str) -> float:
    """From the first fork, on this machine as it is now."""
    starter = _started(kind, mark)
    began = time.monotonic()
    assert starter.stdout is not None
    assert starter.stdout.readline() == "begun\n"
    took = time.monotonic() - began
    _kill(starter)
    return took


def _kill(starter: subprocess.Popen[str]) -> None:
    starter.kill()
    starter.wait()
    assert starter.stdout is not None
    starter.stdout.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_grader_killed_while_it_builds_a_room_leaves_nothing(kind: str) -> None:
    rng = random.Random(kind)
    mark = f"7777.{os.getpid()}{KINDS.index(kind)}"
    longest = 1.5 * _seconds_to_a_running_program(kind, mark)
    for _ in range(TRIES):
        starter = _started(kind, mark)
        time.sleep(rng.uniform(0, longest))
        _kill(starter)
    until = time.monotonic() + PATIENCE
    while (left := list(_running(mark))) and time.monotonic() < until:
        end_orphans()  # bwrap itself, killed between two of its steps, waits for the next grader
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == [], f"{len(left)} of {TRIES} outlived their grader"
