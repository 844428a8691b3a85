"""What the self-test runs inside a room: it tries to get out and tells how far it came.

Enters: a plan as JSON in the first argument. Leaves: JSON on standard output. Touches: whatever
the room lets it touch; what it manages to make it removes again. Standard library only: it runs
with nothing but the interpreter.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_NEW_USER_NAMESPACE = 0x10000000
_AF_ALG, _AF_VSOCK = 38, 40
_TIOCSTI_WITH_HIGH_BITS = 0x5412 | 1 << 32
_SECONDS = 1.0
_MOST_UNREAD = 20

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Try everything once."""
    plan = json.loads(sys.argv[1])
    calls = plan["calls"]
    found: dict[str, Any] = {
        "opened": [path for path in plan["secrets"] if _succeeds(_read, path)],
        "written": [folder for folder in plan["closed"] if _succeeds(_write, folder)],
        "given": _succeeds(_read, plan["given"]),
        "unread": _unread([*plan["needed"], *plan["packages"], *_entries(plan["packages"])]),
        "environment": sorted(_environment_names()),
        "pid_namespace": _link("/proc/self/ns/pid"),
        "signal": _error_of(os.kill, plan["outsider"], 0),
        "descriptors": [fd for fd in range(3, 256) if _succeeds(os.fstat, fd)],
        "status": _status(),
        "user_namespaces": [
            _error_of_call(calls["unshare"], _NEW_USER_NAMESPACE),
            _error_of_call(calls["clone"], _NEW_USER_NAMESPACE | signal.SIGCHLD, 0, 0, 0, 0),
        ],
        "calls": {
            "keyctl": _error_of_call(calls["keyctl"], 0, 0),
            "io_uring_setup": _error_of_call(calls["io_uring_setup"], 1, 0),
            "ioctl": _error_of_call(calls["ioctl"], 0, _TIOCSTI_WITH_HIGH_BITS, b"x"),
            "vsock": _error_of(socket.socket, _AF_VSOCK, socket.SOCK_STREAM),
            "alg": _error_of(socket.socket, _AF_ALG, socket.SOCK_SEQPACKET),
        },
        "space": {folder: _space(folder) for folder in plan["scratch"]},
    }
    _knock(plan["network"])
    (Path(plan["out"]) / "made-inside").write_text("x")
    found["forks"] = _forks(plan["forks"])
    found["memory"] = _memory(plan["memory"])
    print(json.dumps(found))  # noqa: T201 the report


def _succeeds(attempt: Callable[..., object], *arguments: object) -> bool:
    return _error_of(attempt, *arguments) == 0


def _error_of(attempt: Callable[..., object], *arguments: object) -> int:
    """0 where it worked."""
    try:
        attempt(*arguments)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _read(path: str) -> None:
    with Path(path).open("rb") as file:
        file.read(1)


def _entries(folders: Iterable[str]) -> list[str]:
    entries: list[str] = []
    for folder in folders:
        with contextlib.suppress(OSError):
            entries += (entry.path for entry in os.scandir(folder))
    return entries


def _unread(paths: Iterable[str]) -> list[str]:
    """What is there and closed to us, as far as a report needs it."""
    return [path for path in paths if _error_of(_look_into, path) == errno.EACCES][:_MOST_UNREAD]


def _look_into(path: str) -> None:
    if Path(path).is_dir():
        with os.scandir(path) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)  # which asks for more than the names
                break
    elif Path(path).is_file():
        _read(path)


def _write(folder: str) -> None:
    path = Path(folder) / "made-by-the-self-test"
    path.touch(exist_ok=False)
    path.unlink()


def _link(path: str) -> str:
    with contextlib.suppress(OSError):
        return str(Path(path).readlink())
    return ""


def _environment_names() -> set[str]:
    """Names of variables in every process whose environment can be read."""
    names: set[str] = set()
    with contextlib.suppress(OSError):
        for process in [p for p in os.listdir("/proc") if p.isdigit()]:  # noqa: PTH208 faster
            with contextlib.suppress(OSError):
                content = Path("/proc", process, "environ").read_bytes()
                names |= {
                    w.partition(b"=")[0].decode(errors="replace") for w in content.split(b"\0")
                }
    return names | set(os.environ)


def _status() -> dict[str, str]:
    wanted = {"NoNewPrivs", "Seccomp", "CapInh", "CapPrm", "CapEff", "CapAmb"}
    lines = Path("/proc/self/status").read_text().splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs if name in wanted}


def _error_of_call(number: int, *arguments: int | bytes) -> int:
    """In a child, since a call that works may change or split the process."""
    child = os.fork()
    if child == 0:
        wide = [a if isinstance(a, bytes) else ctypes.c_ulong(a) for a in arguments]
        result = _libc.syscall(ctypes.c_long(number), *wide)
        os._exit(0 if result >= 0 else ctypes.get_errno())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _knock(network: dict[str, Any]) -> None:
    """Try to reach the outside; whether anything arrived is seen there."""
    address = ("127.0.0.1", network["port"])
    with contextlib.suppress(OSError), socket.socket() as client:
        client.settimeout(_SECONDS)
        client.connect(address)
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"x", address)
    for name in network["unix"]:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_SECONDS)
            client.connect(name)


def _space(folder: str) -> int:
    """Bytes that a folder's file system can hold."""
    state = os.statvfs(folder)
    return state.f_blocks * state.f_frsize


def _forks(attempts: int) -> int:
    """How many children there can be at once."""
    gate, key = os.pipe()
    children: list[int] = []
    with contextlib.suppress(OSError):
        for _ in range(attempts):
            child = os.fork()
            if child == 0:
                os.close(key)
                os.read(gate, 1)
                os._exit(0)
            children.append(child)
    os.close(key)
    _wait_for(children)
    return len(children)


def _wait_for(children: Iterable[int]) -> None:
    for child in children:
        os.waitpid(child, 0)


def _memory(size: int) -> bool:
    """Whether a child can fill this many bytes."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    main()
