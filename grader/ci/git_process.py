"""Has git say something about what strangers wrote; how much, and how long it takes, is bounded.

Enters: a command line, an environment. Leaves: its exit code and what it said. Touches: starts that
program, and ends it with all that it started.

Some kilobytes of git's store can name more files than there are atoms: a tree that holds another
one ten times, which holds another one ten times. Whoever listed them all would never come to an
end, and have no memory left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from threading import Event, Timer

from grader.types import GraderError, Message

MOST_TOLD = 64 * 2**20  # bytes; half a million files of a commit
SECONDS = 1800.0  # of one command: a first fetch of a large repository takes minutes
MOST_SAID = 2000  # bytes of an error


def bounded(
    line: Sequence[str],
    environment: Mapping[str, str],
    command: str,
    most: int = MOST_TOLD,
    seconds: float = SECONDS,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end.

    Args:
        line: the command line.
        environment: all of it.
        command: what it is called in a message.
        most: bytes that it may say.
        seconds: that it may take.

    Raises:
        GraderError: it was ended, since it said more, or took longer.
        FileNotFoundError: there is no such program.
    """
    late = Event()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            line,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):

        def end() -> None:
            late.set()
            _kill(process)

        timer = Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            told = process.stdout.read(most + 1)
            if len(told) > most:
                limit = most // 2**20
                raise GraderError(Message("ci.git_too_much", {"command": command, "limit": limit}))
            code = process.wait()
        finally:
            timer.cancel()
            _kill(process)
        if late.is_set():
            minutes = round(seconds / 60)
            raise GraderError(Message("ci.git_too_long", {"command": command, "minutes": minutes}))
        errors.seek(0)
        return subprocess.CompletedProcess(list(line), code, told, errors.read(MOST_SAID))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started: of a fetch the program that talks to the network has the pipe."""
    if process.returncode is not None:  # it ended; its number may be somebody else's by now
        return
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
