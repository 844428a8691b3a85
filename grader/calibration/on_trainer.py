"""A trainer for the reference solution's notebook, as grading has one.

Enters: a room, cores, the seed of a run, what computes recurrent layers. Leaves: what ``execute``
takes for a trainer. Touches: the trainer's room; results are kept no longer than the run takes,
for no other run asks for the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from grader.execute.desk import Trainer
from grader.pipeline.judging import Asked, order_of
from grader.pipeline.trainings import Trainings
from grader.room import Room
from grader.trainer.asking import train_once
from grader.trainer.kernels import HERE, Kernels
from grader.trainer.order import Order
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


@contextmanager
def trainer(
    room: Room, cores: tuple[int, ...], seed: int, kernels: Kernels = HERE
) -> Iterator[Callable[[], Trainer]]:
    """Give what begins to train for one run; runs of other seeds learn otherwise."""
    with tempfile.TemporaryDirectory(prefix="grader-trained-") as folder:
        results, once = Results(Path(folder) / "trained"), partial(train_once, kernels=kernels)
        secret = SECRET + str(seed).encode()
        yield lambda: Trainings(_Here(), room, results, secret, 1, cores, once=once)
