"""Fork servers: processes that imported an engine once, for rooms to be forked from.

Enters: RoomSpecs. Leaves: a ForkServer that can fork, or None and the reason. Touches: starts
``inside/fork_server.py``, which ends with this process; a scratch folder that is its home.

One of them per set of imports and of the variables that libraries read at their import. It is
replaced after a number of forks and on any doubt; after two failures in a row its programs are
started cold.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.room.spawning import Streams, spawn
from grader.room.spec import RoomSpec, environment
from grader.room.workplace import SCRATCH, workplace
from grader.types import Json

_INSIDE = Path(__file__).resolve().parent / "inside"
PROGRAM, RIGHTS = _INSIDE / "fork_server.py", _INSIDE / "rights.py"  # sent as texts, never imported
MOST_FORKS = 500
MOST_FAILURES = 2
_START_SECONDS = 120.0
_ANSWER_SECONDS = 10.0
_TITLE = 4000  # characters that its own forks may write their command line into
# What libraries read when they are imported; everything else is read later, in the room.
_READ_AT_IMPORT = tuple(
    "CUDA_ JAX_ KERAS_ MPL OMP_ OPENBLAS_ PYTHONHASHSEED TF_CPP_ TF_USE_LEGACY_KERAS".split()
)
_Key = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


class ForkServerError(Exception):
    """A fork server could not be started or did not fork: the program is started cold instead."""


@dataclass
class ForkServer:
    """One waiting process. Its lock lets one order through at a time."""

    popen: subprocess.Popen[bytes]
    control: socket.socket
    ending: contextlib.ExitStack
    key: _Key
    log: int  # its standard error
    forks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fork(self, order: Mapping[str, Json], descriptors: Sequence[int]) -> None:
        """Have it fork a process that carries out the order.

        Raises:
            ForkServerError: it would not.
        """
        with self.lock:
            self.forks += 1
            socket.send_fds(self.control, [json.dumps(order).encode()], list(descriptors))
            answer = _answer(self.control, _ANSWER_SECONDS)
        if answer != "forked":
            raise ForkServerError(answer)

    def last_words(self) -> str:
        """The last line that it wrote before it failed."""
        lines = os.pread(self.log, 1 << 20, 0).decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def close(self) -> None:
        """End it; programs that it forked live on in their rooms."""
        self.popen.kill()
        self.popen.wait()
        self.ending.close()
        os.close(self.log)


@dataclass
class ForkServers:
    """The fork servers of this process, started when first needed.

    ``as_us``: programs have our own user number on the host.
    """

    as_us: bool
    complaints: list[str] = field(default_factory=list)
    _living: dict[_Key, ForkServer] = field(default_factory=dict)
    _failures: dict[_Key, int] = field(default_factory=dict)
    _locks: dict[_Key, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close_all, self._living)  # at the latest when this process ends

    def get(self, spec: RoomSpec) -> ForkServer | None:
        """Give a fork server that can fork this spec's program; None where it must start cold."""
        key = _key(spec)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # two jobs that need the same one wait for it together
            living = self._living.get(key)
            if living is not None and living.forks < MOST_FORKS and living.popen.poll() is None:
                return living
            self._retire(key)
            if self._failures.get(key, 0) >= MOST_FAILURES:
                return None
            try:
                self._living[key] = _start(spec, key, as_us=self.as_us)
            except (ForkServerError, OSError) as error:
                self._failed(key, str(error))
                return None
            return self._living[key]

    def doubt(self, server: ForkServer, reason: str) -> None:
        """Something went wrong with it: the next program gets a fresh one."""
        with self._lock:
            lock = self._locks[server.key]
        with lock:
            if self._living.get(server.key) is server:
                self._retire(server.key)
                self._failed(server.key, reason)

    def close(self) -> None:
        """End them all."""
        _close_all(self._living)

    def _retire(self, key: _Key) -> None:
        old = self._living.pop(key, None)
        if old is not None:
            old.close()

    def _failed(self, key: _Key, reason: str) -> None:
        self._failures[key] = self._failures.get(key, 0) + 1
        self.complaints.append(reason)


def _close_all(living: dict[_Key, ForkServer]) -> None:
    while living:
        living.popitem()[1].close()


def _key(spec: RoomSpec) -> _Key:
    read = {k: v for k, v in environment(spec).items() if k.startswith(_READ_AT_IMPORT)}
    return spec.argv[0], spec.warm, tuple(sorted(read.items()))


def _start(spec: RoomSpec, key: _Key, *, as_us: bool) -> ForkServer:
    """Start Python with the fork server's text as its program, and wait for its imports.

    Raises:
        ForkServerError: it did not get that far.
    """
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(workplace(kind=SCRATCH))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.callback(ours.close)
        with theirs, contextlib.ExitStack() as short:
            copy = _executable(short, spec.argv[0]) if as_us else None
            text = _memory_file(short, PROGRAM.read_bytes())
            log = _memory_file(short, b"")
            popen = spawn(
                [spec.argv[0], "-B", "-", str(theirs.fileno()), " " * _TITLE],
                env=environment(spec),
                streams=Streams(stdin=text, stderr=log),
                keep=(theirs.fileno(), *([] if copy is None else [copy])),
                executable=None if copy is None else f"/proc/self/fd/{copy}",
            )
            made = ForkServer(popen, ours, stack.pop_all(), key, log=os.dup(log))
    hello = {
        "parent": os.getpid(),
        "modules": list(spec.warm),
        "scratch": str(scratch),
        "rights": RIGHTS.read_text(encoding="utf-8"),
    }
    try:
        ours.send(json.dumps(hello).encode())
        answer = _answer(ours, _START_SECONDS)
    except OSError as error:
        answer = str(error)
    if answer != "ready":
        made.popen.kill()
        made.popen.wait()
        reason = f"fork server: {answer}, {made.last_words()}"
        made.close()
        raise ForkServerError(reason)
    return made


def _answer(control: socket.socket, seconds: float) -> str:
    if not select.select([control], [], [], seconds)[0]:
        return "no answer"
    return control.recv(4096).decode(errors="replace") or "ended early"


def _memory_file(stack: contextlib.ExitStack, content: bytes) -> int:
    descriptor = os.memfd_create("python", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, descriptor)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _executable(stack: contextlib.ExitStack, python: str) -> int | None:
    """A sealed copy of the interpreter, where it is the programs' own to change.

    A program reaches its own file through /proc/self/exe, whatever its room has mounted, and a
    fork's file is its server's: that of the host.
    """
    path = Path(python).resolve()
    if path.stat().st_uid != os.geteuid() and not os.access(path, os.W_OK):
        return None
    copy = _memory_file(stack, path.read_bytes())
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, seals)
    return copy
