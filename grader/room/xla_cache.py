"""Rooms that find compiled what the references compiled before: XLA's cache, read-only.

Enters: a Room. Leaves: a Room whose JAX programs look into the cache; entries that a filling room
wrote. Touches: the cache folder of this user.

What a program reads from such a cache is machine code. So no room that runs a student's notebook
ever writes one: it is filled by the course's own references (``grader prepare``), copied by us, and
given read-only. One folder per processor and set of versions, for XLA's own keys name neither; nor
may they name the folder: a room may see it elsewhere, or put its own in front of it.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from grader import environment, user_folders
from grader.room.spec import Bind, Room, RoomProcess, RoomSpec
from grader.room.within_reach import within_reach
from grader.room.workplace import workplace
from grader.room.xla_entries import content_of, entries_in, is_sound, write
from grader.types import GraderError, Isolation

INSIDE = "/grader/compiled"
MOST_ENTRIES = 5000
FORM = 2  # of what is in the folder; it rises where nothing kept before can be found any more
_NEVER = "1000000000"  # seconds that a compilation must take before it is written


@dataclass(frozen=True)
class CompiledRoom:
    """A room of any kind with the cache in it.

    ``fill``: empty and writable, for references. ``dropped``: how many entries were not sound.
    """

    room: Room
    folder: Path
    fill: bool = False
    dropped: int = 0

    @property
    def isolation(self) -> Isolation:
        """The room's own."""
        return self.room.isolation

    @property
    def complaints(self) -> tuple[str, ...]:
        """The room's own."""
        return self.room.complaints

    def inside(self, host: Path, inside: str) -> str:
        """As the room says."""
        return self.room.inside(host, inside)

    def start(
        self,
        spec: RoomSpec,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> RoomProcess:
        """Start the program; one that runs JAX on the processor gets the cache."""
        on_jax = spec.env.get("KERAS_BACKEND") == "jax" and not spec.devices
        folder = self._lent() if on_jax else None
        if folder is not None:
            bind = Bind(folder, INSIDE, writable=self.fill)
            env = {**spec.env, **self.variables(folder)}
            spec = replace(spec, binds=(*spec.binds, bind), env=env)
        return self.room.start(spec, stdin=stdin, stdout=stdout, stderr=stderr)

    def _lent(self) -> Path | None:
        """Give the folder where the room reaches it; None where nobody does, which costs time."""
        if self.fill:
            return self.folder
        try:
            return within_reach(self.room, self.folder) if self.folder.is_dir() else None
        except (GraderError, OSError):
            return None

    def variables(self, folder: Path) -> dict[str, str]:
        """Give what tells JAX of the folder."""
        return {
            "JAX_COMPILATION_CACHE_DIR": self.room.inside(folder, INSIDE),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0" if self.fill else _NEVER,
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
            # Another cache, of what GPUs are tuned to: its path would be part of every key.
            "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
        }


def compiled(room: Room) -> Room:
    """Give a room with what was compiled before, where something was; less what is damaged.

    Whoever cannot remove that is lent nothing.
    """
    folder = cache_folder()
    if not entries(folder):
        return room
    try:
        return CompiledRoom(room, folder, dropped=_drop(folder))
    except OSError:
        return room


@contextmanager
def filling(room: Room) -> Iterator[Room]:
    """Give a room that compiles into the cache. For our own references only.

    What the disk refuses is not kept: it is compiled again wherever it is needed.
    """
    with workplace("compiled") as place:
        yield CompiledRoom(room, place / "compiled", fill=True)
        with suppress(OSError):
            _keep(place / "compiled", cache_folder())


def entries(folder: Path) -> int:
    """How many compiled programs are in a folder; none where others could write to the folder."""
    try:
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or not user_folders.is_ours(state):
            return 0
        return len(entries_in(folder))
    except OSError:
        return 0


def cache_folder() -> Path:
    """Where the cache of this processor and these versions is."""
    versions = environment.versions() | environment.installed(["zstandard"])  # JAX compresses by it
    parts = json.dumps([FORM, sorted(versions.items()), environment.processor()])
    name = hashlib.sha256(parts.encode()).hexdigest()[:16]
    return user_folders.cache() / user_folders.OURS / "compiled" / name


def _drop(folder: Path) -> int:
    """Remove entries that are damaged, or that others could have written; give how many.

    An entry that is replaced at this moment may go with it: then it is compiled once more.

    Raises:
        OSError: one cannot be removed.
    """
    wrong = [path for path in entries_in(folder) if not is_sound(path)]
    for path in wrong:
        path.unlink(missing_ok=True)
    return len(wrong)


def _keep(source: Path, folder: Path) -> None:
    """Copy what a reference's room wrote, as files of ours, where no sound one is there yet."""
    user_folders.make_folder(folder, user_folders.OPEN_FOLDER)
    user_folders.sweep(folder, ".*")
    for path in entries_in(source)[:MOST_ENTRIES]:
        content = content_of(path)
        if content is not None and not is_sound(folder / path.name):
            write(folder / path.name, content)
