"""The judge's own process: reads and judges what students handed in, one thing after the other.

Enters: a socket, and over it what to do. Leaves: over the same socket, what came of it, questions
for the evaluation room on the way. Touches: its own limits; what ``judging.py`` touches.

It runs our code on students' data, as its parent did before: what it tells is trusted as much. It
is a process so that it can be ended: a pattern that never comes to an end holds the interpreter,
and no thread beside it could. It never outlives its parent.
"""

from __future__ import annotations

import importlib
import math
import os
import pickle
import resource
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from grader.room.inside import rights
from grader.types import GraderError, Message

LATER = "grader.pipeline.judging"  # loaded when nobody waits, after the first notebook is read
MEMORY_BYTES = 4 << 30  # beyond what its libraries reserve; what a run left is bounded well below


def main(descriptor: int, parent: int, seconds: float, out: Path) -> None:
    """Serve until the parent closes the socket."""
    if sys.platform == "linux":
        rights.prctl(rights.SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked to be told
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _bound_memory()
    loaded = False
    with Connection(descriptor) as parent_end:
        worker = Worker(parent_end, out)
        while True:
            try:
                what, given = worker.receive()
            except EOFError:
                return
            _bound_time(seconds)
            worker.answer(what, given)
            if not loaded and not parent_end.poll(0):
                importlib.import_module(LATER)
                _bound_memory()
                loaded = True


class Worker:
    """What is said over the socket: pairs of a word and what belongs to it, pickled."""

    def __init__(self, connection: Connection, out: Path) -> None:
        self._connection = connection
        self._out = out

    def receive(self) -> tuple[str, Any]:
        """Wait for the parent.

        Raises:
            EOFError: it is gone.
        """
        word, given = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - our parent's
        return word, given

    def send(self, word: str, told: Any) -> None:
        """Tell the parent."""
        self._connection.send_bytes(pickle.dumps((word, told), pickle.HIGHEST_PROTOCOL))

    def answer(self, what: str, given: Any) -> None:
        """Do one thing and say what came of it, and how much of the processor it took."""
        from grader.collect.notebooks import Malformed

        began = time.process_time()
        word, told = "failed", None
        try:
            word, told = "done", self._done(what, given)
        except Malformed as error:
            word, told = "malformed", error.message
        except GraderError as error:
            told = error.message
        except Exception as error:  # noqa: BLE001 - the parent says it in a record
            told = self._fault(error)
        self.send("took", time.process_time() - began)
        self.send(word, told)

    def _done(self, what: str, given: Any) -> Any:
        if what == "read":
            from grader.collect.notebooks import parse_notebook

            return parse_notebook(given)
        if what == "claims":
            from grader.execute.claims import read_claims

            return read_claims(given)
        from grader.pipeline import judging

        if what == "look":
            return judging.look(given)
        if what == "order":
            return judging.order_of(given)
        if what == "judge":
            return judging.judge(given, self._evaluate, self._begins, self._fault)
        assert what == "again", what
        return judging.judge_again(given, self._evaluate, self._begins, self._fault)

    def _fault(self, error: Exception) -> Message:
        from grader.pipeline.faults import fault

        return fault(self._out, error)

    def _begins(self, exercise: str) -> None:
        self.send("begins", exercise)

    def _evaluate(self, tasks: Any) -> Any:
        self.send("evaluate", tuple(tasks))
        word, answers = self.receive()
        if word == "failed":
            raise GraderError(answers)
        return answers


def _bound_time(seconds: float) -> None:
    """End this process after so many seconds of its processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime + seconds)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    limit = until if most == resource.RLIM_INFINITY else min(until, most)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, most))


def _bound_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - in one read
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = now + MEMORY_BYTES
    limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
