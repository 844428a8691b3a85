"""Names the likely mistake, first hint first.

Enters: Evidence, Exercise, checks, verdict. Leaves: hint Messages. Touches nothing. A hint says what
to look at, never the answer's code.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.exercises import Exercise
from grader.types import Check, Evidence, Message, Verdict


def diagnose(
    evidence: Evidence, exercise: Exercise, checks: Sequence[Check], verdict: Verdict
) -> tuple[Message, ...]:
    """Give hints, the most telling first, each once."""
    failed = [check.id for check in checks if not check.passed]
    classes = dict.fromkeys(identifier.split(".")[0] for identifier in failed)
    found = [*evidence.hints]
    if verdict is not Verdict.ACCEPTED:
        found += exercise.hints_for(*failed, verdict.value, *classes)
    return tuple(
        {message.id + repr(sorted(message.args.items())): message for message in found}.values()
    )
