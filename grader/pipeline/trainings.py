"""The trainings that one run of a notebook asks for: read, trained once, kept as evidence.

Enters: the files of orders, claims. Leaves: replies for the notebook, Trainings for the record.
Touches: the judge's process, which reads orders; a trainer's room and the folder of results.

What the trainer cannot do, the notebook does, and what it then tells is a claim. What we cannot do
although we should raises: nobody is graded by it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from grader.execute.orders import Meanwhile, Reply
from grader.execution import FitSample, Training
from grader.extract.distinct import at_most
from grader.extract.proof import layers_digest, weights_digest
from grader.room import Room
from grader.seeds import derive
from grader.trainer.asking import Answer, train_once
from grader.trainer.keys import CPU
from grader.trainer.order import Order
from grader.trainer.replying import reply_of
from grader.trainer.result import Outcome, Trained, Untrainable, history_as_asked
from grader.trainer.results import Results
from grader.trainer.trained_on import reach_of
from grader.trainer.waiting import Over, never
from grader.trainer.workroom import Workroom
from grader.types import Message

# Of all trainings of a run, as long as they are expected to take: what they did take depends on the
# machine, and on who asked for the same before.
ALTOGETHER_SECONDS = 3600.0
HISTORY_NUMBERS = 400_000  # of all of them that are kept with the run
SEEN_BYTES = 64_000_000  # of rows that are kept with the run
FEW_ROWS = 64  # of a training that is beyond that
HELD_BYTES = 64_000_000  # of results that the notebook may go on from, whatever others push out
LONGEST_ERROR = 200
TELL_SECONDS = 1.0  # between two words about a training


@dataclass(frozen=True)
class UnderWay:
    """A training that is being done: for how many seconds, and which of its epochs, from 1."""

    seconds: float
    epoch: int
    epochs: int


Tell = Callable[[UnderWay | None], None]  # None: it is done
Take = Callable[[Order, Mapping[str, Trained]], None]  # with the result that it goes on from


class Reader(Protocol):
    """Reads orders, where a hostile one costs nobody else."""

    def order(
        self,
        order: Path,
        arrays: Path,
        answered: frozenset[str],
        spent: list[float] | None = None,
        seed: int = 0,
    ) -> Order | Message:
        """Read one; gives why where it is none."""


@dataclass
class Trainings:
    """The trainings of one run. ``take`` may end it over an order that nobody has trained."""

    judges: Reader
    room: Room
    results: Results
    secret: bytes
    attempt: int
    cores: tuple[int, ...] = ()
    spent: list[float] | None = None  # seconds of the judge that the submission took so far
    tell: Tell = lambda _: None
    take: Take = lambda *_: None
    once: Callable[..., Answer] = train_once
    device: str = CPU  # a class of accelerators whose results are taken
    over: Over = never  # whether nobody else's training is waited for any more
    _workroom: Workroom = field(init=False)
    _done: list[Training] = field(default_factory=list, init=False)
    _expected: float = field(default=0.0, init=False)  # seconds of the trainings so far
    _held: dict[str, Trained] = field(default_factory=dict, init=False)
    _numbers: int = field(default_factory=lambda: HISTORY_NUMBERS, init=False)

    def __post_init__(self) -> None:
        self._workroom = Workroom(self.room, self.cores)

    def close(self) -> None:
        """End the room: nobody asks any more."""
        self._workroom.close()

    @property
    def trainings(self) -> tuple[Training, ...]:
        """What was asked for and what was claimed, in turn."""
        return tuple(self._done)

    def claimed(self, cell: int, why: str) -> None:
        """Take note that the notebook trained by itself, and why, as it says."""
        self._done.append(Training(cell, why=Message("proof.told", {"why": why})))

    def train(self, order: Path, arrays: Path, cell: int, meanwhile: Meanwhile) -> Reply:
        """Do what an order asks for.

        Raises:
            GraderError: a fault of ours.
            NotAwaitedError: all was over while it waited for another one's training.
            PutOffError: it is trained with the class's; the run ends.
        """
        meanwhile()
        seed = derive(self.secret, "rows", self.attempt)
        asked = self.judges.order(order, arrays, self._answered(), self.spent, seed)
        if isinstance(asked, Message):
            return self._refused(cell, asked)
        if asked.after is not None and not self._is_there(asked.after.result):
            return self._refused(cell, Message("trainer.forgotten"))
        left = ALTOGETHER_SECONDS - self._expected
        if asked.work.seconds > left:
            args = {"seconds": round(asked.work.seconds), "most": max(0, round(left))}
            return self._refused(cell, Message("order.too_long", args))
        self.take(asked, self._before(asked))
        telling = Telling(self.tell, asked.fit.epochs)

        def looked() -> None:
            meanwhile()
            telling.meanwhile()

        try:
            answer = self.once(
                asked,
                self.room,
                self.results,
                secret=self.secret,
                attempt=self.attempt,
                cores=self.cores,
                progress=telling.progress,
                meanwhile=looked,
                held=self._held,
                kept=self._workroom,
                device=self.device,
                over=self.over,
            )
        finally:
            telling.close()
        self._expected += expected_of(asked, answer.outcome)
        if isinstance(answer.outcome, Untrainable):
            failed = answer.outcome
            told = {"step": failed.step, "error": failed.error[:LONGEST_ERROR]}
            return self._refused(cell, Message("proof.untrainable", told))
        reply = self._trained(cell, asked, answer, answer.outcome)
        self._forget_rows(seed)
        return reply

    def _forget_rows(self, seed: int) -> None:
        """Keep the rows of the last trainings; what is kept twice is written once."""
        left = SEEN_BYTES
        for place, one in reversed(list(enumerate(self._done))):
            left -= _rows_size(one)
            if left < 0 and one.sample is not None:
                self._done[place] = replace(one, sample=_some_of(one.sample, seed))

    def _answered(self) -> frozenset[str]:
        return frozenset(one.key for one in self._done if one.key)

    def _before(self, order: Order) -> Mapping[str, Trained]:
        key = order.after.result if order.after is not None else ""
        return {key: self._held[key]} if key in self._held else {}

    def _is_there(self, key: str) -> bool:
        return key in self._held or self.results.get(key) is not None

    def _hold(self, key: str, result: Trained) -> None:
        """Hold what a later training may go on from; the oldest goes first."""
        self._held.pop(key, None)
        self._held[key] = replace(result, history={}, each_epoch=())
        while sum(map(_size, self._held.values())) > HELD_BYTES:
            del self._held[next(iter(self._held))]

    def _refused(self, cell: int, why: Message) -> Reply:
        self._done.append(Training(cell, why=why))
        return Reply({"refused": {"id": why.id, "args": dict(why.args)}})

    def _trained(self, cell: int, order: Order, answer: Answer, result: Trained) -> Reply:
        seconds = 0.0 if answer.known else result.building + result.training
        self._hold(answer.key, result)
        history = history_as_asked(order, result)
        size = sum(map(len, history.values()))
        self._numbers -= size
        reach = reach_of(order.arrays, order.fit, result.epochs)
        self._done.append(
            Training(
                cell,
                key=answer.key,
                layers=layers_digest(order.architecture.layers),
                weights=weights_digest(result.weights),
                each_epoch=tuple(map(weights_digest, result.each_epoch)),
                before=order.after.result if order.after else "",
                epochs=result.epochs,
                rows=reach.rows,
                batch=order.fit.batch_size,
                samples=reach.samples,
                fresh=reach.fresh,
                updates=result.updates,
                moved=result.moved,
                seconds=round(seconds, 3),
                history=history if self._numbers >= 0 else {},
                sample=order.seen and at_most(order.seen, reach.samples),
                device=answer.device,
            )
        )
        told, found = reply_of(order, answer.key, result)
        file = io.BytesIO()
        np.savez(file, **found)  # type: ignore[arg-type]  # names are not options
        return Reply(told, file.getvalue())


def expected_of(order: Order, outcome: Outcome) -> float:
    """Give the seconds that a training counts: of an order that ended early, of its epochs.

    It is the same whether it was trained now, was known, or was trained on another machine.
    """
    asked = order.fit.epochs - order.fit.initial_epoch
    ran = outcome.epochs if isinstance(outcome, Trained) else asked
    return order.work.seconds * ran / asked


@dataclass
class Telling:
    """Tells about one training, now and then, if it takes a while."""

    tell: Tell
    epochs: int
    _epoch: int = 0
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0  # seconds after the beginning

    def progress(self, job: int, epoch: int, epochs: int) -> None:
        """Take note of an epoch."""
        del job
        self._epoch, self.epochs = epoch + 1, epochs

    def meanwhile(self) -> None:
        """Tell, unless it was told just now."""
        seconds = time.monotonic() - self._began
        if seconds - self._told >= TELL_SECONDS:
            self._told = seconds
            self.tell(UnderWay(seconds, self._epoch, self.epochs))

    def close(self) -> None:
        """Tell that it is done, where it was told of."""
        if self._told:
            self.tell(None)


def _size(result: Trained) -> int:
    return sum(array.nbytes for array in (*result.weights, *result.optimizer))


def _some_of(sample: FitSample, seed: int) -> FitSample:
    """Keep some rows, drawn by a seed that no room knows; how many there were stays known."""
    if sample.x is None or sample.y is None or len(sample.x.rows) <= FEW_ROWS:
        return sample
    drawn = np.random.default_rng(seed).choice(len(sample.x.rows), FEW_ROWS, replace=False)
    x, y = (replace(part, rows=part.rows[drawn]) for part in (sample.x, sample.y))
    return replace(sample, x=x, y=y)


def _rows_size(training: Training) -> int:
    sample = training.sample
    parts = (sample.x, sample.y) if sample is not None else ()
    return sum(part.rows.nbytes for part in parts if part is not None)
