"""In the notebook's room: how much of their rows the fits of a notebook may show.

Enters: rows that a fit would tell. Leaves: as many of them as there is room for. Touches nothing.
``grader/execute/showing.py`` counts the same at the judge's end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .samples import SAMPLE_BYTES, SAMPLE_ROWS
from .spread import drawn_places

Told = tuple[dict[str, Any], dict[str, np.ndarray]]
NOTHING: Told = ({}, {})


class Shown:
    """What the fits of a notebook have shown, and what they still may, in bytes of rows.

    Args:
        of_fit: that one fit may show.
        of_form: that all may show of rows with the same shapes and types.
        of_run: that all may show.
    """

    def __init__(self, of_fit: int = 0, of_form: int = 0, of_run: int = 0) -> None:
        self.of_fit = of_fit
        self._of_form = of_form
        self._left = of_run
        self._forms: dict[Any, int] = {}
        self._known: set[tuple[int, int]] = set()

    def has(self, model: int, digest: int | None) -> bool:
        """Whether an earlier fit of a model has shown these data."""
        return digest is not None and (model, digest) in self._known

    def spend(self, model: int, digest: int | None, told: Told) -> Told:
        """Give what is to be told, as many rows as may still be shown: of more some are drawn.

        No fit takes more than half of what is left of anything, so that there is some for the next
        one; and none shows less than the first rows that are told of every fit. Rows of other forms
        are shown as far as those before them have left room.
        """
        if not told[0]:
            return NOTHING
        sample, arrays = told[0], dict(told[1])
        left = self.of_fit
        for place in range(1 + len(sample.get("others", ()))):
            names = [f"sample_{part}" + (f"_{place}" if place else "") for part in "xy"]
            rows = [arrays[name] for name in names]
            some, differing = self._some_of(rows, left, at_least=not place)
            arrays |= dict(zip(names, some, strict=True))
            left = max(0, left - _size(some))
            if len(some[0]) < len(rows[0]) and sample["kind"] == "arrays":
                sample = {"differing": differing, **sample}  # of drawn batches it is told already
        if digest is None:
            return sample, arrays
        self._known.add((model, digest))
        return {**sample, "digest": digest}, arrays

    def _some_of(
        self, rows: list[np.ndarray], most_bytes: int, *, at_least: bool
    ) -> tuple[list[np.ndarray], int]:
        """Give as many of these rows as may still be shown, and how many of all differ.

        ``at_least``: the first rows of every fit are.
        """
        row, differing = max(1, _size([one[:1] for one in rows])), len(rows[0])
        form = tuple((one.dtype.str, one.shape[1:]) for one in rows)
        of_form = self._forms.get(form, self._of_form)
        count = min(most_bytes, of_form // 2, self._left // 2) // row
        if at_least:
            count = max(count, min(SAMPLE_ROWS, SAMPLE_BYTES // row))
        if count < len(rows[0]):
            places, differing = drawn_places(rows, count)
            rows = [one[places] for one in rows]
        size = _size(rows)
        self._forms[form], self._left = max(0, of_form - size), max(0, self._left - size)
        return rows, differing


def _size(rows: list[np.ndarray]) -> int:
    return sum(one.nbytes for one in rows)
