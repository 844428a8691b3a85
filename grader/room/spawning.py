"""Starting processes from one thread that lives as long as we do.

Enters: an argument list. Leaves: a Popen. Touches: one daemon thread.

"Die with your parent" means the *thread* that forked: a process started by a worker of a pool
would be killed when that worker ends. So one thread per process starts them all.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from queue import SimpleQueue
from typing import TypeAlias

from grader.types import GraderError, Message

_MOST_SAID = 4096  # bytes
_CHROOT = "Failed to make / slave"  # what bwrap says below a root that is no mount point
_Started: TypeAlias = "subprocess.Popen[bytes]"
_Task: TypeAlias = "tuple[Callable[[], _Started], Future[_Started]]"


@dataclass(frozen=True)
class Streams:
    """Standard input, output and error; None is /dev/null."""

    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None


@dataclass
class _Spawner:
    """The thread's mailbox, and the process that the thread belongs to."""

    owner: int = 0
    tasks: SimpleQueue[_Task] | None = None


_spawner = _Spawner()
_lock = threading.Lock()


def pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    """Give both ends of a pipe, to read from and to write to; the stack closes them."""
    reading, writing = os.pipe()
    return stack.enter_context(FileIO(reading, "rb")), stack.enter_context(FileIO(writing, "wb"))


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    streams: Streams,
    keep: Sequence[int] = (),
    umask: int = -1,
    executable: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, with no file descriptors but the named ones.

    ``executable`` is the file to run where that is not ``argv[0]``.

    Raises:
        OSError: the program could not be started.
    """
    given = (streams.stdin, streams.stdout, streams.stderr)
    stdin, stdout, stderr = (subprocess.DEVNULL if fd is None else fd for fd in given)

    def task() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd="/",
            start_new_session=True,  # a Ctrl-C in the terminal is for us; we end rooms in order
            pass_fds=tuple(keep),
            umask=umask,
            executable=executable,
        )

    outcome: Future[subprocess.Popen[bytes]] = Future()
    _mailbox().put((task, outcome))
    return outcome.result()


def not_started(popen: subprocess.Popen[bytes], otherwise: str) -> GraderError:
    """Give the error of a room whose process is dead: what it said, where we have its words.

    Args:
        popen: it has ended; its standard error is read where the caller gave us that.
        otherwise: the reason where it said nothing.
    """
    text = popen.stderr.read(_MOST_SAID) if popen.stderr is not None else b""
    reason = " ".join(text.decode(errors="replace").split()) or otherwise
    key = "room.start_chroot" if _CHROOT in reason else "room.start_failed"
    return GraderError(Message(key, {"reason": reason}))


def _mailbox() -> SimpleQueue[_Task]:
    with _lock:
        if _spawner.tasks is None or _spawner.owner != os.getpid():  # a fork has no such thread
            _spawner.tasks, _spawner.owner = SimpleQueue(), os.getpid()
            threading.Thread(
                target=_work, args=(_spawner.tasks,), name="rooms", daemon=True
            ).start()
        return _spawner.tasks


def _work(tasks: SimpleQueue[_Task]) -> None:
    while True:
        task, outcome = tasks.get()
        try:
            outcome.set_result(task())
        except BaseException as error:  # noqa: BLE001 the caller's thread raises it
            outcome.set_exception(error)
