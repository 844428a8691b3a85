"""When a job fails.

Enters: what was asked, Records. Leaves: an exit code. Touches nothing.

0 nothing to object to, 1 some work is not good enough, 3 something is ungraded or was left out. The
last is a fault of ours and beats the others, under every policy: a grader that is broken would stay
green for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grader.policy.hand_ins import counting
from grader.types import GraderError, Message, Record, Verdict

PASSED, FAILED, UNGRADED = 0, 1, 3
ANY, NEVER = "any", "never"
_SHARE = re.compile(r"(\d{1,3})%?")
_WHOLE = 100


@dataclass(frozen=True)
class Policy:
    """Which work is good enough: accepted, so many hundredths of its points, or all of it."""

    share: int | None = None  # of the points, in hundredths; None: it has to be accepted
    advisory: bool = False

    def passes(self, record: Record) -> bool:
        """Whether a graded record is good enough."""
        grade = record.grade
        if self.advisory or grade.verdict is Verdict.ACCEPTED:
            return True
        if self.share is None or grade.score is None:
            return False
        return grade.score * _WHOLE >= self.share * grade.max_score - 1e-6


def read_policy(text: str) -> Policy:
    """Read "any", "never" or a number of hundredths.

    Raises:
        GraderError: it is none of them.
    """
    if text in {ANY, NEVER}:
        return Policy(advisory=text == NEVER)
    match = _SHARE.fullmatch(text.strip())
    if match is None or not 0 < int(match[1]) <= _WHOLE:
        raise GraderError(Message("ci.bad_policy", {"given": text}))
    return Policy(share=int(match[1]))


def exit_code(
    records: Sequence[Record], passes: Callable[[Record], bool], *, left_out: bool
) -> int:
    """Give the job's exit code.

    Args:
        records: of this job.
        passes: whether a graded record is good enough.
        left_out: whether something could not be looked at or written.
    """
    if left_out or not all(one.grade.graded for one in records):
        return UNGRADED
    return PASSED if all(map(passes, counting(records))) else FAILED
