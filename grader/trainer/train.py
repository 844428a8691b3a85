"""Has orders trained in a room of ours, one after the other.

Enters: Jobs (orders, seeds, results to go on from). Leaves: an Outcome for each. Touches: a
trainer's room, of its own or of somebody who keeps it; of its own it leaves none.

A room that fails over an order says nothing about whose fault that is. So it is asked for once
more, alone in a new room, and a control model in another: where that trains, the order's model is
what cannot be trained.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from grader.room import Room
from grader.trainer.control import control_order
from grader.trainer.kernels import Kernel, KernelFailedError
from grader.trainer.result import Outcome, Trained, Untrainable
from grader.trainer.workroom import Ending, Job, Meanwhile, Progress, Workroom
from grader.types import GraderError, Message

__all__ = ["Job", "Meanwhile", "Progress", "nothing", "train"]


def nothing() -> None:
    """Nobody has anything to do while a room trains."""


def train(
    jobs: Sequence[Job],
    room: Room,
    *,
    cores: tuple[int, ...] = (),
    progress: Progress | None = None,
    meanwhile: Meanwhile = nothing,
    clock: Callable[[], float] = time.monotonic,
    kept: Workroom | None = None,
    kernel: Kernel | None = None,
) -> list[Outcome]:
    """Train the jobs, in one room as long as none fails.

    ``meanwhile`` is called again and again; what it raises ends the rooms. ``kept``: a room that
    may have trained before and is there afterwards, unless it failed. ``kernel``: what computes
    recurrent layers, in that room too; without, Keras' own loops do.

    Raises:
        KernelFailedError: a room could not work with the kernel, or did not survive it.
        GraderError: the room could not do its work, a control model included; or what it wrote is
            not what our code writes. No word about any order.
    """
    outcomes: dict[int, Outcome] = {}
    alone: int | None = None  # the job that a room failed over once
    with _opened(kept, Workroom(room, cores, clock)) as workroom:
        workroom.use(kernel)
        while waiting := [number for number in range(len(jobs)) if number not in outcomes]:
            chosen = waiting if alone is None else [alone]
            fresh = not workroom.used
            given = [jobs[number] for number in chosen]
            ending, found = workroom.do(given, meanwhile, _renumbered(progress, chosen))
            outcomes |= {chosen[place]: outcome for place, outcome in found.items()}
            left = [number for number in chosen if number not in outcomes]
            if not left or ending is None:
                alone = None
                continue
            if not fresh:  # perhaps for what it had trained before
                alone = left[0]
                continue
            _require_control(Workroom(room, cores, clock), meanwhile, ending)
            if kernel is not None and not ending.stopped:
                raise KernelFailedError(Message("kernel.failed", {"why": f"code {ending.code}"}))
            if alone is not None or (ending.stopped and left[0] == chosen[0]):
                step = "stopped" if ending.stopped else "ended"
                outcomes[left[0]] = Untrainable(step, ending.stopped or f"code {ending.code}")
                alone = None
            else:
                alone = left[0]
    return [outcomes[number] for number in range(len(jobs))]


@contextlib.contextmanager
def _opened(kept: Workroom | None, own: Workroom) -> Iterator[Workroom]:
    if kept is not None:
        yield kept
        return
    with contextlib.closing(own):
        yield own


def _renumbered(progress: Progress | None, chosen: Sequence[int]) -> Progress | None:
    if progress is None:
        return None

    def told(job: int, epoch: int, epochs: int) -> None:
        progress(chosen[job], epoch, epochs)

    return told


def _require_control(workroom: Workroom, meanwhile: Meanwhile, ending: Ending) -> None:
    """Raise where not even the smallest model can be trained: then the fault is ours."""
    control = Job(control_order(), seed=1)
    fine = None
    with contextlib.closing(workroom), contextlib.suppress(GraderError):
        fine = workroom.do([control], meanwhile)[1].get(0)
    if not isinstance(fine, Trained):
        log = ending.log or ending.stopped
        raise GraderError(Message("trainer.failed", {"code": ending.code, "log": log}))
