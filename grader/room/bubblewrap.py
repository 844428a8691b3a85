"""The full level: a room built by bubblewrap out of Linux namespaces.

Enters: a RoomSpec. Leaves: a running process. Touches: starts bwrap, control groups, the
rights of given files.

The program sees a file system assembled from an allow-list, mounted read-only but for its sized
scratch folders; its own process numbers, a network with nothing but loopback, no capability, and a
filter over system calls. bwrap itself starts with an empty environment and takes its arguments
from a file in memory: /proc/1 inside tells of neither.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from grader.room.cgroups import make_cgroup
from grader.room.disk import Disk
from grader.room.lifeline import gate, lifeline
from grader.room.process import LinuxProcess
from grader.room.readable import readable_paths, top_level_links
from grader.room.seccomp import build_filter
from grader.room.spawning import Streams, not_started, spawn
from grader.room.spec import (
    HOME,
    SHARED_MEMORY,
    TEMPORARY,
    RoomSpec,
    check_binds,
    environment,
    writable_folders,
)
from grader.room.users import GROUP, open_to_rooms, return_user, take_user
from grader.types import Isolation

_START_SECONDS = 20.0
_OPEN_FILES = 1024  # what an ordinary user has; what is sent through sockets is bounded by it too
_SHARED_MB = 256
# Where drivers look their devices, and themselves, up.
BUSES = (
    "/sys/bus/pci",
    "/sys/devices",
    *(f"/sys/module/{name}" for name in ("nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm")),
)
SETPRIV = Path("/usr/bin/setpriv")


@dataclass(frozen=True)
class User:
    """Who the program is. Not on the host: a user namespace gives the numbers their meaning."""

    uid: int
    gid: int
    on_host: bool


_STUDENT = User(1000, 1000, on_host=False)


@dataclass(frozen=True)
class BubblewrapRoom:
    """Rooms made by one bwrap. ``drops_root``: we are root, and no room shall be."""

    bwrap: Path
    drops_root: bool
    isolation: Isolation

    @property
    def complaints(self) -> tuple[str, ...]:
        """None: every program starts cold here."""
        return ()

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
    ) -> LinuxProcess:
        """Build the room, put it under its limits, then let the program begin."""
        check_binds(spec)
        with contextlib.ExitStack() as undo:
            user = _STUDENT
            if self.drops_root:
                user = User(take_user(), GROUP, on_host=True)
                undo.callback(return_user, user.uid)
                open_to_rooms(spec.binds)
            streams = Streams(stdin, stdout, stderr)
            process = handed_over(undo, lambda end: _begin(self.bwrap, spec, user, streams, end))
            process.user = (user.uid, user.gid) if user.on_host else None
            return process


def handed_over(
    undo: contextlib.ExitStack, begin: Callable[[Callable[[], None]], LinuxProcess]
) -> LinuxProcess:
    """Start a process that clears up by itself when it ends; by us where it never began."""
    ending = undo.pop_all()
    try:
        return begin(ending.close)
    except BaseException:
        ending.close()
        raise


def limits(spec: RoomSpec) -> tuple[tuple[int, int], ...]:
    """Resource limits that each process of the room inherits."""
    return (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, spec.file_mb << 20),
        (resource.RLIMIT_NPROC, spec.processes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_MSGQUEUE, 0),
    )


def _begin(
    bwrap: Path, spec: RoomSpec, user: User, streams: Streams, ending: Callable[[], None]
) -> LinuxProcess:
    with contextlib.ExitStack() as stack:
        status, status_end = _pipe(stack)  # ours stays open: bwrap reports the end there too
        go_end, go = _pipe(stack)
        stack.callback(go_end.close)
        sealed = _memory_file(stack, build_filter(devices=bool(spec.devices)))
        texts = {name: _memory_file(stack, text) for name, text in _etc(user).items()}
        arguments = [
            *_arguments(spec, user, texts),
            *("--seccomp", str(sealed), "--block-fd", str(go_end.fileno())),
            *("--json-status-fd", str(status_end.fileno())),
        ]
        listed = _memory_file(stack, b"".join(os.fsencode(a) + b"\0" for a in arguments))
        alive = lifeline()
        popen = spawn(
            [str(bwrap), "--args", str(listed), "--", *gate(alive), *_drop(user), *spec.argv],
            env={},
            streams=streams,
            keep=(status_end.fileno(), alive, go_end.fileno(), sealed, listed, *texts.values()),
            umask=0o007 if user.on_host else -1,  # rooms hand files to each other by their group
        )
        status_end.close()
        return _admit(popen, spec, status, go, ending)


def _admit(
    popen: subprocess.Popen[bytes],
    spec: RoomSpec,
    status: FileIO,
    go: FileIO,
    ending: Callable[[], None],
) -> LinuxProcess:
    """Put the room under its limits and open its door."""
    try:
        top = _child_pid(status.fileno())
        handle = os.pidfd_open(top)
    except (OSError, ValueError, KeyError) as error:
        status.close()
        popen.kill()
        popen.wait()
        raise not_started(popen, repr(error)) from error
    process = LinuxProcess(
        popen,
        top,
        handle,
        make_cgroup(spec.memory_mb, spec.processes),
        spec.memory_mb,
        folders=(TEMPORARY, SHARED_MEMORY, HOME),
        disk=Disk(writable_folders(spec), largest=spec.file_mb << 20),
        status=status,
        endings=(ending,),
    )
    try:
        process.cgroup.add(top)
        # From outside, once the user namespace exists: its count of processes starts at nothing,
        # while a limit set earlier would count every process of the teacher.
        for kind, value in limits(spec):
            resource.prlimit(top, kind, (value, value))
        if spec.cores is not None:
            os.sched_setaffinity(top, spec.cores)
        go.write(b"1")
    except OSError as error:
        process.kill()
        raise not_started(popen, repr(error)) from error
    return process


def _arguments(spec: RoomSpec, user: User, texts: dict[str, int]) -> list[str]:
    """Everything bwrap must do, in order: mounts come first, then they are sealed."""
    return [
        *_namespaces(user),
        *("--die-with-parent", "--new-session", "--hostname", "room", "--clearenv"),
        *_base(spec, user, texts),
        *_given(spec),
        *(word for path in _sealed(spec, user) for word in ("--remount-ro", path)),
        *(word for pair in environment(spec).items() for word in ("--setenv", *pair)),
        *("--chdir", spec.cwd),
    ]


def _sealed(spec: RoomSpec, user: User) -> tuple[str, ...]:
    """Mounts that nothing is written to.

    /proc too: the owner of /proc/sys/kernel/core_pattern can run programs outside, and a user
    namespace started by root makes its program that owner. CUDA names its threads there and does
    not start where it cannot; whoever owns nothing but the room's own processes may.
    """
    named = bool(spec.devices) and (user.on_host or os.geteuid() != 0)
    return ("/dev", "/") if named else ("/proc", "/dev", "/")


def _base(spec: RoomSpec, user: User, texts: dict[str, int]) -> list[str]:
    """What every room has: devices, its own processes, scratch folders, libraries, a small /etc.

    Scratch folders come before the libraries: an interpreter may itself live below /tmp, and what
    is mounted later would hide it.
    """
    arguments = ["--dev", "/dev", "--proc", "/proc"]
    if not spec.devices:  # no device by this bind: opened for writing it is shared memory for all
        arguments += ["--ro-bind", "/dev/zero", "/dev/zero"]
    folders = _folders(spec, texts)  # bwrap would make them for its own user alone
    scratch = (TEMPORARY, SHARED_MEMORY, HOME)
    inside = [f for f in folders if any(Path(one) in Path(f).parents for one in scratch)]
    arguments += _made([folder for folder in folders if folder not in inside])
    arguments += _scratch(spec, user)
    arguments += _made(inside)
    for target, link in top_level_links():
        arguments += ["--symlink", target, link]
    for path in readable_paths():
        arguments += ["--ro-bind", str(path.resolve()), str(path)]
    for name, text in texts.items():
        arguments += ["--perms", "0444", "--ro-bind-data", str(text), name]
    return arguments


def _made(folders: Iterable[str]) -> list[str]:
    return [word for folder in folders for word in ("--perms", "0755", "--dir", folder)]


def _scratch(spec: RoomSpec, user: User) -> list[str]:
    """File systems in memory, each of a fixed size."""
    arguments = []
    mode = "1777" if user.on_host else "0700"
    sizes = {TEMPORARY: spec.scratch_mb, SHARED_MEMORY: _SHARED_MB, HOME: spec.scratch_mb}
    for folder, size in sizes.items():
        arguments += ["--perms", mode, "--size", str(size << 20), "--tmpfs", folder]
    return arguments


def _given(spec: RoomSpec) -> list[str]:
    """What this room has beside."""
    arguments = []
    for bind in spec.binds:
        arguments += ["--bind" if bind.writable else "--ro-bind", str(bind.host), bind.inside]
    for device in spec.devices:
        arguments += ["--dev-bind", device, device]
    for folder in BUSES if spec.devices else ():
        arguments += ["--ro-bind-try", folder, folder]
    return arguments


def _folders(spec: RoomSpec, texts: dict[str, int]) -> list[str]:
    """Every folder on the way to something mounted, parents first."""
    mounted = [*map(str, readable_paths()), *texts, HOME, *(bind.inside for bind in spec.binds)]
    parents = {str(parent) for path in mounted for parent in Path(path).parents}
    links = {link for _, link in top_level_links()}
    return sorted(parents - links - {"/", "/dev"})


def _namespaces(user: User) -> list[str]:
    if not user.on_host:
        who = ["--uid", str(user.uid), "--gid", str(user.gid)]
        return ["--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", *who]
    kinds = ("ipc", "pid", "net", "uts", "cgroup")
    kept = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")  # to become the room's user, below
    arguments = [f"--unshare-{kind}" for kind in kinds]
    return [*arguments, "--cap-drop", "ALL", *(w for cap in kept for w in ("--cap-add", cap))]


def _drop(user: User) -> list[str]:
    """The step from root to the room's user, taken inside: only root can mount what root owns."""
    if not user.on_host:
        return []
    who = [f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups"]
    return [str(SETPRIV), *who, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]


def _etc(user: User) -> dict[str, bytes]:
    return {
        "/etc/passwd": f"student:x:{user.uid}:{user.gid}:student:{HOME}:/bin/sh\n".encode(),
        "/etc/group": f"student:x:{user.gid}:\n".encode(),
        "/etc/hosts": b"127.0.0.1 localhost room\n::1 localhost\n",
        "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
    }


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
