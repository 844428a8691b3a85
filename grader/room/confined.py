"""Rooms without namespaces: reduced (Landlock and seccomp) and, with neither, none.

Enters: a RoomSpec. Leaves: a running process. Touches: starts the launcher, control groups, the
rights of given files, a scratch folder that is deleted with the room.

The program runs beside the host's own processes and finds files under their own names. In the
reduced level it can open only what is listed, write only its scratch folder, and open no
connection. In level none only resource limits hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from grader.room.bubblewrap import BUSES, handed_over, limits
from grader.room.cgroups import Cgroup, make_cgroup
from grader.room.disk import Disk
from grader.room.process import LinuxProcess
from grader.room.readable import readable_paths
from grader.room.seccomp import build_filter
from grader.room.spawning import Streams, pipe, spawn
from grader.room.spec import (
    HOME,
    TEMPORARY,
    RoomSpec,
    check_binds,
    environment,
    writable_folders,
)
from grader.room.users import GROUP, let_through, open_to_rooms, return_user, take_user
from grader.room.workplace import SCRATCH, workplace
from grader.types import GraderError, Isolation, Json, Message

_LAUNCHER = Path(__file__).resolve().parent / "inside" / "launcher.py"
_START_SECONDS = 20.0
# What TensorFlow, JAX and the C library ask about the machine. Not /proc itself: it shows the
# command lines of everybody's programs. The launcher adds the program's own folder.
_MACHINE = (
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/vm/overcommit_memory",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system",
    "/sys/kernel/mm/transparent_hugepage",
    "/etc/nsswitch.conf",
    "/etc/passwd",
)
_DEVICES = ("/dev/full", "/dev/null", "/dev/random", "/dev/urandom")
_SPARE_THREADS = 4096  # a fork bomb makes some hundred between two looks
DRIVER = "/proc/driver/nvidia"  # what the driver says of itself and of its devices
_ZERO = "/dev/zero"  # whoever may write to it can share memory that has no file


@dataclass(frozen=True)
class ConfinedRoom:
    """Rooms made by our own launcher. ``closed``: with Landlock and seccomp."""

    closed: bool
    drops_root: bool
    isolation: Isolation

    @property
    def complaints(self) -> tuple[str, ...]:
        """None: every program starts cold here."""
        return ()

    def inside(self, host: Path, inside: str) -> str:  # noqa: ARG002 the protocol's shape
        """The program finds files where they are."""
        return str(host.absolute())

    def start(
        self,
        spec: RoomSpec,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> LinuxProcess:
        """Make a scratch folder and start the program under the launcher."""
        check_binds(spec)
        with contextlib.ExitStack() as undo:
            scratch = undo.enter_context(workplace("tmp", kind=SCRATCH))
            user = None
            if self.drops_root:
                user = take_user()
                undo.callback(return_user, user)
                open_to_rooms(spec.binds)
                let_through(spec.binds)
                for folder in (scratch, scratch / "tmp"):
                    os.chown(folder, user, GROUP)
            order = self._order(spec, scratch, user)
            streams = Streams(stdin, stdout, stderr)
            return handed_over(undo, lambda end: _begin(order, spec, streams, end))

    def _order(self, spec: RoomSpec, scratch: Path, user: int | None) -> dict[str, Json]:
        folders = {HOME: str(scratch), TEMPORARY: str(scratch / "tmp")}
        folders |= {bind.inside: self.inside(bind.host, bind.inside) for bind in spec.binds}
        env = environment(spec)
        return {
            "parent": os.getpid(),
            "argv": [shutil.which(spec.argv[0]) or spec.argv[0], *spec.argv[1:]],
            "env": {name: folders.get(value, value) for name, value in env.items()},
            "cwd": folders.get(spec.cwd, spec.cwd),
            "scratch": str(scratch),
            "umask": 0o022 if user is None else 0o007,
            "limits": [list(pair) for pair in _limits(spec, user)],
            "cores": None if spec.cores is None else list(spec.cores),
            "user": None if user is None else [user, GROUP],
            "landlock": _landlock(spec, scratch) if self.closed else None,
            "seccomp": _filter(spec).hex() if self.closed else None,
        }


def _filter(spec: RoomSpec) -> bytes:
    return build_filter(namespaces=False, connects=spec.connects, devices=bool(spec.devices))


def _landlock(spec: RoomSpec, scratch: Path) -> dict[str, Json]:
    readable = [*map(str, readable_paths()), *_MACHINE, _ZERO]
    readable += [str(bind.host.absolute()) for bind in spec.binds if not bind.writable]
    if spec.devices:
        readable += [path for path in (*BUSES, DRIVER) if Path(path).exists()]
    writable = [str(scratch), *_DEVICES, *spec.devices]
    writable += [str(folder.absolute()) for folder in writable_folders(spec)]
    # CUDA names its threads by files there, and does not start where it cannot.
    return {"readable": list(readable), "writable": list(writable), "threads": bool(spec.devices)}


def _limits(spec: RoomSpec, user: int | None) -> list[tuple[int, int]]:
    """As everywhere, but the kernel counts an ordinary user's other processes too.

    What one room may have more would be what the others lack: so they all may have many more, and
    whoever watches the room counts them.
    """
    others = 0 if user is not None else _threads_of_user(os.getuid()) + _SPARE_THREADS
    return [
        (kind, value + (others if kind == resource.RLIMIT_NPROC else 0))
        for kind, value in limits(spec)
    ]


def _threads_of_user(uid: int) -> int:
    threads = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                if process.stat().st_uid == uid:
                    threads += sum(1 for _ in (process / "task").iterdir())
    return threads


def _begin(
    order: dict[str, Json], spec: RoomSpec, streams: Streams, ending: Callable[[], None]
) -> LinuxProcess:
    with contextlib.ExitStack() as stack:
        order_end, order_file = pipe(stack)
        report, report_end = pipe(stack)
        keep = (order_end.fileno(), report_end.fileno())
        command = [sys.executable, "-I", "-S", str(_LAUNCHER)]
        popen = spawn([*command, *map(str, keep)], env={}, streams=streams, keep=keep)
        process = LinuxProcess(
            popen,
            popen.pid,
            os.pidfd_open(popen.pid),
            make_cgroup(spec.memory_mb, spec.processes),
            spec.memory_mb,
            disk=Disk(
                (Path(str(order["scratch"])), *writable_folders(spec)), largest=spec.file_mb << 20
            ),
            most_threads=spec.processes if order["user"] is None else None,
            supervised=True,
            endings=(ending,),
        )
        try:
            _join(process.cgroup, popen)
            order_file.write(json.dumps(order).encode())
            order_file.close()
            report_end.close()
            _wait_for_start(report)
        except OSError as error:
            process.kill()
            raise _failed(repr(error)) from error
        except GraderError:
            process.kill()
            raise
        return process


def _join(cgroup: Cgroup, popen: subprocess.Popen[bytes]) -> None:
    """Before the order is written: the launcher waits for it, so nothing escapes the limits."""
    cgroup.add(popen.pid)


def _wait_for_start(report: FileIO) -> None:
    """The launcher's report ends, empty, when it becomes the program."""
    deadline = time.monotonic() + _START_SECONDS
    text = b""
    while True:
        left = max(0.0, deadline - time.monotonic())
        if not select.select([report], [], [], left)[0]:
            raise _failed("the launcher did not answer")
        part = report.read(4096)
        if not part:
            break
        text += part
    if text:
        raise _failed(text.decode(errors="replace"))


def _failed(reason: str) -> GraderError:
    return GraderError(Message("room.start_failed", {"reason": reason}))
