"""Rooms for tests: each kind that works on this machine, and a way to run Python in one."""

import contextlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from grader.room import Room, RoomSpec
from grader.room.bubblewrap import BubblewrapRoom
from grader.room.confined import ConfinedRoom
from grader.room.lending import can_give_up_root
from grader.types import Isolation, Level

UNTESTED = Isolation(Level.NONE)
KINDS = ["namespaces", "dropped", "reduced", "none"]
FULL = ["namespaces", "dropped"]
CLOSED = [*FULL, "reduced"]


def make_room(kind: str) -> Room | None:
    """None where this machine cannot have that kind at all."""
    bwrap = shutil.which("bwrap")
    if kind in FULL:
        if bwrap is None or (kind == "dropped" and not can_give_up_root()):
            return None
        return BubblewrapRoom(Path(bwrap), kind == "dropped", UNTESTED)
    return ConfinedRoom(kind == "reduced", False, UNTESTED)


@dataclass(frozen=True)
class Ran:
    code: int | None
    out: str
    err: str

    @property
    def json(self):
        assert self.out, self.err
        return json.loads(self.out)


def run_python(room: Room, source: str, *args: object, seconds: float = 30, **spec: object) -> Ran:
    """Run a few lines in a room and wait for them."""
    argv = (sys.executable, "-I", "-c", source, *map(str, args))
    process = room.start(RoomSpec(argv, **spec), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.popen.communicate(timeout=seconds)
        return Ran(process.wait(seconds), out.decode(), err.decode())
    finally:
        process.kill()


def processes_with(marker: str) -> list[int]:
    """Host processes whose command line holds a word."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if marker.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found
