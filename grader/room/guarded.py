"""What no room may read: refused before anything runs, where a room could.

Enters: places of ours, a room. Leaves: nothing, or a refusal. Touches: reads link targets and the
list of mounts; plants a file for a moment beside each place and starts one room.

A room reads what the interpreter needs (``readable.py``). Where the course, the results, the secret
or the submissions lie at or below such a path, every notebook could read them, however well the
room holds. So the paths are compared, by where they really are, and then a room is asked to read
what lies there: what was overlooked in comparing is seen in trying.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.locks import lock
from grader.room.spec import Room, RoomSpec
from grader.types import GraderError, Message

PLANTED = ".grader-selftest-"  # how the names of planted files begin
_SECONDS = 60.0
_MOST_PLANTED = 32
_FIELDS_BEFORE_ROOT, _MOUNT_FIELDS = 3, 5
_READ = """
import sys
for number, path in enumerate(sys.argv[1:]):
    try:
        open(path, "rb").read(1)
    except OSError:
        continue
    print(number)
print("tried")
"""


@dataclass(frozen=True)
class Guarded:
    """A place of ours; ``refusal`` is the message that says what lies there and what to do."""

    path: Path
    refusal: str


@dataclass(frozen=True)
class _Location:
    """A device and a path on it: the same whatever name it is reached by."""

    device: str
    path: Path


@dataclass(frozen=True)
class _Mount:
    point: Path
    device: str
    root: str  # what of the device is mounted there


def refuse_below(guarded: Iterable[Guarded], readable: Iterable[Path]) -> None:
    """Refuse where a place is at or below a path that rooms read.

    Links are followed, and mounts: what is mounted twice has two names.

    Raises:
        GraderError: which one, where, and below what.
    """
    mounts = _mounts()
    shown = [(path, _location(path, mounts), _mounted_below(path, mounts)) for path in readable]
    for one in guarded:
        at, parts = _location(one.path, mounts), _mounted_below(one.path, mounts)
        for path, where, below in shown:
            if any(
                _within(part, place) for part in (at, *parts) for place in (where, *below)
            ) or any(_within(place, at) for place in below):
                args = {"path": str(one.path), "readable": str(path)}
                raise GraderError(Message(one.refusal, args))


def _within(one: _Location, other: _Location) -> bool:
    return one.device == other.device and one.path.is_relative_to(other.path)


def _mounted_below(path: Path, mounts: tuple[_Mount, ...]) -> list[_Location]:
    real = Path(os.path.realpath(path))
    inside = (m for m in mounts if m.point != real and m.point.is_relative_to(real))
    return [_Location(mount.device, Path(mount.root)) for mount in inside]


def _location(path: Path, mounts: tuple[_Mount, ...]) -> _Location:
    real = Path(os.path.realpath(path))
    holding = [mount for mount in mounts if real.is_relative_to(mount.point)]
    if not holding:
        return _Location("", real)
    # Of two mounts at one point the later one is seen.
    mount = max(enumerate(holding), key=lambda pair: (len(pair[1].point.parts), pair[0]))[1]
    return _Location(mount.device, Path(mount.root) / real.relative_to(mount.point))


def _mounts() -> tuple[_Mount, ...]:
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return ()
    found = []
    for line in lines:
        fields = [os.fsdecode(_plain(word)) for word in line.split()[:_MOUNT_FIELDS]]
        device, root, point = fields[_FIELDS_BEFORE_ROOT - 1 :]
        found.append(_Mount(Path(point), device, root))
    return tuple(found)


def _plain(word: bytes) -> bytes:
    """Undo how the kernel writes blanks and backslashes: as three octal digits."""
    first, *rest = word.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)


def refuse_what_is_read(guarded: Iterable[Guarded], room: Room) -> None:
    """Refuse where a program in a room reads what is planted in one of these places.

    Raises:
        GraderError: which place, and what was read.
    """
    for one, canary in _read_inside(guarded, room):
        raise GraderError(Message(one.refusal, {"path": str(one.path), "readable": str(canary)}))


def _read_inside(guarded: Iterable[Guarded], room: Room) -> Iterator[tuple[Guarded, Path]]:
    """Which of them a program in a room can read, with what it read."""
    with contextlib.ExitStack() as stack:
        canaries: dict[Path, Guarded] = {}
        for folder, one in _folders(guarded).items():
            with contextlib.suppress(OSError):
                canaries[stack.enter_context(_planted(folder))] = one
        spec = RoomSpec((sys.executable, "-I", "-S", "-c", _READ, *map(str, canaries)))
        process = room.start(spec, stdout=subprocess.PIPE)
        try:
            process.wait(_SECONDS)
            process.kill()
            assert process.stdout is not None
            *read, tried = process.stdout.read().decode().split() or [""]
        finally:
            process.kill()
    if tried != "tried":
        raise GraderError(Message("room.start_failed", {"reason": "no answer"}))
    pairs = list(canaries.items())
    for number in map(int, read):
        yield pairs[number][1], pairs[number][0]


def _folders(guarded: Iterable[Guarded]) -> dict[Path, Guarded]:
    """The folders to plant in: the places themselves, or where they are or will be."""
    found: dict[Path, Guarded] = {}
    for one in guarded:
        folder = Path(os.path.realpath(one.path))
        while not folder.is_dir():
            folder = folder.parent
        if folder != Path(folder.anchor) and len(found) < _MOST_PLANTED:
            found.setdefault(folder, one)
    return found


@contextlib.contextmanager
def _planted(folder: Path) -> Iterator[Path]:
    """A file that everybody may read, so that only the room can be what keeps it closed.

    Whoever planted it holds its lock, which ends with its holder: what a grader left that was
    killed just then is known by nobody holding it, and taken away here.
    """
    for left in folder.glob(f"{PLANTED}*"):
        _remove_if_left(left)
    path, descriptor = _held(folder)
    try:
        os.fchmod(descriptor, 0o644)
        os.write(descriptor, b"a canary")
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _held(folder: Path) -> tuple[Path, int]:
    """A new file and its lock; another one where somebody took it away before it was locked."""
    while True:
        path = folder / f"{PLANTED}{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            _lock(descriptor, wait=True)
        except OSError:  # a file system without locks: nobody can tell that it is left, either
            return path, descriptor
        if path.exists():
            return path, descriptor
        os.close(descriptor)


def _remove_if_left(path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if _lock(descriptor, wait=False):
                path.unlink()
        finally:
            os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Take the lock; False where somebody has it. Raises OSError where there are none."""
    if sys.platform == "win32":  # what is locked there nobody else can read
        raise OSError
    return lock(descriptor, wait=wait)
