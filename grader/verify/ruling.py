"""What a rule of the course check says of one exercise or file.

Enters: nothing. Leaves: Rulings, which the rules give and ``compare`` counts. Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.types import Message

# What each rule asks for.
EXPECTED = {
    "answers": "verify.answers",
    "checks": "verify.checks",
    "expected": "verify.expected",
    "hints": "verify.hints",
    "notebook": "verify.notebook",
    "orphans": "verify.orphans",
    "outputs": "verify.outputs",
    "sample_limits": "verify.sample_limits",
    "samples": "verify.samples",
    "thresholds": "verify.thresholds",
}


@dataclass(frozen=True)
class Ruling:
    """One rule, looked at in one exercise or file; ``got`` is None where it holds."""

    rule: str  # a key of EXPECTED
    subject: str  # an exercise, or a file of the course
    expected: Message
    got: Message | None = None
    waiting: bool = False  # not wrong, but somebody still has to do it

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong here."""
        return self.got is None


def ruling(rule: str, subject: str, got: Message | None = None, *, waiting: bool = False) -> Ruling:
    """Rule by the words that the catalogue has for it."""
    return Ruling(rule, subject, Message(EXPECTED[rule]), got, waiting)
