"""Warm rooms: programs that are forks of a process which has imported the engine already.

Enters: RoomSpecs that name what their program imports (``RoomSpec.warm``). Leaves: running
programs, in rooms that bubblewrap built. Touches: starts fork servers, one per engine, which end
with this process.

Bubblewrap builds the room around an idle program; a fork of a server walks into its namespaces,
gives up every right, and becomes the program (``inside/fork_server.py``). The same limits, the
same filter and the same end hold it as one that was started inside. Where anything is missing or in
doubt, the program is started cold, which only takes longer; ``complaints`` says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from typing import IO

from grader.room.bubblewrap import BubblewrapRoom, limits
from grader.room.fork_servers import ForkServer, ForkServerError, ForkServers
from grader.room.process import Guest, LinuxProcess
from grader.room.seccomp import build_filter
from grader.room.spawning import pipe
from grader.room.spec import RoomSpec, environment
from grader.types import Isolation, Json

_NS_GET_USERNS = 0xB701
_KINDS = ("ipc", "uts", "net", "pid", "cgroup", "mnt")  # the file system last: paths change then
_ANSWER_SECONDS = 10.0
_IDLE = "/usr/bin/cat"
_PLAIN_FLAGS = frozenset({"-B", "-I", "-S"})


@dataclass(frozen=True)
class WarmRoom:
    """Rooms of bubblewrap whose programs walk in, where the spec says what to import."""

    cold: BubblewrapRoom
    isolation: Isolation
    servers: ForkServers = field(compare=False)

    @classmethod
    def over(cls, cold: BubblewrapRoom) -> WarmRoom:
        """Rooms like these, warm."""
        return cls(cold, cold.isolation, ForkServers(as_us=not cold.drops_root))

    @property
    def drops_root(self) -> bool:
        """Whether we are root, and no room shall be."""
        return self.cold.drops_root

    @property
    def complaints(self) -> tuple[str, ...]:
        """Why programs were started cold, as far as they were."""
        return tuple(self.servers.complaints)

    def close(self) -> None:
        """End the fork servers; running programs live on."""
        self.servers.close()

    def inside(self, host: Path, inside: str) -> str:
        """Binds have the name that was asked for."""
        return self.cold.inside(host, inside)

    def start(
        self,
        spec: RoomSpec,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> LinuxProcess:
        """Start the program warm, or cold where that cannot be."""
        if can_be_warm(spec):
            with contextlib.ExitStack() as stack:
                streams = _Streams.open(stack, stdin, stdout, stderr)
                server = self.servers.get(spec)
                if server is not None:
                    try:
                        return self._start_warm(spec, server, streams)
                    except (ForkServerError, OSError, ValueError) as error:
                        self.servers.doubt(server, repr(error))
        return self.cold.start(spec, stdin=stdin, stdout=stdout, stderr=stderr)

    def _start_warm(self, spec: RoomSpec, server: ForkServer, streams: _Streams) -> LinuxProcess:
        process, lifeline = _idle_room(self.cold, spec)
        try:
            process.guest = _walk_in(process, lifeline, spec, server, streams)
        except BaseException:
            process.kill()
            lifeline.close()
            raise
        return process


def can_be_warm(spec: RoomSpec) -> bool:
    """Whether a fork can stand for this program: Python, without a device."""
    if not spec.warm or spec.devices or not spec.argv[0].startswith("/"):
        return False
    rest = [word for word in spec.argv[1:] if word not in _PLAIN_FLAGS]
    return bool(rest) and (rest[0] == "-c" or not rest[0].startswith("-"))


@dataclass(frozen=True)
class _Streams:
    """The program's three descriptors, and our ends of those that are pipes."""

    given: tuple[int, int, int]
    ours: tuple[IO[bytes] | None, IO[bytes] | None, IO[bytes] | None]

    @classmethod
    def open(cls, stack: contextlib.ExitStack, *asked: int | None) -> _Streams:
        """Open what was asked as Popen would; ``stack`` closes the program's ends."""
        given: list[int] = []
        ours: list[IO[bytes] | None] = []
        for number, one in enumerate(asked):
            mine: IO[bytes] | None = None
            if one is None or one == subprocess.DEVNULL:
                end = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
                stack.callback(os.close, end)
            elif one == subprocess.STDOUT:
                end = given[1]
            elif one == subprocess.PIPE:
                pair = os.pipe()
                end, kept = pair if number == 0 else pair[::-1]
                stack.callback(os.close, end)
                mine = os.fdopen(kept, "wb" if number == 0 else "rb")
            else:
                end = one
            given.append(end)
            ours.append(mine)
        return cls((given[0], given[1], given[2]), (ours[0], ours[1], ours[2]))


def _idle_room(cold: BubblewrapRoom, spec: RoomSpec) -> tuple[LinuxProcess, FileIO]:
    """A room that stands, with an idle program in it, and what the idle program waits for."""
    with contextlib.ExitStack() as stack:
        end, lifeline = pipe(stack)
        answer, said = pipe(stack)
        process = cold.start(replace(spec, argv=(_IDLE,)), stdin=end.fileno(), stdout=said.fileno())
        stack.callback(process.kill)
        said.close()
        # It echoes only once all is mounted and sealed; afterwards it waits for more to come.
        lifeline.write(b"1")
        if not _ready(answer) or answer.read(1) != b"1":
            raise ForkServerError("the room did not come to stand")
        kept = FileIO(os.dup(lifeline.fileno()), "wb")
        stack.pop_all()
        for one in (end, answer, lifeline):
            one.close()
        return process, kept


def _walk_in(
    process: LinuxProcess, lifeline: FileIO, spec: RoomSpec, server: ForkServer, streams: _Streams
) -> Guest:
    """Have a fork of the server enter the room; it begins once it is under the room's limits."""
    with contextlib.ExitStack() as stack:
        report, report_end = pipe(stack)
        gate, go = pipe(stack)
        descriptors = [
            *streams.given,
            report_end.fileno(),
            gate.fileno(),
            process.handle,
            *stack.enter_context(_namespaces(process.top)),
        ]
        server.fork(_order(process, spec), descriptors)
        report_end.close()
        pid = _began(report)
        process.cgroup.add(pid)
        go.write(b"1")
        kept = FileIO(os.dup(report.fileno()), "rb")
        os.set_blocking(kept.fileno(), False)
        return Guest(pid, kept, lifeline, *streams.ours)


def _order(process: LinuxProcess, spec: RoomSpec) -> dict[str, Json]:
    user = process.user
    return {
        "argv": list(spec.argv),
        "env": {"PWD": spec.cwd, **environment(spec)},
        "cwd": spec.cwd,
        "umask": 0o022 if user is None else 0o007,
        "limits": [list(pair) for pair in limits(spec)],
        "cores": None if spec.cores is None else list(spec.cores),
        "user": None if user is None else list(user),
        "seccomp": build_filter().hex(),
    }


@contextlib.contextmanager
def _namespaces(top: int) -> Iterator[list[int]]:
    """The room's namespaces in the order in which they have to be entered.

    The user namespace that owns the others comes first, for it gives the right to enter them. The
    program lives in one more below it, where no further one can be made: that comes last.
    """
    with contextlib.ExitStack() as stack:

        def opened(name: str, process: str = "self") -> int:
            held = os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, held)
            return held

        def same(one: int, other: int) -> bool:
            return os.fstat(one).st_ino == os.fstat(other).st_ino

        inside = {kind: opened(kind, str(top)) for kind in (*_KINDS, "user")}
        owner = fcntl.ioctl(inside["mnt"], _NS_GET_USERNS)
        stack.callback(os.close, owner)
        entered = [] if same(owner, opened("user")) else [owner]
        entered += [inside[kind] for kind in _KINDS if not same(inside[kind], opened(kind))]
        if not same(inside["user"], owner):
            entered.append(inside["user"])
        yield entered


def _began(report: FileIO) -> int:
    """Read the keeper's first line: the number of the program's process."""
    text = b""
    while not text.endswith(b"\n"):
        part = report.read(1) if _ready(report) else b""
        if not part:
            raise ForkServerError(f"the keeper said {text!r}")
        text += part
    word, _, rest = text.decode(errors="replace").strip().partition(" ")
    if word != "began":
        raise ForkServerError(rest)
    return int(rest)


def _ready(file: FileIO) -> bool:
    return bool(select.select([file], [], [], _ANSWER_SECONDS)[0])
