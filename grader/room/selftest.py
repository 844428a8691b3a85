"""The live self-test: a level is what a room holds, not what it was built to hold.

Enters: a room. Leaves: one report per layer. Touches: starts one room for a moment; a planted
file, sockets and a scratch folder of its own.

An intruder runs inside and tries to get out; what it says is checked against what is seen from
outside, where there is something to see: a knock at a socket, the owner of a file.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from grader.room.readable import package_folders, readable_paths
from grader.room.spec import Bind, LayerReport, Room, RoomSpec
from grader.room.syscalls import AARCH64, X86_64
from grader.room.workplace import SELFTEST, workplace
from grader.types import GraderError, Message

_SECONDS = 20.0
_TRIES = 3
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # itself; as bubblewrap tells of its child
_MEMORY_MB, _TOO_MUCH_MB = 48, 96
_SCRATCH_MB, _PROCESSES = 8, 24
_MORE_FORKS = 8
_OURS = {"HOME", "TMPDIR", "PATH", "PWD", "LC_CTYPE", ""}  # set by the room or by Python itself
_INTRUDER = Path(__file__).resolve().parent / "inside" / "intruder.py"
_SCRIPT = "/selftest/intruder.py"
_REPORT_BYTES = 1 << 16
_GIVEN, _GIVEN_TO_A_RUN = "given", "what a run is given"


Found: TypeAlias = Mapping[str, Any]  # the intruder's report


@dataclass(frozen=True)
class _Outside:
    """What was planted on this side."""

    secret: Path
    closed: Path  # given read-only
    out: Path  # given writable
    port: int
    unix: tuple[str, ...]
    sockets: Mapping[str, socket.socket]


def examine(room: Room, level: str) -> tuple[LayerReport, ...]:
    """Start a room, let the intruder try, and say which layers held.

    The intruder has a child take more memory than there is. The kernel kills that child, and now
    and then the intruder as well, to whom the child's memory is charged for some milliseconds more:
    that says nothing of the room, so all is done again.

    Raises:
        GraderError: the room does not start, the intruder could not report, or it could not read
            what programs in rooms need.
    """
    tries = _TRIES
    while True:
        with _outside() as outside:
            end, tries = _run(room, _spec(room, outside)), tries - 1
            if tries and end.code in _KILLED:
                continue
            found = _found(end)
            _require_reached(found)
            return tuple(
                _report(level, layer, judge(outside, found)) for layer, judge in LAYERS.items()
            )


def _require_reached(found: Found) -> None:
    """A room must let through what programs need there; not what is closed to ourselves."""
    lacking = [path for path in found["unread"] if os.access(path, os.R_OK)]
    if not found["given"]:
        lacking.insert(0, _GIVEN_TO_A_RUN)
    if lacking:
        reason = f"its user cannot read {lacking[0]}"
        raise GraderError(Message("room.start_failed", {"reason": reason}))


def _report(level: str, layer: str, trouble: str) -> LayerReport:
    why = Message(WENT_THROUGH[layer], {"found": trouble}) if trouble else None
    return LayerReport(level, layer, not trouble, why)


@contextlib.contextmanager
def _outside() -> Iterator[_Outside]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(workplace(kind=SELFTEST))
        lent = stack.enter_context(workplace("closed", "out", kind=SELFTEST))  # as every run's is
        paths = {"secret": folder / "secret", "closed": lent / "closed", "out": lent / "out"}
        paths["secret"].write_text("a canary")
        (lent / "closed" / _GIVEN).write_text("for the room")
        for path in (folder, paths["secret"], paths["closed"]):
            path.chmod(0o777)  # the room must close them, not the rights of an ordinary file
        tcp = stack.enter_context(socket.socket())
        tcp.bind(("127.0.0.1", 0))
        port = int(tcp.getsockname()[1])
        udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        with contextlib.suppress(OSError):
            udp.bind(("127.0.0.1", port))
        names = (f"\0grader-selftest-{os.getpid()}-{port}", str(folder / "door"))
        doors = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in names]
        for door, name in zip(doors, names, strict=True):
            door.bind(name)
        for listener in (tcp, *doors):
            listener.listen(8)
        for listener in (tcp, udp, *doors):
            listener.setblocking(False)
        kinds = ("TCP", "UDP", "abstract unix socket", "unix socket")
        sockets = dict(zip(kinds, (tcp, udp, *doors), strict=True))
        yield _Outside(**paths, port=port, unix=names, sockets=sockets)


@dataclass(frozen=True)
class _End:
    """How an intruder ended, and what it left; without a code it was still running."""

    code: int | None
    report: bytes
    complaint: bytes
    limited: bool  # by a control group


def _found(end: _End) -> dict[str, Any]:
    try:
        return {**json.loads(end.report), "limited": end.limited}
    except ValueError as error:
        last = end.complaint.decode(errors="replace").strip().splitlines()[-1:]
        reason = ": ".join([f"the self-test ended with {_told(end.code)}", *last])
        raise GraderError(Message("room.start_failed", {"reason": reason})) from error


def _told(code: int | None) -> str:
    if code is None:
        return f"no answer in {_SECONDS:g} s"
    return "signal 9 (killed)" if code in _KILLED else f"exit code {code}"


def _run(room: Room, spec: RoomSpec) -> _End:
    process = room.start(spec, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    group = getattr(process, "cgroup", None)
    limited = group is not None and "memory" in group.controllers
    try:
        code = process.wait(_SECONDS)
        assert process.stdout is not None
        assert process.stderr is not None
        if code is None:
            return _End(None, b"", b"", limited)
        report, complaint = process.stdout.read(_REPORT_BYTES), process.stderr.read(_REPORT_BYTES)
        return _End(code, report, complaint, limited)
    finally:
        process.kill()


def _spec(room: Room, outside: _Outside) -> RoomSpec:
    closed, out = room.inside(outside.closed, "/closed"), room.inside(outside.out, "/out")
    script = room.inside(_INTRUDER, _SCRIPT)
    calls = {"x86_64": X86_64, "aarch64": AARCH64}[platform.machine()]
    plan = {
        "secrets": [str(outside.secret), f"/proc/{os.getpid()}/environ"],
        "closed": [closed, *(str(p) for p in readable_paths() if p.is_dir()), "/", "/dev"],
        "given": f"{closed}/{_GIVEN}",
        "needed": list(map(str, readable_paths())),
        "packages": list(map(str, package_folders())),
        "outsider": os.getpid(),
        "calls": {
            name: calls[name] for name in ("unshare", "clone", "keyctl", "io_uring_setup", "ioctl")
        },
        "scratch": [".", "/tmp"] if script == _SCRIPT else ["."],  # noqa: S108 inside
        "network": {"port": outside.port, "unix": outside.unix},
        "out": out,
        "forks": _PROCESSES + _MORE_FORKS,
        "memory": _TOO_MUCH_MB << 20,
    }
    return RoomSpec(
        argv=(sys.executable, "-I", "-S", script, json.dumps(plan)),
        binds=(
            Bind(outside.closed, "/closed"),
            Bind(outside.out, "/out", writable=True),
            Bind(_INTRUDER, _SCRIPT),
        ),
        memory_mb=_MEMORY_MB,
        scratch_mb=_SCRATCH_MB,
        processes=_PROCESSES,
        warm=("json",),  # for rooms that start programs so
    )


def _filesystem(_: _Outside, found: Found) -> str:
    return " ".join(found["opened"])


def _read_only(_: _Outside, found: Found) -> str:
    return " ".join(found["written"])


def _network(outside: _Outside, _: Found) -> str:
    """Which of our sockets were reached."""
    reached = []
    for name, listener in outside.sockets.items():
        with contextlib.suppress(OSError):
            if listener.type == socket.SOCK_DGRAM:
                listener.recv(16)
            else:
                listener.accept()[0].close()
            reached.append(name)
    return ", ".join(reached)


def _environment(_: _Outside, found: Found) -> str:
    return " ".join(sorted((set(found["environment"]) & set(os.environ)) - _OURS))


def _processes(_: _Outside, found: Found) -> str:
    """Processes of its own, or at least no way to signal ours."""
    own = str(Path("/proc/self/ns/pid").readlink())
    if found["pid_namespace"] not in ("", own):
        return ""
    return "" if found["signal"] == errno.EPERM else "signals"


def _descriptors(_: _Outside, found: Found) -> str:
    return " ".join(map(str, found["descriptors"]))


def _user(outside: _Outside, _: Found) -> str:
    return "root" if (outside.out / "made-inside").stat().st_uid == 0 else ""


def _privileges(_: _Outside, found: Found) -> str:
    status = found["status"]
    capabilities = [k for k, v in status.items() if k.startswith("Cap") and int(v, 16)]
    return " ".join(capabilities) or ("" if status.get("NoNewPrivs") == "1" else "setuid programs")


def _seccomp(_: _Outside, found: Found) -> str:
    refused = (errno.EPERM, errno.EAFNOSUPPORT)
    allowed = [name for name, error in found["calls"].items() if error not in refused]
    return " ".join(allowed) or ("" if found["status"].get("Seccomp") == "2" else "no filter")


def _userns(_: _Outside, found: Found) -> str:
    return "" if all(found["user_namespaces"]) else "unshare, clone"


def _scratch_size(_: _Outside, found: Found) -> str:
    return " ".join(k for k, v in found["space"].items() if v > _SCRATCH_MB << 20)


def _process_count(_: _Outside, found: Found) -> str:
    return "" if found["forks"] < _PROCESSES + _MORE_FORKS else str(found["forks"])


def _memory(_: _Outside, found: Found) -> str:
    """Without a control group it is chance whether we look while the program takes too much."""
    held = found["limited"] and not found["memory"]
    return "" if held else f"{_TOO_MUCH_MB} MB"


# Layer → what went through; empty where it held.
LAYERS: Mapping[str, Callable[[_Outside, Found], str]] = {
    "filesystem": _filesystem,
    "read-only": _read_only,
    "network": _network,
    "environment": _environment,
    "processes": _processes,
    "descriptors": _descriptors,
    "user": _user,
    "privileges": _privileges,
    "seccomp": _seccomp,
    "userns": _userns,
    "scratch-size": _scratch_size,
    "process-count": _process_count,
    "memory": _memory,
}
# Layer → the message that tells what went through.
WENT_THROUGH: Mapping[str, str] = {
    "filesystem": "room.layer_filesystem",
    "read-only": "room.layer_read_only",
    "network": "room.layer_network",
    "environment": "room.layer_environment",
    "processes": "room.layer_processes",
    "descriptors": "room.layer_descriptors",
    "user": "room.layer_user",
    "privileges": "room.layer_privileges",
    "seccomp": "room.layer_seccomp",
    "userns": "room.layer_userns",
    "scratch-size": "room.layer_scratch_size",
    "process-count": "room.layer_process_count",
    "memory": "room.layer_memory",
}
