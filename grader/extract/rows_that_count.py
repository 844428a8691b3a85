"""How much a number of rows is worth that few of them stand for: what the run has shown before.

Enters: what a fit shows, all that the run showed, a way to look at rows. Leaves: how many count.
Touches nothing.

A fit for which there was no room left shows its first rows and a number. An honest notebook has
shown rows of that kind again and again by then; a number alone costs nothing. So it counts as far
as rows of this form that are as right and differ were shown, by whichever fit. Where one of those
showed as many as any fit may, or as many as this one says it has, the number counts, and how many
of them differ is as that one shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from grader.course.near import distinct_places
from grader.execution import ArraySample, Candidate, FitSample, Training
from grader.extract.distinct import (
    differing,
    fits_more,
    row_bytes,
    shown_rows,
    shows_all,
    told_rows,
)
from grader.types import Array

Shares = Mapping[str, float]
Look = Callable[[FitSample], Shares]
# Of rows that are half right, one sample of 512 holds a twentieth more of right ones than another.
AS_RIGHT = 0.9
BY_CHANCE = 0.1  # so few are right in a respect that it says nothing of the others


@dataclass(frozen=True)
class RowsThatCount:
    """What a fit's number of rows is worth.

    Attributes:
        most: rows that differ, as many as count at most; None: as many as it says.
        in_part: more than these were never shown, by no fit.
    """

    most: int | None = None
    in_part: bool = False


ALL = RowsThatCount()


def shown_by(candidates: Iterable[Candidate], trainings: Iterable[Training]) -> Iterator[FitSample]:
    """Give all rows that a run showed; those of trainings of ours too."""
    for candidate in candidates:
        yield from (fit.sample for fit in candidate.fits)
        if candidate.own_sample is not None:
            yield candidate.own_sample
    yield from (one.sample for one in trainings if one.sample is not None)


def rows_that_count(sample: FitSample, shown: Iterable[FitSample], look: Look) -> RowsThatCount:
    """Say what the number of rows is worth that a fit says it had.

    Args:
        sample: of that fit.
        shown: by all fits of the run, this one included.
        look: says of rows how right they are in each respect, from 0 to 1; {} where nobody can.
    """
    x, y, showing = sample.x, sample.y, sample.showing
    if x is None or y is None or showing is None or shows_all(sample):
        return ALL  # all are there, or it is said otherwise what is not
    if not fits_more(sample, showing.most):
        return ALL
    said = told_rows(sample)
    room = min(said, showing.most // max(1, row_bytes(sample)))
    wanted = differing(sample, said)
    alike = {id(one.x.rows): one for one in shown if one.x and _form(one) == _form(sample)}
    own, most, in_part, together = look(as_many(sample, said)), 0, True, _Together()
    for one in sorted(alike.values(), key=shown_rows, reverse=True):
        if not in_part and shown_rows(one) < room:
            break  # the others show less of what some have shown as far as can be
        share = beside(own, look(as_many(one, said)))
        if share < AS_RIGHT:
            most = max(most, int(share * differing(one, shown_rows(one))))
            continue
        if shown_rows(one) >= room:
            most, in_part = max(most, differing(one, said)), False
        together.add(one, room)
        if most >= wanted or together.rows >= room:
            return ALL
    most = max(most, together.counted())
    return ALL if most >= wanted else RowsThatCount(most, in_part)


def beside(own: Shares, other: Shares) -> float:
    """Give how right other rows are beside a fit's own, in the respect in which they are least."""
    told = ((other.get(name, 0.0), share) for name, share in own.items() if share > BY_CHANCE)
    return min((1.0, *(there / share for there, share in told)))


@dataclass
class _Together:
    """Rows of several fits, and how many of them differ."""

    rows: int = 0  # that differ, as far as they were counted
    _inputs: list[Array] = field(default_factory=list)
    _targets: list[Array] = field(default_factory=list)
    _added: int = 0
    _looked: int = 0

    def add(self, sample: FitSample, enough: int) -> None:
        """Add rows, and count again once there are so many more."""
        assert sample.x is not None
        assert sample.y is not None
        count = shown_rows(sample)
        self._inputs.append(sample.x.rows[:count])
        self._targets.append(sample.y.rows[:count])
        self._added += count
        if self._added >= self._looked + enough:
            self.counted()

    def counted(self) -> int:
        """Give how many of them differ."""
        if self._added > self._looked:
            self._looked = self._added
            pair = np.concatenate(self._inputs), np.concatenate(self._targets)
            self.rows = len(distinct_places(*pair))
        return self.rows


def _form(sample: FitSample) -> Sequence[object]:
    return tuple(
        (part.rows.dtype, part.rows.shape[1:]) if part is not None else None
        for part in (sample.x, sample.y)
    )


def as_many(sample: FitSample, count: int) -> FitSample:
    """Give these rows as the first ones of many: how many there are is not asked."""
    x, y = (_counting(part, count) for part in (sample.x, sample.y))
    return FitSample(x, y)


def _counting(part: ArraySample | None, count: int) -> ArraySample | None:
    if part is None:
        return None
    return replace(part, shape=(max(count, len(part.rows)), *part.shape[1:]))
