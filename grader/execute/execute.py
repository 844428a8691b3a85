"""Stage 2: runs one notebook in a room and brings back claims.

Enters: a Run (notebook, engine, seed, limits) and an open room. Leaves: an Execution.
Touches: a short-lived folder in the temporary directory and two room processes, the kernel and
the driver; both are dead and the folder is gone when this returns.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from grader.execute import rooms
from grader.execute.claims import Claims, read_claims
from grader.execute.last_words import LastWords
from grader.execute.orders import Orders, Trainer
from grader.execute.remarks import remarks
from grader.execute.run import Run
from grader.execute.spent import time_spent
from grader.execute.supervise import Watch, supervise
from grader.execution import CellRun, Execution
from grader.room import Room
from grader.room.workplace import workplace
from grader.submission import Notebook
from grader.types import CellError, GraderError, Message, Outcome

UNREAD = "Unread"  # stands for the exception of a cell of which nothing could be read
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


class UnreadError(GraderError):
    """What a run left could not be read: to run it again would leave the same."""


def execute(
    run: Run,
    room: Room,
    *,
    again: bool = True,
    most: float = math.inf,
    read: Callable[[Path], Claims] = read_claims,
    trainer: Callable[[], Trainer] | None = None,
) -> Execution:
    """Run every cell of a notebook in a fresh room.

    What the machine may have done costs nobody a point: where the room failed, or the kernel was
    killed from who knows where, all is run once more. A notebook that kills its own kernel does so
    again.

    Args:
        run: the notebook and its limits.
        room: where it is run.
        again: whether it may be run twice; not where the same was seen before.
        most: seconds that both runs may take; no second one is begun that might take longer.
        read: reads what the driver wrote: where others wait, in a process that can be ended.
        trainer: begins to train what one run asks for; None where notebooks train by themselves.

    Raises:
        GraderError: the room or the kernel could not be started, or what it left not be read; never
            for what the student's code did.
    """
    began = time.monotonic()
    try:
        first, killed = _execute(run, room, read, trainer)
    except UnreadError:
        raise
    except GraderError:
        if time.monotonic() - began + run.timeout > most:
            raise
        return _execute(run, room, read, trainer)[0]
    if not (killed and again):
        return first
    if first.seconds + run.timeout > most:
        return not_again(first)
    second, _ = _execute(run, room, read, trainer)
    seconds = first.seconds + second.seconds
    notes = (*second.notes, Message("execute.again"))
    return replace(second, seconds=seconds, notes=notes, spent=first.spent.plus(second.spent))


def not_again(execution: Execution) -> Execution:
    """Say that a run would have been repeated, were there time for it."""
    return replace(execution, notes=(*execution.notes, Message("execute.not_again")))


def _execute(
    run: Run,
    room: Room,
    read: Callable[[Path], Claims],
    trainer: Callable[[], Trainer] | None,
) -> tuple[Execution, bool]:
    """Run the notebook once; also tell whether its kernel was killed and nobody knows why."""
    with workplace("in", "out") as folder, LastWords() as log, ExitStack() as at_end:
        orders = Orders(folder, trainer()) if trainer is not None else None
        if orders is not None:
            at_end.callback(orders.trainer.close)
        watch = Watch(orders, made=time.monotonic())
        rooms.prepare(folder, run, room, asks=orders is not None)
        code = _in_rooms(folder, run, room, watch, log)
        seconds = (watch.ended or time.monotonic()) - watch.began - watch.waited
        if not (folder / "out" / "ready").exists() and watch.outcome is not Outcome.MEMORY_LIMIT:
            raise GraderError(Message("execute.no_kernel", {"code": code, "log": log.text()}))
        if orders is not None:
            orders.close()
        try:
            claims = read(folder / "out")
        except GraderError as error:
            raise UnreadError(error.message) from error
    trainings = None if orders is None else orders.trainer.trainings
    waits = {} if orders is None else orders.waits
    execution = Execution(
        outcome=watch.outcome,
        cells=tuple(_every_cell(claims.cells, run.notebook, watch.outcome)),
        candidates=claims.candidates,
        engine=run.engine,
        device=run.device,
        seed=run.seed,
        attempt=run.attempt,
        isolation=room.isolation,
        seconds=round(seconds, 3),
        fixes_seeds=run.fixes_seeds,
        notes=tuple(_notes(claims)),
        trainings=trainings,
        spent=time_spent(watch.start, waits, claims.cells, claims.candidates, trainings),
    )
    return execution, watch.outcome is Outcome.KERNEL_DIED and watch.code in KILLED


def _in_rooms(folder: Path, run: Run, room: Room, watch: Watch, log: LastWords) -> int | None:
    """Start both rooms, wait for the run's end, end both; give the driver's exit code."""
    kernel, driver = rooms.start(folder, run, room, log)
    try:
        try:
            watch.began = time.monotonic()
            return supervise(kernel, driver, run, watch, folder, log)
        finally:
            kernel.kill()
            driver.process.kill()
            driver.close()
    finally:
        kernel.kill()


def _every_cell(told: Sequence[CellRun], notebook: Notebook, outcome: Outcome) -> Iterator[CellRun]:
    """Give the cells that are known of; where all were run, those too of which nothing is known.

    What cannot be read earns nothing: else it would be worth to make a failing cell unreadable.
    """
    yield from told
    if outcome is Outcome.FINISHED:
        known = {cell.index for cell in told}
        unread = CellError(UNREAD, "", "")
        for cell in notebook.cells:
            if cell.index not in known:
                yield CellRun(cell.index, "error", 0.0, "", unread)


def _notes(claims: Claims) -> Iterator[Message]:
    """Say what was left out; it costs no points, but somebody should know."""
    yield from remarks(claims.cells)
    if claims.malformed:
        yield Message("execute.malformed", {"count": claims.malformed})
    if claims.unreadable:
        yield Message("execute.unreadable", {"count": claims.unreadable})
    if claims.dropped:
        yield Message("execute.dropped", {"count": claims.dropped})
    if claims.lightened:
        yield Message("execute.lightened", {"count": claims.lightened})
