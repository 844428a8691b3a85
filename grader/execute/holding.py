"""Holds what the models of one notebook claim, within bounds and every array once.

Enters: Candidates while they grow. Leaves: the same, lighter where they were too heavy. Touches
nothing.

The heaviest model gives way first, however many there are: what a small model claims is never lost
because of a large one. It gives the least telling first, its weights after samples and jumps, and
says so by ``Candidate.bare``.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from grader.execute.caps import ARRAY_BYTES, NUMBER_BYTES, VALUE_BYTES
from grader.execution import ArraySample, Candidate, Fit, FitSample
from grader.types import Array, Json

PARTS = ("x", "y")
_ROOMY = 15 / 16  # of what may be held
LOSSES = frozenset({"loss", "val_loss"})
HUGE_CONFIG: dict[str, Json] = {"class_name": "?", "config": {}, "opaque": True}


@dataclass
class _Earlier:
    """What a model's fits but the last one weigh: they stay until they are lightened."""

    fits: int = 0  # that were weighed
    arrays: set[int] = field(default_factory=set)  # by identity
    bytes: int = 0  # of the arrays
    numbers: int = 0

    def add(self, fit: Fit) -> None:
        """Weigh one more."""
        self.fits += 1
        self.numbers += _numbers(fit)
        self.bytes += self.unknown(_rows(fit.sample))
        self.arrays.update(map(id, _rows(fit.sample)))

    def unknown(self, arrays: Iterable[Array]) -> int:
        """Weigh arrays that are not among these."""
        weights = {id(array): max(ARRAY_BYTES, array.nbytes) for array in arrays}
        return sum(weights[one] for one in weights.keys() - self.arrays)


@dataclass
class ModelSoFar:
    """One model while its events are read."""

    candidate: Candidate
    open_fit: Fit | None = None
    left: tuple[Array, ...] = ()  # weights that the last fit left
    values: int = 0  # in the configuration's JSON
    calls: int = 0  # of all fits that ended
    epochs: int = 0
    _earlier: _Earlier = field(default_factory=_Earlier)
    _on_data: dict[int, int] = field(default_factory=dict)  # number of a fit, by its data's digest

    @property
    def fits(self) -> tuple[Fit, ...]:
        """All fits, that which goes on included."""
        return (*self.candidate.fits, *([self.open_fit] if self.open_fit else ()))

    def add(self, *fits: Fit) -> None:
        """Add fits that have ended."""
        for number, fit in enumerate(fits, start=len(self.candidate.fits)):
            self.calls += fit.calls
            self.epochs += fit.epochs_run
            if fit.sample.digest is not None:
                self._on_data[fit.sample.digest] = number
        self.candidate = replace(self.candidate, fits=(*self.candidate.fits, *fits))

    def take_back(self) -> Fit:
        """Take the last fit out, to be told anew."""
        *others, last = self.candidate.fits
        self.calls -= last.calls
        self.epochs -= last.epochs_run
        self.candidate = replace(self.candidate, fits=tuple(others))
        return last

    def sample_of(self, digest: int) -> FitSample | None:
        """Give what the last fit on these data was given."""
        fits = self.candidate.fits
        number = self._on_data.get(digest, len(fits))
        if number < len(fits) and fits[number].sample.digest == digest:
            return fits[number].sample
        return None

    def lighten_fits(self, change: Callable[[Fit], Fit]) -> None:
        """Put lighter ones in their place."""
        self._earlier = _Earlier()
        self.candidate = replace(self.candidate, fits=tuple(map(change, self.candidate.fits)))
        if self.open_fit is not None:
            self.open_fit = change(self.open_fit)

    def weight(self) -> int:
        """Bytes that it takes in memory, roughly. Each fit is looked at once, but for the last."""
        fits, earlier = self.candidate.fits, self._earlier
        for fit in fits[earlier.fits : -1]:
            earlier.add(fit)
        last = (*fits[-1:], *([self.open_fit] if self.open_fit else ()))
        unique = earlier.bytes + earlier.unknown(self._arrays(last))
        numbers = earlier.numbers + sum(map(_numbers, last))
        return unique + NUMBER_BYTES * numbers + VALUE_BYTES * self.values

    def _arrays(self, fits: Iterable[Fit]) -> Iterator[Array]:
        one = self.candidate
        yield from (*one.initial, *one.final, *self.left)
        yield from _rows(one.own_sample) if one.own_sample is not None else ()
        for jump in one.jumps:
            yield from (*jump.left, *jump.found)
        for fit in fits:
            yield from _rows(fit.sample)


def _numbers(fit: Fit) -> int:
    return sum(map(len, fit.history.values()))


@dataclass
class HeldClaims:
    """Stories by model, and the arrays that any of them holds, by what is in them."""

    most: int  # bytes, of all models together
    models: dict[int, ModelSoFar] = field(default_factory=dict)
    lightened: set[int] = field(default_factory=set)  # models that lost something
    _known: weakref.WeakValueDictionary[bytes, Array] = field(
        default_factory=weakref.WeakValueDictionary
    )
    _weights: dict[int, int] = field(default_factory=dict)  # bytes by model
    _held: int = 0  # the sum of them

    def shared(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Give arrays, in place of those that are known already the known ones."""
        return {name: self._share(array) for name, array in arrays.items()}

    def _share(self, array: Array) -> Array:
        digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=20)
        if array.size:
            digest.update(np.ascontiguousarray(array).data)
        return self._known.setdefault(digest.digest(), array)

    def settle(self, number: int) -> None:
        """Make the heaviest models lighter until all fit; ``number``: the model that has grown.

        An array that two models share counts for both, so that only what has grown is weighed. Then
        there is room for more than one event: who adds little each time does not make us do it all
        each time.
        """
        self._weigh(number)
        if self._held <= self.most:
            return
        spent: set[int] = set()
        while self._held > _ROOMY * self.most and len(spent) < len(self._weights):
            heaviest = max(self._weights.keys() - spent, key=self._weights.__getitem__)
            if not self._lighten(heaviest):
                spent.add(heaviest)

    def _weigh(self, number: int) -> None:
        weight = self.models[number].weight()
        self._held += weight - self._weights.get(number, 0)
        self._weights[number] = weight

    def _lighten(self, number: int) -> bool:
        """Let a model give something; whether it had anything to give."""
        before = self._weights[number]
        for give in _GIVE:
            give(self.models[number])
            self._weigh(number)
            if self._weights[number] < before:
                self.lightened.add(number)
                return True
        return False


def _give_metrics(model: ModelSoFar) -> None:
    model.lighten_fits(lambda fit: replace(fit, history=_only(fit, LOSSES)))


def _give_samples(model: ModelSoFar) -> None:
    """Of all fits but the longest and the last."""
    told = [fit for fit in model.fits if fit.sample.x is not None]
    kept = [id(max(told, key=lambda fit: fit.epochs_run).sample)] if told else []
    kept += [id(fit.sample) for fit in model.fits[-1:]]
    model.lighten_fits(lambda fit: fit if id(fit.sample) in kept else _without_rows(fit))


def _give_jumps(model: ModelSoFar) -> None:
    model.candidate = replace(model.candidate, jumps=())


def _give_weights(model: ModelSoFar) -> None:
    model.left = ()
    model.candidate = replace(model.candidate, initial=(), final=(), jumps=(), bare=True)


def _give_history(model: ModelSoFar) -> None:
    model.lighten_fits(lambda fit: replace(_without_rows(fit), history={}))
    model.candidate = replace(model.candidate, own_sample=None)


def _give_configuration(model: ModelSoFar) -> None:
    model.values = 0
    model.candidate = replace(model.candidate, config=HUGE_CONFIG, compile={})


_GIVE: tuple[Callable[[ModelSoFar], None], ...] = (
    _give_metrics,
    _give_samples,
    _give_jumps,
    _give_weights,
    _give_history,
    _give_configuration,
)


def _only(fit: Fit, metrics: Iterable[str]) -> dict[str, tuple[float, ...]]:
    return {name: values for name, values in fit.history.items() if name in metrics}


def _rows(sample: FitSample) -> Iterator[Array]:
    for name in PARTS:
        part: ArraySample | None = getattr(sample, name)
        if part is not None:
            yield part.rows
    for one in sample.others:
        yield from (one.x.rows, one.y.rows)


def _without_rows(fit: Fit) -> Fit:
    """Keep the shapes of what was given to fit, and no row."""
    sample = fit.sample
    for name in PARTS:
        part: ArraySample | None = getattr(sample, name)
        if part is not None:
            bare: dict[str, Any] = {name: replace(part, rows=_no_rows(part.rows))}
            sample = replace(sample, **bare)
    return replace(fit, sample=replace(sample, others=()))


def _no_rows(rows: Array) -> Array:
    return _empty(rows.dtype.str, rows.shape[1:]) if len(rows) else rows


@lru_cache(maxsize=64)
def _empty(dtype: str, shape: tuple[int, ...]) -> Array:
    """Give one for all: an array of their own for each fit would weigh more than rows do."""
    return np.empty((0, *shape), dtype)
