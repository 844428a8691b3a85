"""What ``grader check`` says of a notebook that was run as the grader runs it.

Enters: records of such a run, words. Leaves: marked lines. Touches nothing.

How well the model answers is graded elsewhere. Where that earns points, fewer epochs than are asked
for are enough for those of the training, and yet nothing to hand in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from grader.cli.check_lines import ADVICE, WRONG, Look, MarkedLine, lines_of
from grader.report import wording
from grader.text.words import Words
from grader.types import EvidenceClass, Record, Verdict

SEEN = (
    EvidenceClass.RUNS,
    EvidenceClass.STRUCTURE,
    EvidenceClass.DATA,
    EvidenceClass.TRAINING,
)


def whole_look(apart: Collection[str] = ()) -> Look:
    """Give what a check looks at that trains, and how it says so; ``apart`` as in a Look."""

    def right(record: Record) -> bool:
        return sound(record) and not _wants_epochs(record, apart)

    def verdict(record: Record, words: Words) -> str:
        if sound(record) and not right(record):
            return words("cli.check_fewer_epochs")
        if record.grade.verdict is Verdict.ACCEPTED and not sound(record):
            return words("cli.check_cell_fails")  # which costs points, and no more than those
        return wording.verdict_name(record, words)

    return Look(
        verdict=verdict,
        lines=partial(marked_lines, apart=apart),
        right=right,
        all_right="cli.check_sound",
        not_yet="cli.check_not_yet",
        apart=apart,
    )


def sound(record: Record) -> bool:
    """Whether everything that a self-check looks at earns its points."""
    return record.grade.verdict in (Verdict.ACCEPTED, Verdict.SUSPICIOUS, Verdict.WAITING) and all(
        check.passed for check in record.grade.checks if check.cls in SEEN
    )


def only_epochs(record: Record, look: Look) -> bool:
    """Whether nothing is missing but epochs that earn no points for training."""
    return sound(record) and _wants_epochs(record, look.apart)


def marked_lines(record: Record, words: Words, apart: Collection[str] = ()) -> Iterator[MarkedLine]:
    """Say of one exercise what is right, what is not, and what to try; ``apart`` as in a Look."""
    if record.evidence is None:
        yield MarkedLine(WRONG, wording.reason(record, words))
        return
    for cls in SEEN:
        yield from lines_of(cls, record, words)
    grade = record.grade
    hints = wording.with_epochs_left(grade) if record.exercise in apart else grade.hints
    for hint in hints:
        yield MarkedLine(ADVICE, words.say(hint))


def _wants_epochs(record: Record, apart: Collection[str]) -> bool:
    return record.exercise in apart and wording.epochs_left(record.grade) is not None
