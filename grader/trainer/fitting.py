"""Reads what ``fit`` was asked for: epochs, batches, what is held back, class weights.

Enters: claims. Leaves: FitSettings in which what Keras leaves open is said. Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from grader.trainer.refusing import refuse
from grader.trainer.rows import SIZES, VALIDATION_X, WEIGHT, X
from grader.trainer.settings import rounded
from grader.types import Array

MOST_EPOCHS = 100_000
MOST_CLASSES = 10_000
BATCH = 32  # Keras' own

_Count = Annotated[int, Field(ge=1, le=10**9)]


class FitClaim(BaseModel):
    """The arguments of ``fit`` as an order tells them."""

    model_config = ConfigDict(strict=True, extra="forbid")
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = 1
    initial_epoch: Annotated[int, Field(ge=0, lt=MOST_EPOCHS)] = 0
    batch_size: _Count | None = None
    steps_per_epoch: _Count | None = None
    shuffle: bool = True
    validation_split: Annotated[float, Field(ge=0, lt=1)] | None = None
    validation_batch_size: _Count | None = None
    validation_steps: _Count | None = None
    validation_freq: _Count | None = None
    class_weight: Annotated[dict[str, float], Field(max_length=MOST_CLASSES)] | None = None


@dataclass(frozen=True)
class FitSettings:
    """What ``fit`` is given. Of a fit without validation, nothing about it."""

    epochs: int  # the number of the last one
    initial_epoch: int
    batch_size: int
    steps_per_epoch: int | None
    shuffle: bool
    validation_split: float
    validation_batch_size: int | None
    validation_steps: int | None
    validation_freq: int
    class_weight: tuple[tuple[int, float], ...]

    def as_json(self) -> dict[str, Any]:
        """Give what the trainer's room fits with."""
        return asdict(self) | {"class_weight": [list(pair) for pair in self.class_weight]}


@dataclass(frozen=True)
class Extent:
    """How far a fit goes at most: epochs, updates, batches of validation data."""

    epochs: int
    updates: int
    checked: int


def read_fit(claim: FitClaim, arrays: Mapping[str, Array]) -> FitSettings:
    """Read the arguments of ``fit``.

    Raises:
        NotAnOrderError: no epoch to train, or what Keras' ``fit`` itself refuses.
    """
    if claim.initial_epoch >= claim.epochs:
        refuse("order.no_epoch")
    weights = _class_weight(claim.class_weight or {})
    if weights and WEIGHT in arrays:
        refuse("order.weights_twice")
    batch = min(claim.batch_size or BATCH, len(arrays[X]))
    given = VALIDATION_X in arrays
    settings = FitSettings(
        epochs=claim.epochs,
        initial_epoch=claim.initial_epoch,
        batch_size=batch,
        steps_per_epoch=claim.steps_per_epoch,
        shuffle=claim.shuffle,
        validation_split=0.0 if given else claim.validation_split or 0.0,
        validation_batch_size=claim.validation_batch_size or claim.batch_size or BATCH,
        validation_steps=claim.validation_steps,
        validation_freq=claim.validation_freq or 1,
        class_weight=weights,
    )
    if SIZES in arrays:
        settings = _drawn(settings, arrays[SIZES])
    if not given and not settings.validation_split:
        return replace(
            settings, validation_batch_size=None, validation_steps=None, validation_freq=1
        )
    return settings


def _drawn(settings: FitSettings, sizes: Array) -> FitSettings:
    """Read a fit whose batches were drawn beforehand, those of all its epochs."""
    steps, left = divmod(len(sizes), settings.epochs - settings.initial_epoch)
    if left or settings.validation_split or settings.class_weight:
        refuse("order.turns")
    return replace(settings, batch_size=int(sizes.max()), steps_per_epoch=steps, shuffle=False)


def _class_weight(claim: Mapping[str, float]) -> tuple[tuple[int, float], ...]:
    for label, weight in claim.items():
        if not (label.isascii() and label.isdigit() and len(label) <= len(str(MOST_CLASSES))):
            refuse("order.unreadable", what="class_weight")
        if not (math.isfinite(weight) and weight >= 0):
            refuse("order.unreadable", what="class_weight")
    return tuple(sorted((int(label), rounded(float(weight))) for label, weight in claim.items()))


def extent(settings: FitSettings, arrays: Mapping[str, Array]) -> Extent:
    """Count what is trained and validated, as Keras does.

    Raises:
        NotAnOrderError: the split leaves nothing to train on, or nothing to validate with.
    """
    rows, checked = len(arrays[X]), len(arrays.get(VALIDATION_X, ()))
    if settings.validation_split:
        trained = math.floor(rows * (1.0 - settings.validation_split))
        rows, checked = trained, rows - trained
        if not rows or not checked:
            refuse("order.split")
    epochs = settings.epochs - settings.initial_epoch
    batches = math.ceil(rows / settings.batch_size)
    steps = min(settings.steps_per_epoch or batches, batches)
    if SIZES in arrays:
        steps = len(arrays[SIZES]) // epochs
    validations = 0
    if settings.validation_batch_size is not None:
        validations = math.ceil(checked / settings.validation_batch_size)
        validations = min(settings.validation_steps or validations, validations)
    times = math.ceil(epochs / settings.validation_freq)
    return Extent(epochs, epochs * steps, times * validations)
