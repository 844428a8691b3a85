"""Jobs put together into portions of some minutes, so that handing them out costs little.

Enters: jobs in the order in which they begin, and their expected seconds. Leaves: portions, in the
same order. Touches nothing.

A portion is what a worker elsewhere is given at once. Long ones save the cost of starting and
carrying; short ones lose less with a worker that dies, and leave less to wait for in the end. So
they become shorter as less is left (guided self-scheduling, Polychronopoulos and Kuck 1987).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

Job = TypeVar("Job")
Portions: TypeAlias = "list[tuple[Job, ...]]"

PORTION_SECONDS = 300.0
SHARE = 2  # of what is left each place gets half its share at most: the other half evens out


def portions(
    jobs: Sequence[Job],
    expected: Callable[[Job], float],
    places: int,
    most: float = PORTION_SECONDS,
) -> Portions[Job]:
    """Put consecutive jobs together until a portion would take longer than it should.

    Args:
        jobs: in the order in which they begin, the longest first.
        expected: seconds that a job is expected to take.
        places: how many work at the same time.
        most: seconds that a portion takes at most, unless one job alone takes longer.
    """
    seconds = [max(0.0, expected(job)) for job in jobs]
    left = math.fsum(seconds)
    found: Portions[Job] = []
    taken: list[Job] = []
    total = 0.0
    for job, takes in zip(jobs, seconds, strict=True):
        if taken and total + takes > min(most, left / (SHARE * max(1, places))):
            found.append(tuple(taken))
            left -= total
            taken, total = [], 0.0
        taken.append(job)
        total += takes
    return [*found, tuple(taken)] if taken else found
