"""What was taken off for being late, in words, and where nobody knows whether anything is late.

Enters: Records with what the course's rules make of them. Leaves: short texts. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from grader.policy.hand_ins import counting
from grader.policy.late import is_mark, is_upload
from grader.policy.rules import Rules
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Message, Record, Scalar, Timing

LONGEST = 300
LONGEST_NAME = 60


def late_texts(record: Record, words: Words) -> list[str]:
    """Say what was taken off and why, or why nothing was; nothing of what was in time."""
    told = record.by_rules.told if record.by_rules is not None else ()
    return [words.say(message) for message in told]


def late_mark(record: Record, words: Words) -> str:
    """Say shortly what was taken off, to stand behind a score; nothing where nothing was."""
    taken = record.by_rules.taken if record.by_rules is not None else 0.0
    shown = f"{taken:.2f}".rstrip("0").rstrip(".")
    return words("rules.late_mark", taken=shown) if taken > 0 and shown != "0" else ""


def is_unknown(record: Record) -> bool:
    """Whether there is a deadline, and nobody knows whether it was met, or by how much not."""
    rules = record.by_rules
    if rules is None or not rules.due:
        return False
    return rules.timing is Timing.UNKNOWN or (rules.timing is Timing.MARKED and not rules.days)


def times_unknown(records: Sequence[Record], rules: Rules) -> Iterator[Message]:
    """Say once of how many hand-ins no time is known although it would matter, and what to do.

    Canvas tells no times, but marks who is late: where it marked anybody, whom it did not mark was
    in time. So was what we graded before the deadline.
    """
    if not rules.asks_when:
        return
    dated = [one for one in counting(records) if one.by_rules is not None and one.by_rules.due]
    marked = {one.exercise for one in dated if is_mark(one.handed_in)}
    unknown = [one for one in dated if is_unknown(one) and not _was_before(one)]
    uploads = [one for one in unknown if is_upload(one.handed_in) and one.exercise not in marked]
    others = [one for one in unknown if not is_upload(one.handed_in)]
    asked = {exercise for exercise, terms in rules.exercises.items() if terms.worksheet}
    for message_id, some in (
        ("rules.times_unknown", [one for one in others if one.exercise not in asked]),
        ("rules.not_in_worksheet", [one for one in others if one.exercise in asked]),
        ("rules.uploads_unknown", uploads),
        ("rules.marks_unknown", [one for one in unknown if is_mark(one.handed_in)]),
    ):
        if some:
            exercises = [one for one in rules.exercises if any(one == it.exercise for it in some)]
            told = printable(", ".join(exercises), limit=LONGEST)
            args: dict[str, Scalar] = {"count": len(some), "of": len(dated), "exercises": told}
            yield Message(message_id, args | {"students": _students(some)})


def marks_foreseen(
    handed_in: Sequence[str], extended: Sequence[str], rules: Rules
) -> Iterator[Message]:
    """Say before anything is graded that a platform's marks will cost nothing.

    Args:
        handed_in: of those that count, as platforms told it.
        extended: of these the ones whose authors have an extension.
        rules: the course's.
    """
    if not (rules.dated and rules.asks_when):
        return
    every, some = (sum(map(is_mark, those)) for those in (handed_in, extended))
    if every and rules.late.grace:
        args: dict[str, Scalar] = {"count": every, "of": len(handed_in)}
        yield Message("rules.marks_foreseen", args | {"minutes": rules.late.grace_minutes})
    elif some:
        yield Message("rules.marks_extended", {"count": some, "of": len(handed_in)})


def _students(some: Sequence[Record]) -> str:
    names = sorted({one.student for one in some})
    return printable(", ".join(printable(one, limit=LONGEST_NAME) for one in names), limit=LONGEST)


def _was_before(record: Record) -> bool:
    """Whether it was graded before it was due."""
    assert record.by_rules is not None
    at, due = (datetime.fromisoformat(one) for one in (record.graded_at, record.by_rules.due))
    return at <= due
