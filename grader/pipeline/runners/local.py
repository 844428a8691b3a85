"""Runs jobs on this machine: threads of this process, each waiting for rooms of its own.

Enters: tasks and the Work to do on them. Leaves: results, as they become done. Touches: threads;
looks at the machine's free memory.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from grader import environment
from grader.pipeline.runner import Result, Runner, Slot, Stop, Task, Work

LOOK_SECONDS = 0.5  # how soon a request to stop is seen


def open_runner(slots: Sequence[Slot], stop: Stop) -> Runner:
    """Give the runner for these slots."""
    return LocalRunner(slots, stop)


@dataclass(frozen=True)
class LocalRunner:
    """One job per slot at a time."""

    slots: Sequence[Slot]
    stop: Stop

    @property
    def here(self) -> int:
        """One task per slot."""
        return len(self.slots)

    def run(
        self,
        tasks: Sequence[Task],
        work: Work[Task, Result],
        on_start: Callable[[Task], None] = lambda _: None,
    ) -> Iterator[Result]:
        """Give results as they become done.

        Leaving the generator early starts nothing new and waits for what is running.
        """
        free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self.slots:
            free.put(slot)
        with work.open() as do:

            def job(task: Task) -> Result:
                slot = free.get()
                try:
                    on_start(task)
                    return do(task, slot)
                finally:
                    free.put(slot)

            yield from self._as_done(iter(tasks), job, work.free_mb)

    def _as_done(
        self, waiting: Iterator[Task], job: Callable[[Task], Result], free_mb: float
    ) -> Iterator[Result]:
        running: set[Future[Result]] = set()
        pool = ThreadPoolExecutor(len(self.slots), thread_name_prefix="grade")
        try:
            while True:
                self._fill(pool, running, waiting, job, free_mb)
                if not running:
                    return
                done, running = wait(running, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            self.stop.draining.set()
            raise
        finally:
            pool.shutdown(wait=True)

    def _fill(
        self,
        pool: ThreadPoolExecutor,
        running: set[Future[Result]],
        waiting: Iterator[Task],
        job: Callable[[Task], Result],
        free_mb: float,
    ) -> None:
        """Keep every slot busy; no more is handed to the pool, so that a stop is prompt."""
        while len(running) < len(self.slots) and not self.stop.draining.is_set():
            if running and environment.free_mb() < free_mb:
                return  # another look comes when one ends, or soon
            task = next(waiting, None)
            if task is None:
                return
            running.add(pool.submit(job, task))
