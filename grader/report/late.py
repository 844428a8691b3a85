"""What was taken off for being late, in words.

Enters: Records with what the course's rules make of them. Leaves: short texts. Touches nothing.
"""

from __future__ import annotations

from grader.text.words import Words
from grader.types import Record


def late_texts(record: Record, words: Words) -> list[str]:
    """Say what was taken off and why, or why nothing was; nothing of what was in time."""
    told = record.by_rules.told if record.by_rules is not None else ()
    return [words.say(message) for message in told]
