"""Level none where there is no Linux: a process in a group of its own, and nothing more.

Enters: a RoomSpec. Leaves: a running process. Touches: starts it; a scratch folder, deleted after.

No boundary at all. What leaves its process tree on purpose is not found again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from grader.room.inside.removing import remove_tree
from grader.room.spec import HOME, TEMPORARY, RoomSpec, check_binds, environment
from grader.types import GraderError, Isolation, Message

_KILL_SECONDS = 10.0
_MB = 1 << 20


@dataclass
class PlainProcess:
    """A RoomProcess of any system: its tree is what psutil finds."""

    popen: subprocess.Popen[bytes]
    scratch: Path
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def pid(self) -> int:
        """The program."""
        return self.popen.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""
        return self.popen.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""
        return self.popen.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        """Our end, where ``subprocess.PIPE`` was asked for."""
        return self.popen.stderr

    def poll(self) -> int | None:
        """Exit code or None."""
        code = self.popen.poll()
        if code is not None:
            remove_tree(self.scratch)
        return code

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the program; what it left behind is ended too."""
        tree = self._tree()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(timeout)
            _end(tree[1:])
        return self.poll()

    def memory_mb(self) -> float:
        """Resident memory of the tree."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total / _MB

    def memory_ran_out(self) -> bool:
        """Nobody counts here."""
        return False

    def kill(self) -> None:
        """End the tree and wait until it is gone."""
        with self._lock:
            _end(self._tree())
            self.popen.wait()
        self.poll()

    def _tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self.popen.pid)
            return [top, *top.children(recursive=True)]
        return []


@dataclass(frozen=True)
class PlainRoom:
    """Processes beside ours."""

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
    ) -> PlainProcess:
        """Start the program in a scratch folder of its own."""
        check_binds(spec)
        scratch = Path(tempfile.mkdtemp(prefix="grader-room-")).resolve()
        (scratch / "tmp").mkdir()
        folders = {HOME: str(scratch), TEMPORARY: str(scratch / "tmp")}
        env = {**os.environ, **environment(spec)} if os.name == "nt" else environment(spec)
        given = (stdin, stdout, stderr)
        streams = [subprocess.DEVNULL if s is None else s for s in given]
        try:
            popen = subprocess.Popen(
                list(spec.argv),
                env={name: folders.get(value, value) for name, value in env.items()},
                cwd=folders.get(spec.cwd, spec.cwd),
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                start_new_session=True,
            )
        except OSError as error:
            remove_tree(scratch)
            message = Message("room.start_failed", {"reason": repr(error)})
            raise GraderError(message) from error
        return PlainProcess(popen, scratch)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=_KILL_SECONDS)
