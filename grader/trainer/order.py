"""Reads a training order: what ``compile`` and ``fit`` were asked for, as data.

Enters: JSON and named arrays out of a notebook's room, claims. Leaves: an Order, bounded before
anything is built of it. Touches nothing.

What an order cannot express is refused, never dropped: then the notebook trains by itself, and that
is worth what a claim is worth. All that would train alike is read into the same Order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.execution import FitSample
from grader.extract.architecture import Architecture
from grader.trainer.claims import AfterClaim, CompileClaim, parsed
from grader.trainer.fitting import Extent, FitSettings, extent, read_fit
from grader.trainer.layers import read_model
from grader.trainer.refusing import refuse
from grader.trainer.rows import SPARSE, VALIDATION_X, X, check_ranges, read_arrays, sample_shape
from grader.trainer.settings import (
    Named,
    is_number,
    read_callback,
    read_loss,
    read_metrics,
    read_optimizer,
    rounded,
)
from grader.trainer.work import Work, expected, measure
from grader.types import Array

VERSION = 1
EVERY_EPOCH_BYTES = 400_000_000  # of weights that are kept after every epoch
KEY = re.compile(r"[0-9a-f]{64}")
SCHEDULED = "learning_rate"


@dataclass(frozen=True)
class Compiled:
    """What ``compile`` was given. Metrics are told by their position, never by a name."""

    optimizer: Named
    loss: Named
    metrics: tuple[Named, ...] = ()
    weighted_metrics: tuple[Named, ...] = ()


@dataclass(frozen=True)
class After:
    """Which result a training goes on from, and whether with that one's optimizer."""

    result: str  # key
    optimizer_goes_on: bool


@dataclass(frozen=True)
class Order:
    """One training. ``metric_names``: as the notebook calls its metrics; the rest is its content.

    ``seeds`` are those that the notebook's initializers and dropout layers hold. They choose the
    trainer's own seed, nothing else; the trainer draws the first weights.
    """

    architecture: Architecture
    compiled: Compiled
    fit: FitSettings
    callbacks: tuple[Named, ...]
    rates: tuple[float, ...] | None  # one per epoch
    each_epoch: bool
    after: After | None
    seeds: tuple[int | None, ...]
    occurrence: int
    arrays: Mapping[str, Array]
    metric_names: tuple[str, ...]
    work: Work
    seen: FitSample | None = None  # what the judge keeps of its rows

    def as_json(self) -> dict[str, Any]:
        """Give what the trainer's room trains by; of equal orders it is the same text."""
        after = self.after
        return {
            "architecture": self.architecture.as_json(),
            "optimizer": self.compiled.optimizer.as_json(),
            "loss": self.compiled.loss.as_json(),
            "metrics": [one.as_json() for one in self.compiled.metrics],
            "weighted_metrics": [one.as_json() for one in self.compiled.weighted_metrics],
            "fit": self.fit.as_json(),
            "callbacks": [one.as_json() for one in self.callbacks],
            "rates": None if self.rates is None else list(self.rates),
            "each_epoch": self.each_epoch,
            "after": after and {"result": after.result, "goes_on": after.optimizer_goes_on},
        }


def read_order(claim: Any, arrays: Mapping[str, Array], answered: Collection[str] = ()) -> Order:
    """Read an order.

    Args:
        claim: parsed JSON. Its text must have been bounded before.
        arrays: x, y and, where there are any, sample_weight, validation_x, validation_y and
            validation_weight; each (rows, …).
        answered: keys of the results that this notebook was given; it may go on from no others.

    Raises:
        NotAnOrderError: it cannot be read, or cannot be trained as it was meant, or is too large.
    """
    told = parsed(claim)
    model = told.model
    architecture = read_model(
        {"class_name": model.class_name, "config": model.config, "input_shape": model.input_shape}
    )
    compiled, names = _compiled(told.compile)
    rows = read_arrays(arrays)
    sparse = bool(SPARSE & {compiled.loss.name, *(m.name for m in compiled.metrics)})
    check_ranges(architecture, sparse, rows)
    architecture = _as_fed(architecture, rows)
    fit = read_fit(told.fit, rows)
    reach = extent(fit, rows)
    work = _work(architecture, fit, reach, rows)
    if told.each_epoch and reach.epochs * work.params * 4 > EVERY_EPOCH_BYTES:
        refuse("order.too_many_bytes", most=EVERY_EPOCH_BYTES // 10**6)
    return Order(
        architecture=architecture,
        compiled=compiled,
        fit=fit,
        callbacks=_callbacks(told.callbacks, names, compiled),
        rates=_rates(told.rates, reach.epochs, told.callbacks, compiled),
        each_epoch=told.each_epoch,
        after=_after(told.after, answered),
        seeds=tuple(told.seeds),
        occurrence=told.occurrence,
        arrays=rows,
        metric_names=names,
        work=work,
    )


def _compiled(claim: CompileClaim) -> tuple[Compiled, tuple[str, ...]]:
    metrics, names = read_metrics(claim.metrics)
    weighted, others = read_metrics(claim.weighted_metrics)
    if len({*names, *others, "loss"}) <= len(names) + len(others):  # Keras would rename one
        refuse("order.unreadable", what="metrics")
    optimizer, loss = read_optimizer(claim.optimizer), read_loss(claim.loss)
    return Compiled(optimizer, loss, metrics, weighted), (*names, *others)


def _as_fed(architecture: Architecture, arrays: Mapping[str, Array]) -> Architecture:
    """Give the architecture with the input's shape as the arrays have it, open sizes filled."""
    samples = {
        sample_shape(architecture.input_shape, arrays[name].shape[1:])
        for name in (X, VALIDATION_X)
        if name in arrays
    }
    only = samples.pop() if len(samples) == 1 else None
    return replace(architecture, input_shape=only) if only is not None else architecture


def _work(
    architecture: Architecture, fit: FitSettings, reach: Extent, arrays: Mapping[str, Array]
) -> Work:
    samples = [
        sample_shape(architecture.input_shape, arrays[name].shape[1:])
        for name in (X, VALIDATION_X)
        if name in arrays
    ]
    models = [measure(architecture, sample) for sample in samples if sample is not None]
    largest = max(models, key=lambda one: (one.held, one.products, one.steps))
    largest = replace(largest, steps=max(one.steps for one in models))
    batch = max(fit.batch_size, fit.validation_batch_size or 0)
    rows = max(len(array) for array in arrays.values())
    return expected(largest, batch=min(batch, rows), updates=reach.updates, checked=reach.checked)


def _callbacks(
    claims: list[list[Any]], names: tuple[str, ...], compiled: Compiled
) -> tuple[Named, ...]:
    found = []
    for claim in claims:
        match claim:
            case [str() as name, dict() as config]:
                found.append(_by_position(read_callback(name, config), names))
            case _:
                refuse("order.unreadable", what="callbacks")
    if any(one.name == "ReduceLROnPlateau" for one in found) and _is_scheduled(compiled):
        refuse("order.rates")  # Keras raises
    return tuple(found)


def _by_position(callback: Named, names: tuple[str, ...]) -> Named:
    """Say by its position which metric is watched; Keras raises where none has that name."""
    watched = callback.settings.get("monitor", "val_loss")
    if callback.name == "TerminateOnNaN":
        return callback
    base = str(watched).removeprefix("val_")
    if base in names:
        position = f"metric_{names.index(base)}"
        watched = position if base == watched else f"val_{position}"
    elif base != "loss":
        refuse("order.monitor", name=str(watched))
    return replace(callback, settings={**callback.settings, "monitor": watched})


def _is_scheduled(compiled: Compiled) -> bool:
    return isinstance(compiled.optimizer.settings.get(SCHEDULED), Mapping)


def _rates(
    claim: list[float] | None, epochs: int, callbacks: list[list[Any]], compiled: Compiled
) -> tuple[float, ...] | None:
    if claim is None:
        return None
    reduced = any(one[:1] == ["ReduceLROnPlateau"] for one in callbacks)
    fine = all(is_number(rate) and rate >= 0 for rate in claim)
    if len(claim) != epochs or not fine or reduced or _is_scheduled(compiled):
        refuse("order.rates")
    return tuple(rounded(float(rate)) for rate in claim)


def _after(claim: AfterClaim | None, answered: Collection[str]) -> After | None:
    if claim is None:
        return None
    if not KEY.fullmatch(claim.result) or claim.result not in answered:
        refuse("order.after")
    return After(claim.result, claim.optimizer == "goes_on")
