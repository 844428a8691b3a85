"""The full level: a room built by bubblewrap out of Linux namespaces.

Enters: a RoomSpec. Leaves: a RoomProcess. Touches: starts bwrap, control groups.

The program sees a file system assembled from an allow-list, mounted read-only but for its sized
scratch folders; its own process numbers, a network with nothing but loopback, no capability, no
way to a nested user namespace, and a filter over system calls. bwrap itself starts with an empty
environment and takes its arguments from a file in memory: /proc/1 inside tells of neither.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import subprocess
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from grader.room.base import readable_paths, top_level_links
from grader.room.cgroups import make_cgroup
from grader.room.process import RoomProcess
from grader.room.seccomp import build_filter
from grader.room.spawning import spawn
from grader.room.spec import HOME, RoomSpec
from grader.types import GraderError, Isolation, Message

_STUDENT = 1000
_START_SECONDS = 20.0
_OPEN_FILES = 4096
_SHARED_MB = 256
_PASSWD = "student:x:{uid}:{gid}:student:/home/student:/bin/sh\n"
_GROUP = "student:x:{gid}:\n"
_HOSTS = "127.0.0.1 localhost room\n::1 localhost\n"
_NSSWITCH = "passwd: files\ngroup: files\nhosts: files\n"


@dataclass(frozen=True)
class BubblewrapRoom:
    """Rooms made by one bwrap."""

    bwrap: Path
    isolation: Isolation

    def inside(self, host: Path, inside: str) -> str:  # noqa: ARG002 the protocol's shape
        """Binds have the name that was asked for."""
        return inside

    def start(
        self,
        spec: RoomSpec,
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> RoomProcess:
        """Build the room, put it under its limits, then let the program begin."""
        given = (stdin, stdout, stderr)
        streams = tuple(subprocess.DEVNULL if s is None else s for s in given)
        with contextlib.ExitStack() as stack:
            filter_fd = _memory_file(stack, build_filter())
            status, status_end = _pipe(stack)  # ours stays open: bwrap reports its end there too
            go_end, go = _pipe(stack)
            stack.callback(go_end.close)
            texts = [_memory_file(stack, text.encode()) for text in _etc(_STUDENT, _STUDENT)]
            arguments = _arguments(spec, texts)
            arguments += ["--seccomp", str(filter_fd), "--block-fd", str(go_end.fileno())]
            arguments += ["--json-status-fd", str(status_end.fileno())]
            args_fd = _memory_file(stack, b"".join(os.fsencode(a) + b"\0" for a in arguments))
            popen = spawn(
                [str(self.bwrap), "--args", str(args_fd), "--", *spec.argv],
                env={},
                streams=(streams[0], streams[1], streams[2]),
                keep=(filter_fd, status_end.fileno(), go_end.fileno(), args_fd, *texts),
            )
            status_end.close()  # so that its other end sees bwrap's last word
            return _admit(popen, spec, status, go)


def _admit(
    popen: subprocess.Popen[bytes], spec: RoomSpec, status: FileIO, go: FileIO
) -> RoomProcess:
    """Put the finished room under its limits and open its door."""
    try:
        top = _child_pid(status.fileno())
        handle = os.pidfd_open(top)
    except (OSError, ValueError, KeyError) as error:
        status.close()
        popen.kill()
        popen.wait()
        raise _failed(repr(error)) from error
    cgroup = make_cgroup(spec.memory_mb, spec.processes)
    process = RoomProcess(
        popen,
        top,
        handle,
        cgroup,
        spec.memory_mb,
        folders=("/tmp", "/dev/shm", HOME),
        status=status,
    )
    try:
        cgroup.add(top)
        _limit(top, spec)
        go.write(b"1")
    except OSError as error:
        process.kill()
        raise _failed(repr(error)) from error
    return process


def _limit(pid: int, spec: RoomSpec) -> None:
    """Resource limits of the room's first process; all others inherit them.

    Set from outside, after the user namespace exists: its process count starts at nothing, while
    a limit set earlier would count every process of the teacher.
    """
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, spec.file_mb << 20),
        (resource.RLIMIT_NPROC, spec.processes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.prlimit(pid, kind, (value, value))
    if spec.cores is not None:
        os.sched_setaffinity(pid, spec.cores)


def _arguments(spec: RoomSpec, texts: list[int]) -> list[str]:
    """Everything bwrap must do, in order: mounts come first, then they are sealed."""
    arguments = [
        *("--unshare-all", "--unshare-user", "--disable-userns"),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--uid", str(_STUDENT), "--gid", str(_STUDENT), "--hostname", "room"),
        *("--clearenv", "--dev", "/dev", "--proc", "/proc"),
    ]
    for target, link in top_level_links():
        arguments += ["--symlink", target, link]
    for path in readable_paths():
        arguments += ["--ro-bind", str(path.resolve()), str(path)]
    for name, text in zip(("passwd", "group", "hosts", "nsswitch.conf"), texts, strict=True):
        arguments += ["--ro-bind-data", str(text), f"/etc/{name}"]
    for folder, size in (
        ("/tmp", spec.scratch_mb),
        ("/dev/shm", _SHARED_MB),
        (HOME, spec.scratch_mb),
    ):
        arguments += ["--perms", "0700", "--size", str(size << 20), "--tmpfs", folder]
    for bind in spec.binds:
        if not bind.host.exists():
            raise _failed(f"{bind.host}: no such file")
        arguments += ["--bind" if bind.writable else "--ro-bind", str(bind.host), bind.inside]
    for device in spec.devices:
        arguments += ["--dev-bind", device, device]
    for name, value in environment(spec).items():
        arguments += ["--setenv", name, value]
    return [
        *arguments,
        "--remount-ro",
        "/proc",
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        spec.cwd,
    ]


def environment(spec: RoomSpec) -> dict[str, str]:
    """The spec's environment, with a home and a temporary folder where it names none."""
    return {"HOME": HOME, "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin", **spec.env}


def _etc(uid: int, gid: int) -> tuple[str, ...]:
    return (_PASSWD.format(uid=uid, gid=gid), _GROUP.format(gid=gid), _HOSTS, _NSSWITCH)


def _child_pid(status: int) -> int:
    """Read bwrap's first status line: the number of the room's first process."""
    text = b""
    deadline = time.monotonic() + _START_SECONDS
    while b"\n" not in text:
        ready, _, _ = select.select([status], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(status, 4096) if ready else b""
        if not part:
            raise ValueError(f"bwrap said {text!r}")
        text += part
    return int(json.loads(text.splitlines()[0])["child-pid"])


def _pipe(stack: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return FileIO(reading, "rb"), stack.enter_context(FileIO(writing, "wb"))


def _memory_file(stack: contextlib.ExitStack, content: bytes) -> int:
    file = stack.enter_context(FileIO(os.memfd_create("room"), "r+b"))
    file.write(content)
    file.seek(0)
    return file.fileno()


def _failed(reason: str) -> GraderError:
    return GraderError(Message("room.start_failed", {"reason": reason}))
