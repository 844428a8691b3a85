"""Rows that differ by more than a tolerance: noise makes no second row of one.

Enters: rows of numbers. Leaves: the places of rows that differ. Touches nothing.

A random projection lays rows in a line, in which those that are near each other are neighbours.
Which neighbours are near the rows themselves decide, so that none is taken for another one by
chance; what one line tears apart, the next one brings together. The projections follow from the
rows, so nobody can make rows for them.
"""

from __future__ import annotations

import hashlib

import numpy as np

from grader.types import Array

LINES = 6  # at most; one is enough where all rows differ
AT_A_TIME = 5000  # rows


def apart(rows: Array, tolerance: float | Array) -> Array:
    """Give the places of rows that differ, in order: of rows that are near each other, of one.

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
    left = np.arange(len(flat))
    for _ in range(LINES):
        line = _projected(flat[left], rng.standard_normal(flat.shape[1]) / tolerance)
        ordered = left[np.argsort(line, kind="stable")]
        kept = ordered[_leaders(flat, ordered, tolerance)]
        if len(kept) == len(left):
            break
        left = np.sort(kept)
    return left


def _projected(flat: Array, weights: Array) -> Array:
    """Give each row's place on a line: (rows,)."""
    parts = range(0, len(flat), AT_A_TIME)
    return np.concatenate([flat[at : at + AT_A_TIME] @ weights for at in parts])


def _leaders(flat: Array, ordered: Array, tolerance: float | Array) -> Array:
    """Say of rows in a line which are near none that leads before them: (rows,)."""
    near = np.zeros(len(ordered), dtype=bool)
    for at in range(1, len(ordered), AT_A_TIME):
        part = flat[ordered[at - 1 : at + AT_A_TIME]]
        near[at : at + AT_A_TIME] = (np.abs(np.diff(part, axis=0)) <= tolerance).all(axis=1)
    leads, leader = ~near, 0
    for place in map(int, np.flatnonzero(near)):
        leader = place - 1 if leads[place - 1] else leader
        step = np.abs(flat[ordered[place]] - flat[ordered[leader]])
        leads[place] = not (step <= tolerance).all()
    return leads
