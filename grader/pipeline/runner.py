"""Where jobs run and how many at once.

Enters: tasks and the work to do on one of them. Leaves: results, as they become done.
Touches: threads; looks at the machine's free memory. A runner knows nothing of grading: another one
may spread the same work over a cluster.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from grader import environment
from grader.gpus import Gpu

Task = TypeVar("Task")
Result = TypeVar("Result")
LOOK_SECONDS = 0.5  # how soon a request to stop is seen
FREE_MB = 1500  # a notebook in training takes about 1000; beside others it waits for that much


@dataclass(frozen=True)
class Slot:
    """What one job has to itself: processor cores, perhaps a GPU."""

    cores: tuple[int, ...]
    gpu: Gpu | None = None

    @property
    def device(self) -> str:
        """The device class: ``cpu``, or the GPU's name."""
        return self.gpu.name if self.gpu else "cpu"


@dataclass
class Stop:
    """How a batch is asked to end early: ``draining`` starts nothing new."""

    draining: threading.Event = field(default_factory=threading.Event)


class Runner(Protocol):
    """Runs the same work on many tasks."""

    def run(self, tasks: Sequence[Task], work: Callable[[Task, Slot], Result]) -> Iterator[Result]:
        """Give results as they become done; ``work`` never raises."""


def slots(jobs: int, gpus: Sequence[Gpu] = ()) -> tuple[Slot, ...]:
    """Give each job its own core, so that results repeat whatever runs beside it.

    With GPUs there are at most as many slots as devices: one notebook per GPU at a time.
    """
    cores = environment.cores()
    count = min(jobs, len(gpus)) if gpus else jobs
    return tuple(Slot((cores[i % len(cores)],), gpus[i] if gpus else None) for i in range(count))


@dataclass(frozen=True)
class LocalRunner:
    """Threads of this process, each waiting for rooms of its own; one slot per job."""

    slots: Sequence[Slot]
    stop: Stop

    def run(self, tasks: Sequence[Task], work: Callable[[Task, Slot], Result]) -> Iterator[Result]:
        """Give results as they become done.

        Leaving the generator early starts nothing new and waits for what is running.
        """
        free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self.slots:
            free.put(slot)

        def job(task: Task) -> Result:
            slot = free.get()
            try:
                return work(task, slot)
            finally:
                free.put(slot)

        waiting = iter(tasks)
        running: set[Future[Result]] = set()
        pool = ThreadPoolExecutor(len(self.slots), thread_name_prefix="grade")
        try:
            while True:
                self._fill(pool, running, waiting, job)
                if not running:
                    return
                done, running = wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            self.stop.draining.set()
            pool.shutdown(wait=True)

    def _fill(
        self,
        pool: ThreadPoolExecutor,
        running: set[Future[Result]],
        waiting: Iterator[Task],
        job: Callable[[Task], Result],
    ) -> None:
        """Keep every slot busy; no more is handed to the pool, so that a stop is prompt."""
        while len(running) < len(self.slots) and not self.stop.draining.is_set():
            if running and environment.free_mb() < FREE_MB:
                return  # another look comes when one ends, or soon
            task = next(waiting, None)
            if task is None:
                return
            running.add(pool.submit(job, task))
