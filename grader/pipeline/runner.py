"""What a runner is told and what it promises; the runners themselves are in ``runners/``.

Enters: tasks and the Work to do on them. Leaves: results, as they become done. Touches nothing.

A runner knows nothing of grading. It carries Work to where it runs, opens it once on each worker,
and gives every task a Slot to itself there. Work is picklable, so workers may be other processes
or other machines; results are as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from grader import environment
from grader.gpus.gpus import Gpu

NOTEBOOK_MB = 1500.0  # one in training takes about 1000, on either engine

Task = TypeVar("Task")
Result = TypeVar("Result")
Task_contra = TypeVar("Task_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


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


class Work(Protocol[Task_contra, Result_co]):
    """What to do with each task. Picklable, for workers that are elsewhere."""

    @property
    def free_mb(self) -> float:
        """Megabytes that have to be free for one more task to begin beside others."""

    def open(self) -> AbstractContextManager[Callable[[Task_contra, Slot], Result_co]]:
        """Open what a worker needs for it, once; gives what to call, which never raises."""


class There(Protocol):
    """What a machine elsewhere does with payloads. Picklable."""

    def open(
        self, common_files: Path, hidden: Sequence[Path]
    ) -> AbstractContextManager[Callable[[Any, Slot], bytes]]:
        """Open what is needed, with the common files unpacked; gives what makes bytes of a payload.

        ``hidden``: places of the cluster's that no room may read.

        Raises:
            GraderError: this machine cannot do it.
        """


class Elsewhere(Protocol[Task_contra, Result_co]):
    """The same work for machines that share no folder with this one; ``there`` alone goes there."""

    @property
    def common_files(self) -> bytes:
        """A tar file of what every machine needs once; the same for all tasks."""

    @property
    def there(self) -> There:
        """What is done on the other machine."""

    def expected(self, task: Task_contra) -> float:
        """Seconds that a task is expected to take."""

    def without_run(self, task: Task_contra) -> Result_co | None:
        """Give the result where nothing has to be run: it was done before, or begun too often."""

    def begins(self, task: Task_contra) -> None:
        """Note that somebody is at it: who takes workers down every time is known by that."""

    def payload(self, task: Task_contra) -> object:
        """Give what has to be carried there. Picklable."""

    def received(self, task: Task_contra, data: bytes) -> Result_co:
        """Keep what came back, and note the end. The same may come twice."""

    def failed(self, task: Task_contra, error: Exception) -> Result_co:
        """Give the result of a task that cannot be carried at all."""


@runtime_checkable
class Here(Protocol):
    """A runner that does its work in this very process, and may do several works in turn."""

    @property
    def here(self) -> int:
        """How many tasks it does at a time."""


@runtime_checkable
class Portable(Protocol[Task_contra, Result_co]):
    """Work that knows how to be done on machines that share no folder with this one."""

    def elsewhere(self) -> Elsewhere[Task_contra, Result_co]:
        """Give it.

        Raises:
            GraderError: it must not leave this machine.
        """


class Runner(Protocol):
    """Does the same work on many tasks."""

    def run(
        self,
        tasks: Sequence[Task],
        work: Work[Task, Result],
        on_start: Callable[[Task], None] = lambda _: None,
    ) -> Iterator[Result]:
        """Give results as they become done.

        Args:
            tasks: in the order in which they begin.
            work: opened once on every worker.
            on_start: called in this process when a task begins, as well as the runner knows.
        """


@dataclass(frozen=True)
class Call(Generic[Task, Result]):
    """Work for which nothing has to be opened: a function."""

    function: Callable[[Task, Slot], Result]
    free_mb: float = NOTEBOOK_MB

    def open(self) -> AbstractContextManager[Callable[[Task, Slot], Result]]:
        """Give the function."""
        return nullcontext(self.function)


def slots(jobs: int, gpus: Sequence[Gpu] = ()) -> tuple[Slot, ...]:
    """Give each job its own core, so that results repeat whatever runs beside it.

    With GPUs there are at most as many slots as devices: one notebook per GPU at a time.
    """
    cores = environment.cores()
    count = min(jobs, len(gpus)) if gpus else jobs
    return tuple(Slot((cores[i % len(cores)],), gpus[i] if gpus else None) for i in range(count))
