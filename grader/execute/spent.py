"""Where the seconds of one run went.

Enters: what came out of the run, how long it began and waited. Leaves: TimeSpent. Touches nothing.

What the notebook trains by itself is the time of those cells, by the driver's clock: a cell that
calls ``fit`` rarely does much else. It is told to people, and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from grader.execution import Candidate, CellRun, Training
from grader.types import TimeSpent


def time_spent(
    start: float,
    waited: Mapping[int, float],
    cells: Sequence[CellRun],
    candidates: Sequence[Candidate],
    trainings: Sequence[Training] | None,
) -> TimeSpent:
    """Say where a run's time went.

    Args:
        start: seconds until its kernel answered.
        waited: seconds by cell in which it waited for trainings of ours.
        cells: every cell with its seconds, waiting included.
        candidates: models, with the cells that trained them.
        trainings: what was asked for, None where the notebook trains by itself.
    """
    alone = _cells_of(candidates) if trainings is None else {t.cell for t in trainings if not t.key}
    own = math.fsum(
        max(0.0, cell.seconds - waited.get(cell.index, 0.0))
        for cell in cells
        if cell.index in alone
    )
    ours = math.fsum(one.seconds for one in trainings or ())
    return TimeSpent(
        start=round(start, 3),
        waiting=round(max(0.0, math.fsum(waited.values()) - ours), 3),
        training=round(own + ours, 3),
    )


def _cells_of(candidates: Iterable[Candidate]) -> set[int]:
    """Give the cells that trained something, by ``fit`` or by a loop of the notebook's own."""
    found = {fit.cell for candidate in candidates for fit in candidate.fits}
    return found | {candidate.cell for candidate in candidates if candidate.own_updates}
