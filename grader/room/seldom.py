"""Looks that take time are made so seldom that most of the time is left for everybody else.

Enters: something to look at. Leaves: what was seen, now or last. Touches nothing.

One thread of the coordinator looks after one room, and all of them share an interpreter: a program
that makes looking slow must not keep the others' clocks waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_URGENT_SHARE = 1  # half of the time is looked where there is a reason


@dataclass
class Seldom:
    """Remembers what was seen last, and how long that took."""

    clock: Callable[[], float] = time.monotonic
    share: int = 10  # looking takes at most every tenth part of the time
    _seen: int = 0
    _soonest: float = 0.0
    _not_before: float = 0.0

    def look(self, see: Callable[[], int], urgent: Callable[[], bool] = lambda: False) -> int:
        """Give what ``see`` tells, or told last.

        Args:
            see: looks; gives bytes.
            urgent: whether what was seen last may be far from true.
        """
        began = self.clock()
        if began < self._soonest or (began < self._not_before and not urgent()):
            return self._seen
        self._seen = see()
        now = self.clock()
        self._soonest = now + _URGENT_SHARE * (now - began)
        self._not_before = now + self.share * (now - began)
        return self._seen
