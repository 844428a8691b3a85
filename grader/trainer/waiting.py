"""How whoever waits, for a device or for another one's training, hears that all is over.

Enters and leaves nothing. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.types import GraderError

Over = Callable[[], bool]  # whether nothing more is to be begun: somebody stopped, time is up


def never() -> bool:
    """Nobody asks for an end."""
    return False


class NotAwaitedError(GraderError):
    """All was over before another one's training was done."""
