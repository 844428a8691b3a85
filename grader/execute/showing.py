"""Counts what the fits of a run showed of their rows, so that it is known what each had room for.

Enters: inputs and targets as events bring them, in their order. Leaves: a Showing for each. Touches
nothing.

The notebook's room has the same bounds and keeps to them (``grader/kernel/probe/shown.py``). What
it says of them is not asked for: whoever says that others used up the room has shown as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from grader.execute.caps import SHOWN_OF_FIT, SHOWN_OF_FORM, SHOWN_OF_RUN
from grader.execution import Showing
from grader.types import Array

Form: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass
class Shown:
    """What was shown so far, in bytes: of rows with the same shapes and types, and of all."""

    _left: int = SHOWN_OF_RUN
    _forms: dict[Form, int] = field(default_factory=dict)

    def take(self, *rows: Array, before: int = 0) -> Showing:
        """Count what one fit shows, (rows, …) each; gives how much it could.

        ``before``: bytes that it has shown of rows of another form.
        """
        form = tuple((one.dtype.str, one.shape[1:]) for one in rows)
        of_form = self._forms.get(form, SHOWN_OF_FORM)
        left = min(max(0, SHOWN_OF_FIT - before), of_form // 2, self._left // 2)
        size = sum(one.nbytes for one in rows)
        self._forms[form], self._left = max(0, of_form - size), max(0, self._left - size)
        return Showing(left, SHOWN_OF_FIT)
