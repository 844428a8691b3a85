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
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.room import intruder
from grader.room.spec import HOME, SHARED_MEMORY, TEMPORARY, Bind, LayerReport, Room, RoomSpec
from grader.room.syscalls import AARCH64, X86_64
from grader.types import GraderError, Message, Scalar

_SECONDS = 20.0
_MEMORY_MB, _SCRATCH_MB, _PROCESSES = 48, 8, 24
_MORE_FORKS = 8
_OURS = {"HOME", "TMPDIR", "PATH", "PWD", "LC_CTYPE", ""}  # set by the room or by Python itself
_REPORT_BYTES = 1 << 16


@dataclass(frozen=True)
class _Outside:
    """What was planted on this side."""

    secret: Path
    closed: Path  # lent read-only
    out: Path  # lent writable
    port: int
    unix: tuple[str, ...]
    sockets: tuple[socket.socket, ...]


def examine(room: Room, level: str) -> tuple[LayerReport, ...]:
    """Start a room, let the intruder try, and say which layers held.

    Raises:
        GraderError: the room does not start, or the intruder could not report.
    """
    with _outside() as outside:
        found = _intrude(room, outside)
        return tuple(
            LayerReport(level, layer, not trouble, _why(layer, trouble))
            for layer, trouble in _judge(outside, found).items()
        )


def _why(layer: str, trouble: str) -> Message | None:
    args: dict[str, Scalar] = {"found": trouble}
    return Message(f"room.layer_{layer.replace('-', '_')}", args) if trouble else None


@contextlib.contextmanager
def _outside() -> Iterator[_Outside]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-selftest-")))
        paths = {name: folder / name for name in ("secret", "closed", "out")}
        paths["secret"].write_text("a canary")
        paths["closed"].mkdir()
        paths["out"].mkdir()
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
        yield _Outside(**paths, port=port, unix=names, sockets=(tcp, udp, *doors))


def _intrude(room: Room, outside: _Outside) -> dict[str, Any]:
    here = Path(intruder.__file__).resolve()
    closed, out = room.inside(outside.closed, "/closed"), room.inside(outside.out, "/out")
    script = room.inside(here, "/selftest/intruder.py")
    calls = {"x86_64": X86_64, "aarch64": AARCH64}[platform.machine()]
    plan = {
        "secrets": [str(outside.secret), f"/proc/{os.getpid()}/environ"],
        "closed": [closed, sys.prefix, sys.base_prefix, "/", "/dev", "/usr/bin"],
        "outsider": os.getpid(),
        "calls": {
            name: calls[name] for name in ("unshare", "clone", "keyctl", "io_uring_setup", "ioctl")
        },
        "scratch": [HOME, TEMPORARY, SHARED_MEMORY] if script == "/selftest/intruder.py" else ["."],
        "network": {"port": outside.port, "unix": outside.unix},
        "out": out,
        "forks": _PROCESSES + _MORE_FORKS,
        "memory": (_MEMORY_MB + _MEMORY_MB // 2) << 20,
    }
    spec = RoomSpec(
        argv=(sys.executable, "-I", "-S", script, json.dumps(plan)),
        binds=(
            Bind(outside.closed, "/closed"),
            Bind(outside.out, "/out", writable=True),
            Bind(here, "/selftest/intruder.py"),
        ),
        memory_mb=_MEMORY_MB,
        scratch_mb=_SCRATCH_MB,
        processes=_PROCESSES,
    )
    process = room.start(spec, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        code = process.wait(_SECONDS)
        assert process.stdout is not None
        assert process.stderr is not None
        text = process.stdout.read(_REPORT_BYTES) if code is not None else b""
        complaint = process.stderr.read(_REPORT_BYTES) if code is not None else b"no answer"
    finally:
        process.kill()
    try:
        return dict(json.loads(text))
    except ValueError as error:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        reason = f"exit {code}: {' '.join(last)}"
        raise GraderError(Message("room.start_failed", {"reason": reason})) from error


def _judge(outside: _Outside, found: Mapping[str, Any]) -> dict[str, str]:
    """Layer → what went through; empty where it held."""
    status = found["status"]
    strange = sorted((set(found["environment"]) & set(os.environ)) - _OURS)
    capabilities = [k for k, v in status.items() if k.startswith("Cap") and int(v, 16)]
    allowed = [
        name
        for name, error in found["calls"].items()
        if error not in (errno.EPERM, errno.EAFNOSUPPORT)
    ]
    large = [
        k for k, v in found["space"].items() if v > 2 * _SCRATCH_MB << 20 and k != SHARED_MEMORY
    ]
    return {
        "filesystem": " ".join(found["opened"]),
        "read-only": " ".join(found["written"]),
        "network": ", ".join(_knocks(outside)),
        "environment": " ".join(strange),
        "processes": _sees_processes(found),
        "descriptors": " ".join(map(str, found["descriptors"])),
        "user": _is_root(outside),
        "privileges": " ".join(capabilities) or ("" if status.get("NoNewPrivs") == "1" else "suid"),
        "seccomp": " ".join(allowed) or ("" if status.get("Seccomp") == "2" else "no filter"),
        "userns": "" if all(found["user_namespaces"]) else "unshare or clone",
        "scratch-size": " ".join(large),
        "process-count": "" if found["forks"] < _PROCESSES + _MORE_FORKS else str(found["forks"]),
        "memory": f"{_MEMORY_MB * 3 // 2} MB" if found["memory"] else "",
    }


def _knocks(outside: _Outside) -> list[str]:
    """Which of our sockets were reached."""
    reached = []
    for name, listener in zip(
        ("TCP", "UDP", "abstract unix", "unix"), outside.sockets, strict=True
    ):
        with contextlib.suppress(OSError):
            if name == "UDP":
                listener.recv(16)
            else:
                listener.accept()[0].close()
            reached.append(name)
    return reached


def _sees_processes(found: Mapping[str, Any]) -> str:
    """Processes of its own, or at least no way to signal ours."""
    own = str(Path("/proc/self/ns/pid").readlink())
    if found["pid_namespace"] not in ("", own):
        return ""
    return "" if found["signal"] == errno.EPERM else "signals"


def _is_root(outside: _Outside) -> str:
    owner = (outside.out / "made-inside").stat().st_uid
    return "root" if owner == 0 else ""
