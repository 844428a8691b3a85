"""Where the hours of grading went, for the class's page.

Enters: Records. Leaves: a row per part. Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce

from grader.text.words import Words
from grader.types import Record, TimeSpent

HOUR = 3600.0
_NAMES = {
    "start": "analysis.start",
    "waiting": "analysis.waiting",
    "training": "analysis.training",
    "evaluation": "analysis.evaluation",
}


@dataclass(frozen=True)
class Part:
    """One part of the time."""

    name: str
    hours: str
    share: str


def parts(records: Sequence[Record], words: Words) -> list[Part]:
    """Say where the time went, the rest last; nothing where no record knows.

    A run of several exercises counts once, and so does one whose code others handed in too.
    """
    runs = {one.execution_key: (one, one.spent) for one in records if one.spent is not None}
    whole = math.fsum(record.seconds for record, _ in runs.values())
    if whole <= 0:
        return []
    total = reduce(TimeSpent.plus, (spent for _, spent in runs.values()), TimeSpent())
    found = {_NAMES[one.name]: getattr(total, one.name) for one in fields(TimeSpent)}
    found["analysis.rest"] = max(0.0, whole - math.fsum(found.values()))
    return [
        Part(words(name), f"{seconds / HOUR:,.2f}", f"{seconds / whole:.0%}")
        for name, seconds in found.items()
    ]
