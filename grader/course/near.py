"""Rows that differ by more than a tolerance: noise makes no second row of one.

Enters: rows of numbers. Leaves: the places of rows that differ; how many do among more rows than
were seen. Touches nothing.

A random projection lays rows in a line, in which those that are near each other are neighbours, or
nearly. Which of them are near the rows themselves decide, so that none is taken for another one by
chance; what one line tears apart, the next one brings together. The projections follow from the
rows, so nobody can make rows for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from grader.types import Array

LINES = 6  # at most; one is enough where all rows differ
BACK = 16  # rows of a line that each is compared with; noise lays others between those near it
SOME = 16  # numbers of a row that tell nearly all others apart
AT_A_TIME = 5000  # rows
# Products are compared no more finely than that (1e-5, of a spread of a quarter and more), readings
# far more coarsely; float32 rounds a hundred times more finely.
SAME = 3e-5  # of the range that four fifths of the numbers have
ROUNDED = 1e-5  # of their size
ENOUGH = 100_000  # numbers that tell it
LATE = 4  # the last quarter of what is seen tells whether new rows still come


def first_places(rows: Array) -> Array:
    """Give the place of each row where it comes first, in order; to the last bit.

    Args:
        rows: (rows, …), of any type.
    """
    if not rows.size:  # of nothing at all, whatever comes is the same
        return np.arange(min(1, len(rows)))
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    whole = flat.view(np.dtype((np.void, flat.shape[1] * flat.itemsize))).reshape(-1)
    return np.sort(np.unique(whole, return_index=True)[1])


def first_pairs(x: Array, y: Array) -> Array:
    """Give the place of each input with its target where it comes first, in order.

    Args:
        x: inputs, (rows, …).
        y: targets, (rows, …), as many.
    """
    if not len(x):
        return np.arange(0)
    flat = [np.ascontiguousarray(one).reshape(len(one), -1) for one in (x, y)]
    parts = [one.view(np.uint8).reshape(len(one), -1) for one in flat]
    return first_places(np.concatenate(parts, axis=1))


def distinct_places(x: Array, y: Array) -> Array:
    """Give the place of each row of inputs with its target where it comes first, in order.

    Args:
        x: inputs, (rows, …).
        y: targets, (rows, …), as many.
    """
    if not len(x):
        return np.zeros(0, dtype=np.int64)
    flat = [np.ascontiguousarray(_with_one_zero(one)).reshape(len(one), -1) for one in (x, y)]
    places = first_pairs(*flat)
    if not (x.size and y.size and all(np.issubdtype(one.dtype, np.floating) for one in (x, y))):
        return places  # whole numbers have no noise
    rows = np.concatenate([one[places] for one in flat], axis=1)
    with np.errstate(all="ignore"):  # what is not finite is like nothing
        return places[apart(rows, np.concatenate([_noise(x), _noise(y)]))]


def _noise(array: Array) -> Array:
    """Give what is no difference yet, for each number of a row: (numbers,), above 0.

    Each feature has a scale of its own, the last axis; neither outliers nor other features count.
    """
    features = array.shape[-1] if array.ndim > 1 else 1
    numbers = array.reshape(-1, features)
    numbers = numbers[:: max(1, len(numbers) // ENOUGH)].astype(np.float64)
    low, high = np.percentile(numbers, (10, 90), axis=0)
    spread = np.where(high > low, high - low, numbers.std(axis=0))
    noise = SAME * spread + ROUNDED * np.median(np.abs(numbers), axis=0)
    noise = np.where(np.isfinite(noise) & (noise > 0.0), noise, 1.0)
    return np.tile(noise, max(1, array[0].size // features))


def _with_one_zero(array: Array) -> Array:
    """Write -0.0, which is the same number, as 0.0."""
    return array + 0 if np.issubdtype(array.dtype, np.floating) else array


def among(places: Array, seen: int, rows: int) -> int:
    """Give how many of so many rows differ, where the first of them were seen.

    Of the others as many are new as in the last quarter of those, and no more than in all of them:
    few rows that are drawn again and again soon bring nothing new, however many they are.

    Args:
        places: of each row that differs, where it comes first, (differing,).
        seen: how many rows were, the first ones.
        rows: how many there are.
    """
    if not seen or rows <= seen:
        return min(len(places), rows)
    late = max(1, seen // LATE)
    new = min(len(places) / seen, float((places >= seen - late).sum()) / late)
    return len(places) + int((rows - seen) * new)


def apart(rows: Array, tolerance: float | Array) -> Array:
    """Give the places of rows that differ, in order: of rows that are near each other, the first.

    Args:
        rows: (rows, …), floating point.
        tolerance: by how much each number of two near rows may differ, above 0; for all, or one for
            each number of a row: (numbers,).
    """
    if not rows.size:
        return np.arange(len(rows))
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    digest = hashlib.sha256(flat.tobytes()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    some = rng.integers(flat.shape[1], size=SOME)
    each = np.broadcast_to(np.asarray(tolerance), flat.shape[1:])
    first = left = np.arange(len(flat))
    for _ in range(LINES):
        line = _projected(flat[left], rng.standard_normal(flat.shape[1]) / tolerance)
        ordered = left[np.argsort(line, kind="stable")]
        led_by = ordered[_leaders(flat, ordered, each, some)]
        kept = np.unique(led_by)
        if len(kept) == len(left):
            break
        earliest = first.copy()
        np.minimum.at(earliest, led_by, first[ordered])
        first, left = earliest, kept
    return np.sort(first[left])


def _projected(flat: Array, weights: Array) -> Array:
    """Give each row's place on a line: (rows,)."""
    parts = range(0, len(flat), AT_A_TIME)
    return np.concatenate([flat[at : at + AT_A_TIME] @ weights for at in parts])


def _leaders(flat: Array, ordered: Array, tolerance: Array, some: Array) -> Array:
    """Give for each row in a line the place of the one that leads it: itself, or one before it."""
    leaders = np.arange(len(ordered))
    for place, before in _near(flat, ordered, tolerance, some):
        leader = leaders[before]
        if leaders[place] == place and (
            leader == before
            or (np.abs(flat[ordered[place]] - flat[ordered[leader]]) <= tolerance).all()
        ):
            leaders[place] = leader
    return leaders


def _near(flat: Array, ordered: Array, tolerance: Array, some: Array) -> Iterator[tuple[int, int]]:
    """Give the places in a line of rows that are near one shortly before them, in order.

    ``some``: numbers of a row by which nearly all others are told apart.
    """
    for at in range(1, len(ordered), AT_A_TIME):
        start, end = max(0, at - BACK), min(at + AT_A_TIME, len(ordered))
        few, near = flat[ordered[start:end, None], some], []
        for back in range(1, min(BACK, end - start - 1) + 1):
            close = (np.abs(few[back:] - few[:-back]) <= tolerance[some]).all(axis=1)
            places = np.flatnonzero(close) + start + back
            places = places[places >= at]
            distances = np.abs(flat[ordered[places]] - flat[ordered[places - back]])
            near += [(int(one), int(one) - back) for one in places[(distances <= tolerance).all(1)]]
        yield from sorted(near, key=lambda pair: (pair[0], -pair[1]))
