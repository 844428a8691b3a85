"""The colour of a verdict; the words always stand beside it.

Enters: a verdict. Leaves: the name of a tone in the style sheet. Touches nothing.
"""

from __future__ import annotations

from grader.types import Verdict

_SPECIAL = {
    Verdict.ACCEPTED: "good",
    Verdict.SUSPICIOUS: "check",
    Verdict.WAITING: "check",
    Verdict.GRADER_ERROR: "ours",
    Verdict.BY_HAND: "hand",
    Verdict.EXCUSED: "hand",
}


def tone(verdict: Verdict) -> str:
    """Give good, check (a teacher looks), ours (not graded yet), hand (a teacher did) or wrong."""
    return _SPECIAL.get(verdict, "wrong")
