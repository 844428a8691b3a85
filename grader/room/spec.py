"""What a room is told, and what it promises.

Enters: nothing. Leaves: the dataclasses and the protocol that every kind of room shares.
Touches nothing.

A stage that needs a process it cannot trust writes a RoomSpec and starts it in a Room::

    room = open_room("auto")
    spec = RoomSpec(
        argv=(room.inside(python, "python"), room.inside(code / "start.py", "/grader/start.py")),
        binds=(Bind(code, "/grader"), Bind(out, "/out", writable=True)),
    )
    process = room.start(spec)

The interpreter, its virtual environment and the system's libraries are there without being asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from grader.types import GraderError, Isolation, Message

HOME = "/home/student"  # where a program starts unless told otherwise; its scratch folder
TEMPORARY = "/tmp"  # noqa: S108 a fresh file system inside, not the host's
SHARED_MEMORY = "/dev/shm"  # noqa: S108 the same


@dataclass(frozen=True)
class Bind:
    """A folder or file of the host that the room may see, and under which name."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True)
class RoomSpec:
    """One program and everything it gets. Sizes in MB are mebibytes.

    ``env`` is the whole environment; HOME and TMPDIR are set where it leaves them out.
    """

    argv: tuple[str, ...]
    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = HOME
    memory_mb: int = 4096
    scratch_mb: int = 512
    file_mb: int = 256
    processes: int = 512  # threads count too, and TensorFlow and JAX start dozens
    cores: tuple[int, ...] | None = None
    devices: tuple[str, ...] = ()  # "/dev/nvidia0", …
    warm: tuple[str, ...] = ()  # modules that a Python program imports: it may begin as a fork
    connects: bool = False  # may connect to unix sockets it can see: a driver, never a notebook


@dataclass(frozen=True)
class LayerReport:
    """What the live self-test saw of one layer of a level, for ``grader doctor``."""

    level: str  # full, reduced, none
    layer: str  # filesystem, network, …
    holds: bool
    why: Message | None = None  # what went through, where it does not hold


class RoomProcess(Protocol):
    """One running program. Safe to use from several threads."""

    @property
    def pid(self) -> int:
        """The process that we started; it lives exactly as long as the room."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""

    @property
    def stderr(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""

    def poll(self) -> int | None:
        """Exit code or None; with an exit code the whole tree is dead.

        Negative or 128 + n: ended by signal n.

        Raises:
            GraderError: the room could not be finished, so the program never began.
        """

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the program to end; None where it still runs after ``timeout`` seconds."""

    def memory_mb(self) -> float:
        """Memory of the whole tree and of its files, in memory and on the host's disk, in MB."""

    def memory_ran_out(self) -> bool:
        """Whether the kernel itself ended a process for its memory (control groups only)."""

    def kill(self) -> None:
        """End the whole tree with SIGKILL; it is gone on return. May be called again."""


class Room(Protocol):
    """A way to start processes that cannot get out; equal ones are one and the same."""

    def __hash__(self) -> int: ...

    @property
    def isolation(self) -> Isolation:
        """The level, and the layers that a live self-test saw holding."""

    @property
    def complaints(self) -> tuple[str, ...]:
        """Why programs were started cold that should have been warm, as far as they were."""

    def start(
        self,
        spec: RoomSpec,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> RoomProcess:
        """Start the program in a fresh room; streams not given are /dev/null.

        Streams are file descriptors or ``subprocess.PIPE`` / ``subprocess.STDOUT``.

        Raises:
            GraderError: the room could not be built (``room.start_failed``).
        """

    def inside(self, host: Path, inside: str) -> str:
        """The name under which the program finds a bind: ``inside``, or the host's own path."""


def check_binds(spec: RoomSpec) -> None:
    """Refuse what cannot be mounted, before anything is started.

    Raises:
        GraderError: a bind that does not exist.
    """
    for bind in spec.binds:
        if not bind.host.exists():
            raise GraderError(Message("room.no_such_bind", {"path": str(bind.host)}))


def writable_folders(spec: RoomSpec) -> tuple[Path, ...]:
    """Folders of the host that the program may write to."""
    return tuple(bind.host for bind in spec.binds if bind.writable)


def environment(spec: RoomSpec, home: str = HOME, temporary: str = TEMPORARY) -> dict[str, str]:
    """The spec's environment, with a home and a temporary folder where it names none."""
    return {"HOME": home, "TMPDIR": temporary, "PATH": "/usr/bin:/bin", **spec.env}
