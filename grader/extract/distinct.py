"""Rows that differ: a row that comes a second time teaches nothing new, so it is no second row.

Nor is one with a little noise on it.

Enters: a FitSample. Leaves: one whose sizes count each row once. Touches nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace

from grader.course.near import among, distinct_places
from grader.execution import ArraySample, FitSample
from grader.types import Scalar

DRAWN = "drawn"  # each row once, of all that was drawn
# Who holds back a part, as everybody should, has made these rows and knows them for data; who holds
# back most of them trains on something else.
MOST_HELD_BACK = 0.5
FIRST_BATCHES = frozenset({"dataset", "generator"})


def is_part(sample: FitSample) -> bool:
    """Whether a notebook shows less of what it trained on than there was room for.

    Of a fit that it trained itself it shows all rows, or as many as there is room for. Less is the
    first batch of a data set, or the first rows of a fit that was stopped.
    """
    x = sample.x
    if x is None or not len(x.rows):
        return False  # nothing was seen, and that is said otherwise
    if sample.kind in FIRST_BATCHES:
        return True
    showing = sample.showing
    return not shows_all(sample) and (showing is None or fits_more(sample, showing.left))


def shows_all(sample: FitSample) -> bool:
    """Whether all rows that a fit was given are there, each once at least."""
    return sample.x is not None and len(sample.x.rows) >= told_rows(sample)


def told_rows(sample: FitSample) -> int:
    """Give how many rows a fit says it was given: those that differ, where it has told them apart.

    It counts what is the same to the last bit, and where that is not told each row.
    """
    if sample.differing is not None:
        return sample.differing
    return 0 if sample.x is None else sample.x.shape[0]


def fits_more(sample: FitSample, size: int) -> bool:
    """Whether another row would have had room in so many bytes."""
    rows = 0 if sample.x is None else len(sample.x.rows)
    return (rows + 1) * row_bytes(sample) <= size


def row_bytes(sample: FitSample) -> int:
    """Give the bytes of a row, inputs and targets together."""
    return sum(part.rows[:1].nbytes for part in (sample.x, sample.y) if part is not None)


def as_shown(sample: FitSample, most: int | None) -> FitSample:
    """Give what a notebook shows of what it trained on as arrays, with as many rows as differ.

    ``most``: so many count at most; None: all that it says there are.
    """
    if sample.kind == DRAWN or sample.kind in FIRST_BATCHES:
        sample = replace(sample, kind="arrays")
    return at_most(each_once(sample), most)


def at_most(sample: FitSample, most: int | None) -> FitSample:
    """Give what is known of rows of which so many count at most; None: as many as are told."""
    x, y = sample.x, sample.y
    if most is None or x is None or y is None or most >= x.shape[0]:
        return sample
    return replace(sample, x=_counting(x, most), y=_counting(y, most))


def trained_on(sample: FitSample, split: Scalar) -> FitSample:
    """Give the rows of arrays that are not held back for validation, where most of them are.

    ``split``: share of the rows, the last ones, as ``fit`` was told.
    """
    x, y = sample.x, sample.y
    if sample.differing is not None:
        return sample  # drawn from those that are not
    if not isinstance(split, float) or not MOST_HELD_BACK < split < 1.0 or x is None or y is None:
        return sample
    count = math.floor(x.shape[0] * (1.0 - split))
    return replace(sample, x=_first(x, count), y=_first(y, count))


def _first(part: ArraySample, count: int) -> ArraySample:
    return _counting(replace(part, rows=part.rows[:count]), count)


def each_once(sample: FitSample) -> FitSample:
    """Give what a notebook shows of its arrays, with as many rows as differ.

    Only some rows of many are shown: from these it is told how many of the others are new.
    """
    x, y = sample.x, sample.y
    if sample.kind != "arrays" or x is None or y is None or not x.shape or not y.shape:
        return sample
    if not shown_rows(sample) or x.shape[0] != y.shape[0]:
        return sample
    count = differing(sample, told_rows(sample))
    return replace(sample, x=_counting(x, count), y=_counting(y, count))


def differing(sample: FitSample, rows: int) -> int:
    """Give how many of so many rows differ, by those that a fit shows: first, or drawn."""
    shown = shown_rows(sample)
    if sample.x is None or sample.y is None or not shown:
        return 0
    places = distinct_places(sample.x.rows[:shown], sample.y.rows[:shown])
    return among(places, shown, rows)


def shown_rows(sample: FitSample) -> int:
    """Give how many rows are there with their targets."""
    return min(0 if part is None else len(part.rows) for part in (sample.x, sample.y))


def _counting(part: ArraySample, count: int) -> ArraySample:
    return replace(part, shape=(count, *part.shape[1:]))
