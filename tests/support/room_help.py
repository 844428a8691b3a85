"""Rooms for tests: each kind that works on this machine, and a way to run Python in one."""

import contextlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from grader.room import Room, RoomSpec
from grader.room.bubblewrap import BubblewrapRoom
from grader.room.confined import ConfinedRoom
from grader.room.users import can_give_up_root
from grader.room.warm import WarmRoom, can_be_warm
from grader.types import Isolation, Level

PATIENCE = 300.0  # seconds that an end may take: reached only where it never comes
UNTESTED = Isolation(Level.NONE)
FULL = ["namespaces", "dropped", "warm", "warm-dropped"]
KINDS = [*FULL, "reduced", "none"]
CLOSED = [*FULL, "reduced"]


@dataclass(frozen=True)
class AllWarm:
    """Warm rooms for every program that can be warm; none may silently start cold."""

    room: WarmRoom

    def start(self, spec, **streams):
        process = self.room.start(replace(spec, warm=("json",)), **streams)
        assert self.room.complaints == ()
        assert (process.guest is not None) == can_be_warm(replace(spec, warm=("json",)))
        return process

    def __getattr__(self, name):
        return getattr(self.room, name)


def make_room(kind: str) -> Room | None:
    """None where this machine cannot have that kind at all."""
    bwrap = shutil.which("bwrap")
    if kind in FULL:
        drops = kind.endswith("dropped")
        if bwrap is None or (drops and not can_give_up_root()):
            return None
        cold = BubblewrapRoom(Path(bwrap), drops, UNTESTED)
        return AllWarm(WarmRoom.over(cold)) if kind.startswith("warm") else cold
    return ConfinedRoom(kind == "reduced", False, UNTESTED)


def opened(request):
    """For fixtures: a room of the kind that is asked for, with no fork server left at the end."""
    room = make_room(request.param)
    if room is None:
        pytest.skip(f"no {request.param} rooms on this machine")
    yield room
    close(room)


def close(room: Room) -> None:
    """End the fork servers of a warm room."""
    if isinstance(room, AllWarm):
        room.close()


@dataclass(frozen=True)
class Ran:
    code: int | None
    out: str
    err: str

    @property
    def json(self):
        assert self.out, self.err
        return json.loads(self.out)


def run_python(
    room: Room, source: str, *args: object, seconds: float = PATIENCE, **spec: object
) -> Ran:
    """Run a few lines in a room and wait for them."""
    argv = (sys.executable, "-I", "-c", source, *map(str, args))
    process = room.start(RoomSpec(argv, **spec), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        with ThreadPoolExecutor(2) as pool:
            reading = [pool.submit(one.read) for one in (process.stdout, process.stderr)]
            code = process.wait(seconds)
            process.kill()  # so that reading ends
            out, err = (one.result().decode() for one in reading)
        return Ran(code, out, err)
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
