"""A trainer for the reference solution's notebook, as grading has one.

Enters: a room, cores, the seed of a run, what computes recurrent layers. Leaves: what ``execute``
takes for a trainer. Touches: the trainer's room; results are kept no longer than the run takes,
for no other run asks for the same, unless a device trained them for many runs at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.execute.orders import Trainer
from grader.pipeline.judging import Asked, order_of
from grader.pipeline.trainings import Trainings
from grader.room import Room
from grader.trainer.asking import train_once
from grader.trainer.kernels import HERE, Kernels
from grader.trainer.keys import CPU, FIRST_ATTEMPT
from grader.trainer.order import Order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.types import Message

SECRET = b"calibration on the trainer: public on purpose, no course uses it "


class _Here:
    """Reads orders in this process: they are our own reference's."""

    def order(
        self,
        order: Path,
        arrays: Path,
        answered: frozenset[str],
        spent: list[float] | None = None,
        seed: int = 0,
    ) -> Order | Message:
        del spent
        return order_of(Asked(order, arrays, answered, seed))


@dataclass(frozen=True)
class Beforehand:
    """What a class of devices trained for many runs; ``results`` are kept as long as they take.

    ``left``: the seeds of runs that asked, and that no device trained for.
    """

    results: Results
    device: str
    left: frozenset[int] = frozenset()


@contextmanager
def trainer(
    room: Room,
    cores: tuple[int, ...],
    seed: int,
    kernels: Kernels = HERE,
    beforehand: Beforehand | None = None,
) -> Iterator[Callable[[], Trainer]]:
    """Give what begins to train for one run; runs of other seeds learn otherwise."""
    with tempfile.TemporaryDirectory(prefix="grader-trained-") as folder:
        once, secret = partial(train_once, kernels=kernels), secret_of(seed)
        there = beforehand or Beforehand(Results(Path(folder) / "trained"), CPU)
        given = _Here(), room, there.results, secret, FIRST_ATTEMPT, cores
        yield lambda: Trainings(*given, once=once, device=there.device)


class OrderedError(Exception):
    """A run ended at its first order: all that was wanted of it."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order = order


@contextmanager
def ends_at_its_order(room: Room, cores: tuple[int, ...]) -> Iterator[Callable[[], Trainer]]:
    """Give what trains nothing: the run ends with an OrderedError."""

    def take(order: Order, _: Mapping[str, Trained]) -> None:
        raise OrderedError(order)

    with tempfile.TemporaryDirectory(prefix="grader-trained-") as folder:
        given = _Here(), room, Results(Path(folder) / "trained"), SECRET, FIRST_ATTEMPT, cores
        yield lambda: Trainings(*given, take=take)


def secret_of(seed: int) -> bytes:
    """Give the secret of the run with this seed."""
    return SECRET + str(seed).encode()
