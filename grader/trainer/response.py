"""Reads what the trainer's room wrote, as strictly as a student's claims.

Enters: the room's folder. Leaves: outcomes by the number of their order. Touches: reads it.

Only our code runs in that room, but a student's numbers went through it.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from grader.arrays import BadArraysError, read_bounded, read_npz
from grader.trainer.claims import MOST_CALLBACKS
from grader.trainer.order import EVERY_EPOCH_BYTES, Order
from grader.trainer.result import Outcome, Trained, Untrainable
from grader.trainer.work import MOST_PARAMS
from grader.types import Array, GraderError, Message

TEXT_BYTES = 64_000_000  # a history of 100,000 epochs
RESULT_BYTES = EVERY_EPOCH_BYTES + 4 * 4 * MOST_PARAMS  # weights, and an optimizer's three of each
MEMBERS = 200_000
PROGRESS_BYTES = 100
LONGEST_ERROR = 500
LONGEST_HISTORY = 50  # figures per epoch


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    failed: Annotated[str, Field(max_length=20)] = ""
    error: Annotated[str, Field(max_length=LONGEST_ERROR)] = ""
    history: Annotated[dict[str, list[float | None]], Field(max_length=LONGEST_HISTORY)] = {}
    epochs: Annotated[int, Field(ge=0)] = 0
    updates: Annotated[int, Field(ge=0)] = 0
    moved: bool = True
    callbacks: Annotated[list[dict[str, float | None]], Field(max_length=MOST_CALLBACKS)] = []
    building: Annotated[float, Field(ge=0)] = 0.0
    training: Annotated[float, Field(ge=0)] = 0.0


def read_outcome(folder: Path, number: int, order: Order) -> Outcome | None:
    """Read what came of one order; None where nothing did.

    Raises:
        GraderError: it is not what our own code writes.
    """
    path = folder / f"{number:04d}.json"
    try:
        text = read_bounded(path, TEXT_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, BadArraysError) as error:
        raise _unreadable(error) from error
    try:
        arrays = read_npz(path.with_suffix(".npz"), RESULT_BYTES, MEMBERS)
        return outcome_of(text, arrays, order.fit.epochs - order.fit.initial_epoch)
    except (OSError, BadArraysError, ValueError) as error:
        raise _unreadable(error) from error


def outcome_of(text: bytes, arrays: dict[str, Array], most_epochs: int) -> Outcome:
    """Make an outcome of what was told and of the arrays.

    Raises:
        ValueError: they do not fit together, or not the order.
    """
    told = _Told.model_validate_json(text)
    if told.failed:
        return Untrainable(told.failed, told.error)
    every = tuple(_numbered(arrays, f"e{epoch}") for epoch in range(told.epochs))
    result = Trained(
        history={key: tuple(values) for key, values in told.history.items()},
        epochs=told.epochs,
        updates=told.updates,
        moved=told.moved,
        weights=_numbered(arrays, "w"),
        optimizer=_numbered(arrays, "o"),
        each_epoch=every if any(every) else (),
        callbacks=tuple(told.callbacks),
        building=told.building,
        training=told.training,
    )
    lengths = {len(values) for key, values in result.history.items() if key == "loss"}
    if told.epochs > most_epochs or lengths != {told.epochs} or not result.optimizer:
        raise ValueError("history, epochs and arrays do not fit together")
    return result


def _numbered(arrays: dict[str, Array], prefix: str) -> tuple[Array, ...]:
    found: list[Array] = []
    while (array := arrays.get(f"{prefix}_{len(found):04d}")) is not None:
        found.append(array)
    return tuple(found)


def read_progress(folder: Path) -> tuple[int, int] | None:
    """Read which order and epoch is being done; an epoch of -1 is still being built."""
    with contextlib.suppress(OSError, BadArraysError, ValueError, RecursionError):
        match json.loads(read_bounded(folder / "progress", PROGRESS_BYTES)):
            case [int() as number, int() as epoch]:
                return number, epoch
    return None


def _unreadable(error: Exception) -> GraderError:
    return GraderError(Message("trainer.unreadable", {"error": str(error)[:300]}))
