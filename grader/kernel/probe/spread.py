"""In the notebook's room: which rows of many are shown, drawn from all of them.

Enters: arrays of rows. Leaves: places. Touches nothing.

Each row has a number that follows from its content, as good as a random one, and those with the
smallest numbers are drawn. So each is drawn once however often it comes, the same data show the
same rows, and how many differ is known without keeping any. An order's rows are drawn likewise,
at the judge's end (``grader/trainer/seen.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BYTES_AT_A_TIME = 2**22
WORD = 4  # bytes
# Constants of splitmix64 (Steele, Lea and Flood, 2014), which makes of sums random numbers.
MIXED = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
LAST_SHIFT = 31


def drawn_places(parts: Sequence[np.ndarray], most: int) -> tuple[np.ndarray, int]:
    """Give the places of rows that differ, and how many of all do.

    In their order where there are no more than ``most``, else so many, as they are drawn.

    Args:
        parts: inputs and targets, (rows, …) each.
        most: rows.
    """
    _, first = np.unique(_numbers(parts), return_index=True)  # by their numbers
    return (np.sort(first) if len(first) <= most else first[:most]), len(first)


def _numbers(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Give each row's number, (rows,): equal rows have equal ones."""
    count, size = len(parts[0]), sum(part[:1].nbytes for part in parts)
    words = -(-size // WORD)
    factors = np.random.default_rng(0).integers(2**64, size=words, dtype=np.uint64) | np.uint64(1)
    numbers = np.zeros(count, np.uint64)
    step = max(1, BYTES_AT_A_TIME // max(1, size))
    for start in range(0, count, step):
        rows = [part[start : start + step] for part in parts]
        few = np.zeros((len(rows[0]), words * WORD), np.uint8)
        few[:, :size] = np.concatenate([_bytes_of(one) for one in rows], axis=1)
        numbers[start : start + step] = few.view("<u4").astype(np.uint64) @ factors
    for shift, factor in MIXED:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(LAST_SHIFT))


def _bytes_of(rows: np.ndarray) -> np.ndarray:
    flat = np.ascontiguousarray(rows).reshape(len(rows), rows[:1].size)
    return flat.view(np.uint8).reshape(len(rows), rows[:1].nbytes)
