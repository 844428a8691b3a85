"""Reads and judges submissions in processes of their own, each thing under a limit of time.

Enters: what to read, look at or judge. Leaves: what came of it; a GraderError where the process
had to be ended or ended itself. Touches: starts ``judge_worker.py``, as many as ask at a time.

A process that was ended costs the submission, or the exercise, that it was at: the next one gets a
fresh process. Students' code is not run there; see ``docs/adr/0053-the-judges-own-process.md``.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.pipeline.faults import fault
from grader.pipeline.judge_talk import Talk
from grader.room.spawning import Streams, spawn
from grader.submission import Notebook
from grader.types import GraderError, Message

if TYPE_CHECKING:  # they bring numpy and more, which the process over there loads
    from grader.execute.claims import Claims
    from grader.extract.tasks import Answer, Evaluate, ModelTask
    from grader.pipeline.judging import Again, Assessed, Looked, RunToJudge
    from grader.trainer.order import Order

SECONDS = 120.0  # of the processor, for one thing; the slowest honest run takes a few
WALL_SECONDS = 1800.0  # for one that waits for ever without working
MOST_ENDS = 3  # exercises of one run that may end the process; each begins all anew
MOST_TIMES = 3  # what all of one submission may take, as often as one thing may take its time
WHERE = Path(__file__).resolve().parents[2]
_START = (
    "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[5]); "
    "from grader.pipeline.judge_worker import main; "
    "main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))"
)


class EndedError(Exception):
    """The process ended over what it was asked. ``at``: the exercise, or ""."""

    def __init__(self, message: Message, at: str) -> None:
        super().__init__(message.id, at)
        self.message = message
        self.at = at


@dataclass
class _Process:
    popen: subprocess.Popen[bytes]
    connection: Connection

    def end(self) -> int:
        """End it; gives its exit code, that of its own end where it came first."""
        self.connection.close()
        code = self.popen.poll()
        self.popen.kill()
        return self.popen.wait() if code is None else code


@dataclass
class Judges:
    """The processes that are there, and what each thing may take. Start when first needed.

    What nobody expected is kept below ``out``.
    """

    out: Path
    seconds: float = SECONDS
    wall_seconds: float = WALL_SECONDS
    _idle: list[_Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        weakref.finalize(self, _end_all, self._idle)  # at the latest when this process ends

    def prepare(self) -> None:
        """Start one before it is needed: it loads what it needs meanwhile."""
        self._idle.append(self._started())

    def read(self, data: bytes) -> Notebook:
        """Read a notebook file.

        Raises:
            Malformed: it is none; says why.
            GraderError: it could not be read in time, or the process ended over it.
        """
        notebook: Notebook = self._whole("read", data)
        return notebook

    def look(self, notebook: Notebook) -> Looked:
        """Look at a notebook's code.

        Raises:
            GraderError: as above.
        """
        looked: Looked = self._whole("look", notebook)
        return looked

    def claims(self, folder: Path, spent: list[float] | None = None) -> Claims:
        """Read what a driver wrote down of one run; ``spent`` as for ``judge``.

        Raises:
            GraderError: as above.
        """
        claims: Claims = self._whole("claims", folder, spent=spent)
        return claims

    def order(
        self,
        order: Path,
        arrays: Path,
        answered: frozenset[str],
        spent: list[float] | None = None,
        seed: int = 0,
    ) -> Order | Message:
        """Read a training order as it was passed on; where it is none, give why.

        ``seed`` draws what is kept of its rows, ``spent`` is as for ``judge``.

        Raises:
            GraderError: as above.
        """
        from grader.pipeline.judging import Asked

        read: Order | Message = self._whole(
            "order", Asked(order, arrays, answered, seed), spent=spent
        )
        return read

    def judge(
        self, run: RunToJudge, evaluate: Evaluate, spent: list[float] | None = None
    ) -> tuple[Assessed, ...]:
        """Judge a run; an exercise over which the process ended is ungraded, alone.

        Args:
            run: what came out of the room.
            evaluate: has tasks done in the evaluation room, in this process.
            spent: seconds of the processor that the submission took so far; what this takes is
                added. A process that ended counts as if it had taken all the time of one thing.

        Raises:
            GraderError: the process ended before it came to an exercise, or over too many of them.
        """
        known: dict[str, Answer] = {}

        def once(tasks: Sequence[ModelTask]) -> Mapping[str, Answer]:
            new = [task for task in tasks if task.id not in known]
            known.update(evaluate(new) if new else {})
            return known

        while True:
            try:
                assessed: tuple[Assessed, ...] = self._do(
                    "judge", run, self._answering(once), spent
                )
            except EndedError as error:
                new = bool(error.at) and error.at not in run.left_out
                if not new or len(run.left_out) + 1 >= MOST_ENDS:
                    raise GraderError(error.message) from error
                run = replace(run, left_out={**run.left_out, error.at: error.message})
            else:
                return assessed

    def judge_again(
        self, again: Again, evaluate: Evaluate, spent: list[float] | None = None
    ) -> tuple[Assessed, ...]:
        """Train a model anew and judge it; nothing where it cannot be trained.

        Raises:
            GraderError: the process ended over it, or the submission took too much before.
        """
        assessed: tuple[Assessed, ...] = self._whole("again", again, evaluate, spent)
        return assessed

    def close(self) -> None:
        """End those that wait."""
        _end_all(self._idle)

    def _answering(self, evaluate: Evaluate) -> Evaluate:
        """Say what goes wrong over an evaluation on our side: it is no end of the process."""

        def answered(tasks: Sequence[ModelTask]) -> Mapping[str, Answer]:
            try:
                return evaluate(tasks)
            except GraderError:
                raise
            except Exception as error:
                raise GraderError(fault(self.out, error)) from error

        return answered

    def _whole(
        self,
        what: str,
        given: Any,
        evaluate: Evaluate | None = None,
        spent: list[float] | None = None,
    ) -> Any:
        try:
            return self._do(what, given, evaluate and self._answering(evaluate), spent)
        except EndedError as error:
            raise GraderError(error.message) from error

    def _do(
        self, what: str, given: Any, evaluate: Evaluate | None, spent: list[float] | None
    ) -> Any:
        spent = [] if spent is None else spent
        most = MOST_TIMES * self.seconds
        if math.fsum(spent) >= most:
            raise GraderError(Message("judge.altogether", {"seconds": round(most)}))
        process = self._taken()
        talk = Talk(process.connection, self.wall_seconds)
        try:
            word, told = talk.asked(what, given, evaluate)
            spent.append(talk.took)
        except (EOFError, OSError, TimeoutError) as error:
            code = process.end()
            spent.append(self.seconds)
            raise EndedError(self._why(code, error), talk.at) from error
        except BaseException:
            process.end()  # it waits for an answer that nobody will give
            raise
        if word == "failed":
            process.end()  # whatever is left of what went wrong
            raise GraderError(told)
        self._idle.append(process)
        if word == "malformed":
            from grader.collect.notebooks import Malformed

            raise Malformed(told)
        return told

    def _why(self, code: int, error: Exception) -> Message:
        if isinstance(error, TimeoutError) or code == -signal.SIGXCPU:
            return Message("judge.time", {"seconds": round(self.seconds)})
        with contextlib.suppress(ValueError):
            return Message("judge.ended", {"reason": signal.Signals(-code).name})
        return Message("judge.ended", {"reason": str(code)})

    def _taken(self) -> _Process:
        """Give one that waits, else a new one. Appending and popping are each one step."""
        with contextlib.suppress(IndexError):
            while (process := self._idle.pop()).popen.poll() is not None:
                process.end()
            return process
        return self._started()

    def _started(self) -> _Process:
        python, out = (sys.executable, "-B", "-P", "-c", _START), str(self.out.absolute())
        ours, theirs = socket.socketpair()
        with theirs:
            popen = spawn(
                [
                    *python,
                    str(theirs.fileno()),
                    str(os.getpid()),
                    str(self.seconds),
                    out,
                    str(WHERE),
                ],
                env=os.environ,
                streams=Streams(stdout=2, stderr=2),  # an exercise's own checks may print
                keep=(theirs.fileno(),),
            )
        return _Process(popen, Connection(ours.detach()))


def _end_all(idle: list[_Process]) -> None:
    while idle:
        idle.pop().end()
