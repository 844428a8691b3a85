"""No platform: a log that nobody obeys, and nobody who tells what happened.

``--base`` and ``--student`` say it instead.
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.ci.event import Event


def event(_: Mapping[str, str]) -> Event:
    """Whoever calls it knows what is graded, and may keep what was run."""
    return Event(trusted=True)
