"""The trainer's room: a process that trains what it is asked for, one order after the other.

Enters: jobs. Leaves: what came of them, and how the room ended where it did. Touches: a folder and
a room process, both gone once it is closed; it begins when something is first to be trained.

It is closed with the run of the notebook that asked, so nothing of one submission is ever in the
room of another. Within a run an order finds Keras imported and compiled what earlier ones needed,
and nothing else: each begins with its own seed and its own model, made of its own arrays. A room
that ends over an order, that had to be ended, or that computes by another recurrent kernel than is
asked for, is no room any more, and the next order gets one of its own.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Protocol

import numpy as np

from grader.extract.lent_kernel import wrong_with_it
from grader.gpus.gpus import Gpu
from grader.room import Room, RoomProcess
from grader.room.lending import lend
from grader.room.workplace import workplace
from grader.trainer.kernels import Kernel, KernelFailedError
from grader.trainer.order import Order
from grader.trainer.response import read_outcome, read_progress
from grader.trainer.result import Outcome, Trained
from grader.trainer.starting import memory_mb, start
from grader.trainer.work import BEFORE, TIMES
from grader.types import Array, Message

POLL_SECONDS = 0.02
AS_CORES = 16  # of which a device that trains many at once has to do the work, at least
LOG_BYTES = 2000
MEGABYTES = " MB"


@dataclass(frozen=True)
class Job:
    """An order, the seed that its key gives, and the result that it goes on from, if any."""

    order: Order
    seed: int
    before: Trained | None = None


class Progress(Protocol):
    """Is told which job is being done, and which of its epochs, from 0."""

    def __call__(self, job: int, epoch: int, epochs: int) -> None:
        """Take note of it."""


Meanwhile = Callable[[], None]


@dataclass(frozen=True)
class Ending:
    """How a room ended; ``stopped`` where we ended it, for its time or its memory."""

    code: int | None
    stopped: str
    log: str

    @property
    def took_too_much(self) -> bool:
        """Whether it was ended for the machine's memory."""
        return self.stopped.endswith(MEGABYTES)


@dataclass
class _Running:
    folder: Path
    process: RoomProcess
    more: FileIO  # a byte tells the room that there is more; its end, that there is none
    orders: int = 0  # that it was given so far
    sound: bool = False  # it said that the kernel is right, or has none


@dataclass
class Workroom:
    """A trainer's room, there or to be started. One job at a time, from one thread.

    ``kernel``: what computes recurrent layers; without, Keras' own loops do.
    """

    room: Room
    cores: tuple[int, ...] = ()
    clock: Callable[[], float] = time.monotonic
    together: bool = False  # it does what is alike in one program, and ends
    gpu: Gpu | None = None  # on which it does so; a core gains nothing by it
    kernel: Kernel | None = field(default=None, init=False)
    _running: _Running | None = field(default=None, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)

    @property
    def used(self) -> bool:
        """Whether it has trained something already."""
        return self._running is not None

    @property
    def orders(self) -> int:
        """How many its process was given so far."""
        return self._running.orders if self._running is not None else 0

    def do(
        self, jobs: Sequence[Job], meanwhile: Meanwhile, progress: Progress | None = None
    ) -> tuple[Ending | None, dict[int, Outcome]]:
        """Train jobs in turn; gives how the room ended, None where it is there, and what came.

        Raises:
            KernelFailedError: it could not work with the kernel, and trained nothing.
            GraderError: the room could not be built, or wrote what our code does not write.
        """
        try:
            running = self._told(jobs)
            first = running.orders - len(jobs)
            stopped = self._watch(running, jobs, first, meanwhile, progress)
            code = running.process.poll()
            if stopped or code is not None:
                running.process.kill()
            if not running.sound:
                _require_sound(running.folder / "out", stopped or f"code {code}")
                running.sound = True
            found = _found(running.folder / "out", jobs, first)
            ending = None
            if len(found) < len(jobs) or code is not None:
                ending = Ending(code, stopped, tail(running.folder / "log"))
        except BaseException:
            self.close()
            raise
        if ending is None:
            _clear(running.folder)
        else:
            self.close()
        return ending, found

    def use(self, kernel: Kernel | None) -> None:
        """Compute by this from the next order on, in a new process where it is another one."""
        if kernel != self.kernel:
            self.close()
            self.kernel = kernel

    def close(self) -> None:
        """End it; again: nothing happens."""
        self._running = None
        self._open.close()

    def _told(self, jobs: Sequence[Job]) -> _Running:
        """Hand over jobs, to a new process where there is none."""
        running = self._running
        if running is not None and running.process.poll() is not None:
            self.close()  # it ended while nobody looked
            running = None
        if running is None:
            folder = self._open.enter_context(workplace("in", "out"))
        else:
            folder = running.folder
        first = running.orders if running is not None else 0
        for number, job in enumerate(jobs, start=first):
            write(folder / "in", number, job)
        if running is None:
            running = self._running = self._started(folder)
        else:
            with contextlib.suppress(OSError):  # it just ended: whoever waits for it will see
                running.more.write(b"1")
        running.orders += len(jobs)
        return running

    def _started(self, folder: Path) -> _Running:
        reading, writing = os.pipe()
        more = self._open.enter_context(FileIO(writing, "wb"))
        with FileIO(reading) as end:
            script = "grouped.py" if self.together else "trainer.py"
            given = folder, self.room, self.cores, self.kernel, end.fileno(), script, self.gpu
            process = start(*given)
        self._open.callback(process.kill)
        return _Running(folder, process, more, sound=self.kernel is None)

    def _watch(
        self,
        running: _Running,
        jobs: Sequence[Job],
        first: int,
        meanwhile: Meanwhile,
        progress: Progress | None,
    ) -> str:
        """Wait for what comes of jobs; gives why we ended it, or "".

        Each job has its own limit; together, each epoch has one, and so has the beginning.
        """
        out, process = running.folder / "out", running.process
        last_one = out / f"{first + len(jobs) - 1:04d}.json"
        now, began, last = 0, self.clock(), (first, -1)
        an_epoch, most_mb = epoch_limit(jobs), memory_mb(self.gpu)
        while process.poll() is None and (self.together or not last_one.exists()):
            meanwhile()
            seen = read_progress(out) or last
            if seen != last and 0 <= seen[0] - first < len(jobs):
                if self.together or seen[0] - first > now:
                    now, began = seen[0] - first, self.clock()
                last = seen
                if progress is not None and seen[1] >= 0:
                    progress(now, seen[1], jobs[now].order.fit.epochs)
            limit = an_epoch if self.together else jobs[now].order.work.limit
            if self.clock() - began > limit:
                return f"{round(limit)} s"
            if process.memory_mb() > most_mb:
                return f"{most_mb}{MEGABYTES}"
            time.sleep(POLL_SECONDS)
        return ""


def epoch_limit(jobs: Sequence[Job]) -> float:
    """Seconds without a word from jobs in one program: a device that hangs is not waited for.

    One that is slower than so many cores would be of no use.
    """
    longest = max(job.order.work.seconds for job in jobs)
    seconds = max(longest, math.fsum(job.order.work.seconds for job in jobs) / AS_CORES)
    return BEFORE + TIMES * seconds / jobs[0].order.fit.epochs


def _require_sound(out: Path, otherwise: str) -> None:
    """Raise where a room says that the kernel is wrong, or ended before it said anything."""
    if why := wrong_with_it(out, otherwise):
        raise KernelFailedError(Message("kernel.failed", {"why": why}))


def _found(out: Path, jobs: Sequence[Job], first: int) -> dict[int, Outcome]:
    found = {}
    for place, job in enumerate(jobs):
        outcome = read_outcome(out, first + place, job.order)
        if outcome is not None:
            found[place] = outcome
    return found


def _clear(folder: Path) -> None:
    """Remove what was read; the room has read its own."""
    for place in (folder / "in", folder / "out"):
        for path in place.iterdir():
            with contextlib.suppress(OSError):
                path.unlink()


def write(folder: Path, number: int, job: Job) -> None:
    """Hand a job over in a folder that a trainer reads."""
    arrays: dict[str, Array] = dict(job.order.arrays)
    if (job.before is None) != (job.order.after is None):
        raise ValueError("a result to go on from belongs to an order that goes on")
    if job.before is not None:
        for prefix, group in (("w", job.before.weights), ("o", job.before.optimizer)):
            arrays |= {f"before_{prefix}_{i:04d}": array for i, array in enumerate(group)}
    new = folder / f".{number:04d}"
    with new.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    lend(new, f"{number:04d}.npz")
    new.write_text(json.dumps(job.order.as_json() | {"seed": job.seed}), encoding="utf-8")
    lend(new, f"{number:04d}.json")


def tail(log: Path) -> str:
    """Give the end of what a room said."""
    try:
        return log.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
