"""Where a run's trainings are asked for and answered, while its notebook waits.

Enters: what the driver wrote into ``out/orders``, claims; somebody who trains. Leaves: answers in
``in/answers``, which the driver can only read. Touches: those two folders.

An order itself is not read here: whoever trains has it read where a hostile one costs nobody else.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from grader.arrays import BadArraysError, read_bounded
from grader.execute.caps import CLAIMED, HEAD_BYTES, ORDERS, WHY_TEXT
from grader.execution import Training
from grader.room.lending import lend

Meanwhile = Callable[[], None]


@dataclass(frozen=True)
class Reply:
    """What the notebook is told: JSON, and arrays as an npz file."""

    told: Mapping[str, Any]
    arrays: bytes = b""


class Trainer(Protocol):
    """Trains what one run of a notebook asks for, and keeps what came of it."""

    def train(self, order: Path, arrays: Path, cell: int, meanwhile: Meanwhile) -> Reply:
        """Do what an order asks for.

        Args:
            order: its text, a claim.
            arrays: its arrays, the same.
            cell: that asks, as the driver says.
            meanwhile: called again and again; what it raises ends the training.

        Raises:
            GraderError: a fault of ours.
        """

    def claimed(self, cell: int, why: str) -> None:
        """Take note that the notebook trained by itself, and why, as it says."""

    @property
    def trainings(self) -> tuple[Training, ...]:
        """What was asked for and what was claimed, in turn."""

    def close(self) -> None:
        """End what is held for later trainings: the run is over."""


class _Head(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    cell: Annotated[int, Field(ge=0, le=10**9)]
    claimed: Annotated[str, Field(max_length=WHY_TEXT)] | None


@dataclass
class Orders:
    """The trainings of one run. ``waits``: seconds by cell in which it waited for them."""

    folder: Path
    trainer: Trainer
    waits: dict[int, float] = field(default_factory=dict, init=False)
    _number: int = field(default=0, init=False)
    _asked: int = field(default=0, init=False)

    @property
    def waited(self) -> float:
        """Seconds in which the notebook waited, in all cells together."""
        return math.fsum(self.waits.values())

    def look(self, meanwhile: Meanwhile) -> None:
        """Take what was asked since the last look, in turn.

        Raises:
            GraderError: a fault of ours.
        """
        for path, head in self._heads():
            if head.claimed is not None:
                self.trainer.claimed(head.cell, head.claimed)
            elif self._asked < ORDERS:
                self._asked += 1
                self._train(path, head.cell, meanwhile)

    def close(self) -> None:
        """Take what was still claimed; for what is asked nobody waits any more."""
        for _, head in self._heads():
            if head.claimed is not None:
                self.trainer.claimed(head.cell, head.claimed)

    def _heads(self) -> Iterator[tuple[Path, _Head]]:
        """Give what there is, each once; what cannot be read is passed over."""
        while self._number < ORDERS + CLAIMED:
            path = self.folder / "out" / "orders" / f"{self._number + 1:04d}.json"
            try:
                head = _Head.model_validate_json(read_bounded(path, HEAD_BYTES))
            except FileNotFoundError:
                return
            except (OSError, BadArraysError, ValueError):
                self._number += 1
                continue
            self._number += 1
            yield path, head

    def _train(self, path: Path, cell: int, meanwhile: Meanwhile) -> None:
        began = time.monotonic()
        try:
            order, arrays = path.with_suffix(".order"), path.with_suffix(".npz")
            reply = self.trainer.train(order, arrays, cell, meanwhile)
            self._put(path.stem, reply)
        finally:
            self.waits[cell] = self.waits.get(cell, 0.0) + time.monotonic() - began

    def _put(self, stem: str, reply: Reply) -> None:
        """Write an answer whole; the one before it was read long ago."""
        answers = self.folder / "in" / "answers"
        for old in answers.iterdir():
            with contextlib.suppress(OSError):
                old.unlink()
        new = answers / f".{stem}"
        new.write_bytes(reply.arrays)
        lend(new, f"{stem}.npz")
        new.write_text(json.dumps(dict(reply.told)), encoding="utf-8")
        lend(new, f"{stem}.json")
