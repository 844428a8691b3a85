"""Supervises a run until its driver ends: time, memory, and the trainings it waits for.

Enters: the two processes of a run, its limits. Leaves: how it ended, in the Watch. Touches: ends
both processes; the log files of the driver and the kernel.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from grader.execute.last_words import LastWords
from grader.execute.orders import Orders
from grader.execute.rooms import DRIVER_MEMORY_MB, Driver
from grader.execute.run import Run
from grader.room import RoomProcess
from grader.types import GraderError, Message, Outcome

POLL_SECONDS = 0.05
DRAIN_SECONDS = 20.0  # for the driver to write down what it knows, on a machine that is too busy
READY_SECONDS = 120.0
EVERY_CELL_SENT, KERNEL_NEVER_ANSWERED = 0, 3  # the driver's exit codes


@dataclass
class Watch:
    """What the coordinator saw while the room was open."""

    orders: Orders | None = None
    outcome: Outcome = Outcome.FINISHED
    peak_mb: float = 0.0
    began: float = field(default_factory=time.monotonic)
    made: float = 0.0  # when the room was about to be
    start: float = 0.0  # seconds from then until its kernel answered
    ended: float | None = None  # when the kernel had to be: what is written later is our time
    code: int | None = None  # with which the kernel ended by itself

    @property
    def waited(self) -> float:
        """Seconds in which the notebook waited for us: its time stood still."""
        return self.orders.waited if self.orders is not None else 0.0


class _TroubleError(Exception):
    """The run has to end while something is trained for it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _DriverEndedError(Exception):
    """Nobody waits any more for what is trained."""


def supervise(
    kernel: RoomProcess, driver: Driver, run: Run, watch: Watch, folder: Path, log: LastWords
) -> int | None:
    """Wait for the driver's end, enforcing time and memory; give its exit code."""
    ready = folder / "out" / "ready"
    is_ready = False
    while (code := driver.process.poll()) is None:
        if not is_ready and ready.exists():
            # The student's time begins when the kernel answers, not while the room is built.
            is_ready, watch.began = True, time.monotonic()
            watch.start = watch.began - watch.made
        watch.peak_mb = max(watch.peak_mb, kernel.memory_mb())
        limit = run.timeout if is_ready else READY_SECONDS
        trouble = _trouble(kernel, driver, run, watch, limit)
        if trouble is None and watch.orders is not None:
            trouble = _answer(watch.orders, kernel, driver, run, watch, log)
        if trouble is not None:
            watch.outcome = trouble
            return _stop(kernel, driver, watch)
        log.listen()
        time.sleep(POLL_SECONDS)
    if driver.process.memory_ran_out():
        watch.outcome = Outcome.MEMORY_LIMIT  # it holds nothing but what the kernel sent
    elif code not in (EVERY_CELL_SENT, KERNEL_NEVER_ANSWERED):
        raise GraderError(Message("execute.no_driver", {"log": _tail(folder / "driver.log")}))
    return code


def _answer(
    orders: Orders,
    kernel: RoomProcess,
    driver: Driver,
    run: Run,
    watch: Watch,
    log: LastWords,
) -> Outcome | None:
    """Have trained what the notebook asks for; its time stands still, its memory is watched."""
    looked = 0.0

    def meanwhile() -> None:
        nonlocal looked
        now = time.monotonic()
        if now - looked < POLL_SECONDS:
            return
        looked = now
        log.listen()
        watch.peak_mb = max(watch.peak_mb, kernel.memory_mb())
        trouble = _trouble(kernel, driver, run, watch, math.inf)
        if trouble is not None:
            raise _TroubleError(trouble)
        if driver.process.poll() is not None:
            raise _DriverEndedError

    try:
        orders.look(meanwhile)
    except _TroubleError as error:
        return error.outcome
    except _DriverEndedError:
        pass
    return None


def _trouble(
    kernel: RoomProcess, driver: Driver, run: Run, watch: Watch, limit: float
) -> Outcome | None:
    """Say why the run has to end now, if it has to."""
    if time.monotonic() - watch.began - watch.waited > limit:
        return Outcome.TIME_LIMIT
    if watch.peak_mb > run.memory_mb or driver.process.memory_mb() > DRIVER_MEMORY_MB:
        return Outcome.MEMORY_LIMIT
    watch.code = kernel.poll()
    if watch.code is None:
        return None
    # The kernel of the machine may have been faster than our own look at the memory.
    return Outcome.MEMORY_LIMIT if kernel.memory_ran_out() else Outcome.KERNEL_DIED


def _stop(kernel: RoomProcess, driver: Driver, watch: Watch) -> int | None:
    """End the kernel first, then let the driver write down what it knows."""
    kernel.kill()
    watch.ended = time.monotonic()
    driver.close()
    until = time.monotonic() + DRAIN_SECONDS
    while (code := driver.process.wait(POLL_SECONDS)) is None and time.monotonic() < until:
        if driver.process.memory_mb() > DRIVER_MEMORY_MB:
            break  # what it still has to read is the notebook's doing
    return code


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-2000:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
