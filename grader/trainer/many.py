"""Has many orders trained at once: in one room, those that are alike in one program.

Enters: jobs by their keys. Leaves: nothing. Touches: a trainer's room; the folder of results, where
what came of them is kept.

What does not come of it is nobody's fault yet: it is trained alone, and judged by that. One program
computes sums in another order than each alone, so a result differs from that of an order that was
trained alone by rounding; which of the two a class has is whichever was kept first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from grader.room import Room
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.trainer.train import Job, Meanwhile, nothing
from grader.trainer.workroom import Progress, Workroom


def train_many(
    jobs: Mapping[str, Job],
    room: Room,
    results: Results,
    *,
    cores: tuple[int, ...] = (),
    progress: Progress | None = None,
    meanwhile: Meanwhile = nothing,
) -> None:
    """Train what of the jobs is alike, and keep it. ``jobs``: by the keys of their results.

    Raises:
        GraderError: the room could not be built, or wrote what our code does not write. No word
            about any order.
    """
    keys = [key for key in jobs if results.get(key) is None]
    if len(keys) < 2:  # noqa: PLR2004 - one alone is like no other
        return
    with contextlib.closing(Workroom(room, cores, together=True)) as workroom:
        _, found = workroom.do([jobs[key] for key in keys], meanwhile, progress)
    for place, outcome in found.items():
        if isinstance(outcome, Trained):
            results.put(keys[place], outcome)
