"""A class's trainings in one round: notebooks end at what nobody has trained, and run again.

Enters: orders that notebooks ended at. Leaves: whether a round is cheaper than waiting; the orders,
each once; the work of training them. Touches: the folder of results, trainers' rooms.

Nothing of a round is needed afterwards but the results, and these are kept as ever: who is killed
in the middle of one has lost the notebooks that were at work, and no training that was done.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import TypeAlias

from grader import environment
from grader.course.exercises import Course
from grader.pipeline.durations import START_SECONDS
from grader.pipeline.faults import fault
from grader.pipeline.graded import Graded
from grader.pipeline.job import Settings, may_ask
from grader.pipeline.order import Group
from grader.pipeline.runner import Here, Runner, Slot
from grader.pipeline.trainings import Tell, Telling
from grader.room import Room
from grader.trainer.asking import key_here, train_once, trained_there
from grader.trainer.devices import Devices
from grader.trainer.keys import CPU, FIRST_ATTEMPT, key_of
from grader.trainer.many import alike, train_batch
from grader.trainer.order import Order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.trainer.waiting import Over, never
from grader.trainer.workroom import Job
from grader.types import GraderError, Level

DISTINCT = 1 / 3  # of a class's trainings, as in one of sixty made of twenty programs
MOST_BYTES = 1_000_000_000  # of the arrays that wait for their round
OF_FREE = 0.25  # of the machine's memory, where a device trains a whole class at once
# As measured on an H200 (ADR 116), beside a core with our kernel for recurrent layers.
TRIAL_SECONDS = 60.0  # of trying a device, while cores stand idle
BATCH_SECONDS, MORE_SECONDS = 2.5, 0.012  # for each of a core's seconds: of a batch, of each in it

Ended: TypeAlias = "tuple[Group, list[Graded] | None]"  # None: put off


def cheaper(notebooks: int, jobs: int, seconds: float, *, together: bool = False) -> bool:
    """Whether a round takes less of the cores than notebooks that wait.

    A round starts every notebook twice. What it saves are cores that stand idle while a notebook
    waits for an equal training of another's; what it costs besides are cores for which there is no
    order in it. Of sixty notebooks made of twenty programs, which train for 75 s, it is cheaper
    where 11 to 40 run at a time; where two do, only above 708 s of a training.

    Args:
        notebooks: that have different code.
        jobs: that run at a time, each on a core of its own.
        seconds: that one training is expected to take.
        together: whether a device trains them at once, which has to be tried first.
    """
    programs = math.ceil(notebooks * DISTINCT)
    meets = min(1.0, (jobs - 1) / max(1, notebooks - 1))  # whom another's training keeps waiting
    idle = (notebooks - programs) * meets * seconds
    if together:  # cores train nothing; all stand idle while the device does
        device = seconds * (BATCH_SECONDS + MORE_SECONDS * programs)
        idle += programs * seconds - jobs * (device + TRIAL_SECONDS)
    else:
        idle -= max(0, jobs - programs) * seconds
    return idle > notebooks * START_SECONDS


def pays(
    course: Course,
    settings: Settings,
    level: Level,
    batch: Sequence[Group],
    runner: Runner,
    *,
    together: bool = False,
) -> bool:
    """Whether the trainings of a batch are done in a round, rather than while notebooks wait.

    What a training takes is the reference's: most recorded notebooks were answered at once.
    ``together``: whether there is a device that trains many at once.
    """
    if not isinstance(runner, Here) or not may_ask(course, settings, level):
        return False
    if settings.round is not None:
        return settings.round
    notebooks = [group[0] for group in batch if group[0].notebook is not None]
    every = tuple(course.exercises)
    named = {name for one in notebooks for name in one.exercises or every}
    seconds = [course.exercises[one].reference_seconds() for one in named & {*every}]
    if not seconds:
        return False
    return cheaper(len(notebooks), runner.here, median(seconds), together=together)


class PutOffError(Exception):
    """A run ended at its first unknown order; once that is trained the notebook runs again."""


@dataclass(frozen=True)
class Wanted:
    """An order that a notebook ended at. ``held``: the result that it goes on from, if any."""

    order: Order
    attempt: int
    held: Mapping[str, Trained] = field(default_factory=lambda: MappingProxyType({}))
    tell: Tell = lambda _: None  # how far it is, in the name of who asked first


class Round:
    """The orders of a class that nobody has trained, each once. Safe for threads."""

    def __init__(
        self,
        results: Results,
        secret: bytes,
        most_bytes: int = MOST_BYTES,
        device: str = CPU,
    ) -> None:
        """Begin one; an order beyond ``most_bytes`` is trained while its notebook waits."""
        self._results, self._secret, self._most_bytes = results, secret, most_bytes
        self._device = device  # a class of accelerators whose results are taken as well
        self._wanted: dict[str, Wanted] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def take(self, wanted: Wanted) -> None:
        """Take an order and end its run; do nothing where it can be answered at once.

        Raises:
            PutOffError: it was taken.
        """
        key = key_here(wanted.order, self._secret, wanted.attempt).key
        asked = wanted.order, self._results, self._secret, wanted.attempt
        if self._results.get(key) is not None or trained_there(*asked, self._device) is not None:
            return
        size = _size(wanted)
        with self._lock:
            if key not in self._wanted:
                if self._bytes + size > self._most_bytes:
                    return
                self._bytes += size
                self._wanted[key] = wanted
        raise PutOffError

    def orders(self) -> list[Wanted]:
        """Give what was taken, the longest first."""
        return sorted(self._wanted.values(), key=lambda one: -one.order.work.seconds)


def most_bytes(devices: Devices) -> int:
    """Give how many bytes of arrays may wait for a round."""
    if not devices:
        return MOST_BYTES
    return max(MOST_BYTES, int(OF_FREE * environment.free_mb() * (1 << 20)))


def _size(wanted: Wanted) -> int:
    held = [array for one in wanted.held.values() for array in (*one.weights, *one.optimizer)]
    sample = wanted.order.seen
    seen = [part.rows for part in (sample.x, sample.y) if part is not None] if sample else []
    return sum(array.nbytes for array in (*wanted.order.arrays.values(), *held, *seen))


@dataclass(frozen=True)
class EndsAtOrders:
    """The first half of a round: a group is graded, or put off (None) for what it asks for."""

    grade: Callable[[Group, Slot], list[Graded]]
    free_mb: float

    def open(self) -> AbstractContextManager[Callable[[Group, Slot], Ended]]:
        """Nothing is left to open."""
        return nullcontext(self._graded)

    def _graded(self, group: Group, slot: Slot) -> Ended:
        try:
            return group, self.grade(group, slot)
        except PutOffError:
            return group, None


@dataclass(frozen=True)
class TrainsOrders:
    """The second half: one order per core, each in a room of its own."""

    room: Room
    results: Results
    secret: bytes
    out: Path  # keeps what nobody expected
    free_mb: float
    over: Over = never  # whether nothing more is begun: somebody stopped, the time is up
    devices: Devices = field(default_factory=Devices)

    def open(self) -> AbstractContextManager[Callable[[Wanted, Slot], None]]:
        """Nothing is left to open."""
        return nullcontext(self.train)

    def batches(self, orders: Sequence[Wanted]) -> list[list[Wanted]]:
        """Give what ``together`` trains at once, a batch each; none where no device does.

        What is tried again is trained on a core.
        """
        if not self.devices:
            return []
        first = [one for one in orders if one.attempt == FIRST_ATTEMPT]
        found = alike([one.order for one in first], len(self.devices), self.devices.planned_mb)
        return [[first[place] for place in places] for places in found]

    def together(self, batch: Sequence[Wanted], slot: Slot) -> None:
        """Train a batch on a device; what does not come of that is left for ``train``."""
        if self.over():
            return
        jobs = {}
        for one in batch:
            key = key_of(one.order, self.secret, one.attempt, device=self.devices.name)
            jobs[key.key] = Job(one.order, key.seed)
        telling = Telling(batch[0].tell, batch[0].order.fit.epochs)
        try:
            train_batch(
                jobs,
                self.devices,
                self.room,
                self.results,
                cores=slot.cores,
                progress=telling.progress,
                meanwhile=telling.meanwhile,
                over=self.over,
            )
        except Exception as error:  # noqa: BLE001 - as below
            fault(self.out, error)
        finally:
            telling.close()

    def train(self, wanted: Wanted, slot: Slot) -> None:
        """Train an order. Whatever goes wrong with it its notebook is told when it asks again."""
        if self.over():
            return
        telling = Telling(wanted.tell, wanted.order.fit.epochs)
        try:
            if trained_there(
                wanted.order, self.results, self.secret, wanted.attempt, self.devices.name
            ):
                return
            with suppress(GraderError):
                train_once(
                    wanted.order,
                    self.room,
                    self.results,
                    secret=self.secret,
                    attempt=wanted.attempt,
                    cores=slot.cores,
                    progress=telling.progress,
                    meanwhile=telling.meanwhile,
                    held=wanted.held,
                    over=self.over,
                )
        except Exception as error:  # noqa: BLE001 - one order never takes the batch with it
            fault(self.out, error)
        finally:
            telling.close()
