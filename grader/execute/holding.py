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
from typing import Any

import numpy as np

from grader.execute.caps import ARRAY_BYTES, NUMBER_BYTES, VALUE_BYTES
from grader.types import Array, ArraySample, Candidate, Fit, FitSample, Json

PARTS = ("x", "y", "validation_x", "validation_y")
LOSSES = frozenset({"loss", "val_loss"})
HUGE_CONFIG: dict[str, Json] = {"class_name": "?", "config": {}, "opaque": True}


@dataclass
class Story:
    """One model while its events are read."""

    candidate: Candidate
    open_fit: Fit | None = None
    left: tuple[Array, ...] = ()  # weights that the last fit left
    values: int = 0  # in the configuration's JSON

    @property
    def fits(self) -> tuple[Fit, ...]:
        """All fits, that which goes on included."""
        return (*self.candidate.fits, *([self.open_fit] if self.open_fit else ()))

    def arrays(self) -> Iterator[Array]:
        """Every array, some of them more than once."""
        one = self.candidate
        yield from (*one.initial, *one.final, *self.left)
        for jump in one.jumps:
            yield from (*jump.left, *jump.found)
        for fit in self.fits:
            yield from _rows(fit.sample)

    def weight(self) -> int:
        """Bytes that it takes in memory, roughly."""
        unique = {id(array): max(ARRAY_BYTES, array.nbytes) for array in self.arrays()}
        numbers = sum(len(values) for fit in self.fits for values in fit.history.values())
        return sum(unique.values()) + NUMBER_BYTES * numbers + VALUE_BYTES * self.values


@dataclass
class Shelf:
    """Stories by model, and the arrays that any of them holds, by what is in them."""

    most: int  # bytes, of all stories together
    stories: dict[int, Story] = field(default_factory=dict)
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
        """Make the heaviest stories lighter until all fit; ``number``: the model that has grown.

        An array that two models share counts for both, so that only what has grown is weighed.
        """
        self._weigh(number)
        spent: set[int] = set()
        while self._held > self.most and len(spent) < len(self._weights):
            heaviest = max(self._weights.keys() - spent, key=self._weights.__getitem__)
            if not self._lighten(heaviest):
                spent.add(heaviest)

    def _weigh(self, number: int) -> None:
        weight = self.stories[number].weight()
        self._held += weight - self._weights.get(number, 0)
        self._weights[number] = weight

    def _lighten(self, number: int) -> bool:
        """Let a story give something; whether it had anything to give."""
        before = self._weights[number]
        for give in _GIVE:
            give(self.stories[number])
            self._weigh(number)
            if self._weights[number] < before:
                self.lightened.add(number)
                return True
        return False


def _give_metrics(story: Story) -> None:
    _each_fit(story, lambda fit: replace(fit, history=_only(fit, LOSSES)))


def _give_samples(story: Story) -> None:
    """Of all fits but the longest and the last."""
    told = [fit for fit in story.fits if fit.sample.x is not None]
    kept = [id(max(told, key=lambda fit: fit.epochs_run).sample)] if told else []
    kept += [id(fit.sample) for fit in story.fits[-1:]]
    _each_fit(story, lambda fit: fit if id(fit.sample) in kept else _without_rows(fit))


def _give_jumps(story: Story) -> None:
    story.candidate = replace(story.candidate, jumps=())


def _give_weights(story: Story) -> None:
    story.left = ()
    story.candidate = replace(story.candidate, initial=(), final=(), jumps=(), bare=True)


def _give_history(story: Story) -> None:
    _each_fit(story, lambda fit: replace(_without_rows(fit), history={}))


def _give_configuration(story: Story) -> None:
    story.values = 0
    story.candidate = replace(story.candidate, config=HUGE_CONFIG, compile={})


_GIVE: tuple[Callable[[Story], None], ...] = (
    _give_metrics,
    _give_samples,
    _give_jumps,
    _give_weights,
    _give_history,
    _give_configuration,
)


def _each_fit(story: Story, change: Callable[[Fit], Fit]) -> None:
    story.candidate = replace(story.candidate, fits=tuple(map(change, story.candidate.fits)))
    if story.open_fit is not None:
        story.open_fit = change(story.open_fit)


def _only(fit: Fit, metrics: Iterable[str]) -> dict[str, tuple[float, ...]]:
    return {name: values for name, values in fit.history.items() if name in metrics}


def _rows(sample: FitSample) -> Iterator[Array]:
    for name in PARTS:
        part: ArraySample | None = getattr(sample, name)
        if part is not None:
            yield part.rows


def _without_rows(fit: Fit) -> Fit:
    """Keep the shapes of what was given to fit, and no row."""
    sample = fit.sample
    for name in PARTS:
        part: ArraySample | None = getattr(sample, name)
        if part is not None:
            bare: dict[str, Any] = {name: replace(part, rows=part.rows[:0].copy())}
            sample = replace(sample, **bare)
    return replace(fit, sample=sample)
