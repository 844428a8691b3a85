"""Has orders trained in a room of ours, one after the other.

Enters: Jobs (orders, seeds, results to go on from). Leaves: an Outcome for each. Touches:
short-lived folders and room processes, dead when this returns.

A room that fails over an order says nothing about whose fault that is. So a control model is asked
for in a room of its own: where it trains, the order's model is what cannot be trained.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from grader import environment
from grader.extract.evaluate import evaluation_environment
from grader.room import Bind, Room, RoomProcess, RoomSpec
from grader.room.workplace import workplace
from grader.trainer.control import control_order
from grader.trainer.keys import ENGINE
from grader.trainer.order import Order
from grader.trainer.response import read_outcome, read_progress
from grader.trainer.result import Outcome, Trained, Untrainable
from grader.types import Array, GraderError, Message

PACKAGE = Path(__file__).resolve().parents[1]
MEMORY_MB = 4096
FILE_MB = 1024  # a result with the weights of every epoch
POLL_SECONDS = 0.02
LOG_BYTES = 2000


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


def nothing() -> None:
    """Nobody has anything to do while a room trains."""


@dataclass(frozen=True)
class _Ending:
    """How a room ended: ``stopped`` where we ended it, for its time or its memory."""

    code: int | None
    stopped: str
    log: str


def train(
    jobs: Sequence[Job],
    room: Room,
    *,
    cores: tuple[int, ...] = (),
    progress: Progress | None = None,
    meanwhile: Meanwhile = nothing,
    clock: Callable[[], float] = time.monotonic,
) -> list[Outcome]:
    """Train the jobs, in one room as long as none fails.

    ``meanwhile`` is called again and again; what it raises ends the rooms.

    Raises:
        GraderError: the room could not do its work, a control model included; or what it wrote is
            not what our code writes. No word about any order.
    """
    place = _Place(room, cores, meanwhile, clock)
    outcomes: dict[int, Outcome] = {}
    alone: int | None = None  # the job that a room failed over once
    while waiting := [number for number in range(len(jobs)) if number not in outcomes]:
        chosen = waiting if alone is None else [alone]
        ending, found = _in_one_room(jobs, chosen, place, progress)
        outcomes |= found
        left = [number for number in chosen if number not in outcomes]
        if not left:
            alone = None
            continue
        _require_control(place, ending)
        if ending.stopped or alone is not None:
            step = "stopped" if ending.stopped else "ended"
            outcomes[left[0]] = Untrainable(step, ending.stopped or f"code {ending.code}")
            alone = None
        else:
            alone = left[0]
    return [outcomes[number] for number in range(len(jobs))]


@dataclass(frozen=True)
class _Place:
    """Where and beside what is trained."""

    room: Room
    cores: tuple[int, ...]
    meanwhile: Meanwhile
    clock: Callable[[], float]


def _require_control(place: _Place, ending: _Ending) -> None:
    """Raise where not even the smallest model can be trained: then the fault is ours."""
    control = Job(control_order(), seed=1)
    fine = None
    with contextlib.suppress(GraderError):
        fine = _in_one_room([control], [0], place, None)[1].get(0)
    if not isinstance(fine, Trained):
        log = ending.log or ending.stopped
        raise GraderError(Message("trainer.failed", {"code": ending.code, "log": log}))


def _in_one_room(
    jobs: Sequence[Job], chosen: Sequence[int], place: _Place, progress: Progress | None
) -> tuple[_Ending, dict[int, Outcome]]:
    with workplace("in", "out") as folder:
        for number in chosen:
            _write(folder / "in", number, jobs[number])
        process = _start(folder, place.room, place.cores)
        try:
            stopped = _watch(process, folder / "out", jobs, chosen, place, progress)
            code = process.poll()
        finally:
            process.kill()
        found = {}
        for number in chosen:
            outcome = read_outcome(folder / "out", number, jobs[number].order)
            if outcome is not None:
                found[number] = outcome
        log = (folder / "log").read_bytes()[-LOG_BYTES:].decode("utf-8", "replace").strip()
    return _Ending(code, stopped, log), found


def _write(folder: Path, number: int, job: Job) -> None:
    arrays: dict[str, Array] = dict(job.order.arrays)
    if (job.before is None) != (job.order.after is None):
        raise ValueError("a result to go on from belongs to an order that goes on")
    if job.before is not None:
        for prefix, group in (("w", job.before.weights), ("o", job.before.optimizer)):
            arrays |= {f"before_{prefix}_{i:04d}": array for i, array in enumerate(group)}
    np.savez(folder / f"{number:04d}.npz", **arrays)  # type: ignore[arg-type]
    text = json.dumps(job.order.as_json() | {"seed": job.seed})
    (folder / f"{number:04d}.json").write_text(text, encoding="utf-8")


def _start(folder: Path, room: Room, cores: tuple[int, ...]) -> RoomProcess:
    code = room.inside(PACKAGE / "evaluation", "/grader/evaluation")
    given, out = room.inside(folder / "in", "/in"), room.inside(folder / "out", "/out")
    spec = RoomSpec(
        argv=(sys.executable, "-B", f"{code}/trainer.py", given, out),
        binds=(
            Bind(PACKAGE / "evaluation", "/grader/evaluation"),
            Bind(folder / "in", "/in"),
            Bind(folder / "out", "/out", writable=True),
        ),
        env=evaluation_environment(ENGINE, cores),
        memory_mb=MEMORY_MB,
        file_mb=FILE_MB,
        cores=cores or None,
        warm=environment.IMPORTS,
    )
    with (folder / "log").open("wb") as log:
        return room.start(spec, stdout=subprocess.DEVNULL, stderr=log.fileno())


def _watch(
    process: RoomProcess,
    out: Path,
    jobs: Sequence[Job],
    chosen: Sequence[int],
    place: _Place,
    progress: Progress | None,
) -> str:
    """Wait until the room ends; each job has its own limit. Gives why we ended it, or ""."""
    now = chosen[0]
    began, last = place.clock(), (now, -1)
    while process.poll() is None:
        place.meanwhile()
        seen = read_progress(out) or last
        if seen != last and seen[0] in chosen:
            if seen[0] > now:
                now, began = seen[0], place.clock()
            last = seen
            if progress is not None and seen[1] >= 0:
                progress(seen[0], seen[1], jobs[seen[0]].order.fit.epochs)
        limit = jobs[now].order.work.limit
        if place.clock() - began > limit:
            return f"{round(limit)} s"
        if process.memory_mb() > MEMORY_MB:
            return f"{MEMORY_MB} MB"
        time.sleep(POLL_SECONDS)
    return ""
