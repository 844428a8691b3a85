"""Whether few rows may stand for many: the run has shown as many right ones before.

Enters: what a fit shows, all that the run showed, a way to look at rows. Leaves: yes or no. Touches
nothing.

A fit for which there was no room left shows its first rows and a number. An honest notebook has
shown rows of that kind again and again by then; a number alone costs nothing. So it counts only
where as many rows of this form that are right and differ were shown, by whichever fit, or as many
as one fit may show at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from grader.extract.distinct import distinct_places, fits_more, is_whole, row_bytes
from grader.types import Array, ArraySample, Candidate, FitSample, Training

Right = Callable[[FitSample], bool]


def shown_by(candidates: Iterable[Candidate], trainings: Iterable[Training]) -> Iterator[FitSample]:
    """Give all rows that a run showed; those of trainings of ours too."""
    for candidate in candidates:
        yield from (fit.sample for fit in candidate.fits)
        if candidate.own_sample is not None:
            yield candidate.own_sample
    yield from (one.sample for one in trainings if one.sample is not None)


def stands_for_all(sample: FitSample, shown: Iterable[FitSample], is_right: Right) -> bool:
    """Whether the rows that a fit shows stand for all that it had.

    Args:
        sample: of that fit.
        shown: by all fits of the run, this one included.
        is_right: whether rows are the exercise's, however few of them are there.
    """
    x, y, showing = sample.x, sample.y, sample.showing
    if x is None or y is None or showing is None or is_whole(sample):
        return True  # all are there, or it is said otherwise what is not
    if not fits_more(sample, showing.most):
        return True
    row = max(1, row_bytes(sample))
    wanted = min(x.shape[0], showing.most // row)
    alike = {id(one.x.rows): one for one in shown if one.x and _form(one) == _form(sample)}
    most_first = sorted(alike.values(), key=_count, reverse=True)
    return _enough((one for one in most_first if is_right(_as_many(one, x.shape[0]))), wanted)


def _enough(right: Iterable[FitSample], wanted: int) -> bool:
    """Whether so many rows differ; no more of them are looked at than that takes."""
    inputs: list[Array] = []
    targets: list[Array] = []
    rows = looked = 0
    for one in right:
        assert one.x is not None
        assert one.y is not None
        count = _count(one)
        inputs.append(one.x.rows[:count])
        targets.append(one.y.rows[:count])
        rows += count
        if rows >= looked + wanted:  # else there is not much more than there was
            looked = rows
            if len(distinct_places(np.concatenate(inputs), np.concatenate(targets))) >= wanted:
                return True
    if not inputs or rows == looked or rows < wanted:
        return False
    return len(distinct_places(np.concatenate(inputs), np.concatenate(targets))) >= wanted


def _form(sample: FitSample) -> tuple[object, ...]:
    return tuple(
        (part.rows.dtype, part.rows.shape[1:]) if part is not None else None
        for part in (sample.x, sample.y)
    )


def _count(sample: FitSample) -> int:
    """Give how many rows there are with their targets."""
    return min(len(part.rows) if part is not None else 0 for part in (sample.x, sample.y))


def _as_many(sample: FitSample, count: int) -> FitSample:
    """Give these rows as the first ones of many: how many there are is not asked."""
    x, y = (_counting(part, count) for part in (sample.x, sample.y))
    return FitSample(x, y)


def _counting(part: ArraySample | None, count: int) -> ArraySample | None:
    if part is None:
        return None
    return replace(part, shape=(max(count, len(part.rows)), *part.shape[1:]))
