"""Runs jobs on the machines of a Ray cluster; what is kept is kept by this process alone.

Enters: tasks and Portable work. Leaves: results, as they become done. Touches: a cluster, through
Ray. The other machines run ``grader/pipeline/remote_worker.py``.

Ray carries and counts; who works where is decided by us (ADR 82). A portion is a task of some
minutes. It is never retried by Ray, whose retries after memory kills have no end: what comes back
from a lost one is kept, the job that it was at is noted in the journal and given out again, and
the third loss of the same job puts it aside.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any, Generic

from grader.pipeline.cluster import Cluster, connect
from grader.pipeline.portions import portions
from grader.pipeline.remote_worker import done_there
from grader.pipeline.runner import Elsewhere, Portable, Result, Runner, Slot, Stop, Task, Work
from grader.types import GraderError, Message

LOOK_SECONDS = 0.5  # how soon a request to stop is seen
MAX_CALLS = 8  # portions of a worker process: what leaks is gone within the hour
AHEAD = 1  # portions sent beyond those at work, so that nobody waits for the wire


def open_runner(slots: Sequence[Slot], stop: Stop) -> Runner:
    """Give the runner. Its slots are the cores that the cluster's machines gave to Ray.

    Raises:
        GraderError: a GPU is wanted, or there is no cluster that asks for a token.
    """
    if any(slot.gpu for slot in slots):
        raise GraderError(Message("pipeline.no_gpus_on_ray"))
    return RayRunner(connect(), stop)


@dataclass
class _Portion(Generic[Task]):
    """Tasks that were sent together, without those whose results came."""

    left: deque[Task] = field(default_factory=deque)


@dataclass(frozen=True)
class RayRunner:
    """One portion per core at a time."""

    cluster: Cluster
    stop: Stop

    def run(
        self,
        tasks: Sequence[Task],
        work: Work[Task, Result],
        on_start: Callable[[Task], None] = lambda _: None,
    ) -> Iterator[Result]:
        """Give results as they become done, then leave the cluster; left early, cancel what runs.

        Raises:
            GraderError: the work cannot leave this machine, or a machine cannot do it.
        """
        if not isinstance(work, Portable):
            raise GraderError(Message("pipeline.not_portable"))
        try:
            with redirect_stdout(sys.stderr):  # where Ray tells of deaths; ours is for results
                yield from _Batch(self.cluster, self.stop, work.elsewhere(), on_start).run(tasks)
        finally:
            self.cluster.ray.shutdown()


class _Batch(Generic[Task, Result]):
    """One call of ``run``."""

    def __init__(
        self,
        cluster: Cluster,
        stop: Stop,
        elsewhere: Elsewhere[Task, Result],
        on_start: Callable[[Task], None],
    ) -> None:
        self.cluster, self.stop, self.elsewhere = cluster, stop, elsewhere
        self.on_start = on_start
        self.running: dict[Any, _Portion[Task]] = {}
        self.waiting: deque[tuple[Task, ...]] = deque()
        self.function = cluster.ray.remote(
            num_cpus=1, num_returns="streaming", max_retries=0, max_calls=MAX_CALLS
        )(done_there)

    def run(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Give out portions and take results until none is left."""
        ray, most = self.cluster.ray, self.cluster.places + AHEAD
        cut = portions(tasks, self.elsewhere.expected, self.cluster.places)
        self.waiting.extend(cut)
        self.common_files = ray.put(self.elsewhere.common_files)  # once per machine, by its content
        try:
            while True:
                while self.waiting and len(self.running) < most and not self._draining:
                    yield from self._send(self.waiting.popleft())
                if not self.running:
                    if self._draining or not self.waiting:
                        return
                    continue
                ready, _ = ray.wait([*self.running], num_returns=1, timeout=LOOK_SECONDS)
                for one in ready:
                    yield from self._take(one)
        finally:
            for one in self.running:
                ray.cancel(one, force=True)

    @property
    def _draining(self) -> bool:
        return self.stop.draining.is_set()

    def _send(self, tasks: tuple[Task, ...]) -> Iterator[Result]:
        """Send what has to be run; what has not is done here."""
        portion: _Portion[Task] = _Portion()
        payloads = []
        for task in tasks:
            if (known := self.elsewhere.without_run(task)) is not None:
                self.on_start(task)
                yield known
                continue
            try:
                payloads.append(self.elsewhere.payload(task))
            except GraderError as error:  # a file of the author's is gone
                yield self.elsewhere.failed(task, error)
            else:
                portion.left.append(task)
        if portion.left:
            there, hidden = self.elsewhere.there, self.cluster.hidden
            self._begin(portion)
            self.running[self.function.remote(there, hidden, self.common_files, payloads)] = portion

    def _begin(self, portion: _Portion[Task]) -> None:
        """Note who is at work now: the next of the portion."""
        if portion.left:
            self.elsewhere.begins(portion.left[0])
            self.on_start(portion.left[0])

    def _take(self, one: Any) -> Iterator[Result]:
        """Take a portion's next result; or its end, good or bad."""
        ray, portion = self.cluster.ray, self.running[one]
        try:
            data = ray.get(next(one))
        except StopIteration:
            self._ended(one)
        except ray.exceptions.RayTaskError as error:
            del self.running[one]
            if isinstance(
                error.cause, GraderError
            ):  # that machine cannot grade: not the job's fault
                raise error.cause from error
            raise
        except ray.exceptions.RayError:  # the worker, its memory or its machine is gone
            self._ended(one)
        else:
            task = portion.left.popleft()
            if self._draining:  # what it goes on with is begun in a moment, and noted nowhere
                ray.cancel(one, force=True)
                del self.running[one]
            else:
                self._begin(portion)
            yield self.elsewhere.received(task, data)

    def _ended(self, one: Any) -> None:
        """Give what is left of a portion out again: first the one that it was at, by itself."""
        left = self.running.pop(one).left
        if left:
            lost, *others = left
            self.waiting.extendleft(part for part in (tuple(others), (lost,)) if part)
