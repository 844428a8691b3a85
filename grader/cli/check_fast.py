"""What ``grader check --fast`` says: what can be told of a notebook whose fits took one step.

Enters: records of such a run, words. Leaves: marked lines. Touches nothing.

Cells and structure are known. What a training would have shown is not, and is never said to be
wrong: neither the data, nor the epochs, nor the accuracy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from grader.cli.check_lines import ADVICE, NOT_YET, UNKNOWN, WRONG, Look, MarkedLine, lines_of
from grader.report import wording
from grader.text.words import Words
from grader.types import EvidenceClass, Record, Verdict

KNOWN = (EvidenceClass.RUNS, EvidenceClass.STRUCTURE)
# What needs no training to be seen.
BEFORE_TRAINING = (
    Verdict.GRADER_ERROR,
    Verdict.MALFORMED,
    Verdict.MEMORY_LIMIT,
    Verdict.TIME_LIMIT,
    Verdict.RUNTIME_ERROR,
    Verdict.NO_MODEL,
    Verdict.WRONG_ARCHITECTURE,
)


def fast_look(apart: Collection[str] = ()) -> Look:
    """Give what ``--fast`` looks at, and how it says so; ``apart`` as in a Look."""
    return Look(
        verdict=_verdict,
        lines=partial(_lines, apart=apart),
        right=right_so_far,
        all_right="cli.check_fast_sound",
        not_yet="cli.check_fast_not_yet",
        apart=apart,
    )


def right_so_far(record: Record) -> bool:
    """Whether cells and structure are right."""
    grade = record.grade
    return (
        grade.graded
        and record.evidence is not None
        and record.evidence.model is not None
        and all(check.passed for check in grade.checks if check.cls in KNOWN)
    )


def _verdict(record: Record, words: Words) -> str:
    if record.grade.verdict in BEFORE_TRAINING:
        return wording.verdict_name(record, words)
    return words("cli.fast_verdict")


def _lines(record: Record, words: Words, apart: Collection[str]) -> Iterator[MarkedLine]:
    if record.evidence is None:
        yield MarkedLine(WRONG, wording.reason(record, words))
        return
    for cls in KNOWN:
        yield from lines_of(cls, record, words)
    yield from _about_training(record, words, apart)
    if record.grade.verdict in BEFORE_TRAINING:
        for hint in record.grade.hints:
            yield MarkedLine(ADVICE, words.say(hint))


def _about_training(record: Record, words: Words, apart: Collection[str]) -> Iterator[MarkedLine]:
    """Say how many epochs fit asks for, and how many the exercise does."""
    training = record.evidence.training if record.evidence is not None else None
    asked = wording.epochs_asked(record.grade, words)
    fits, epochs = (training.fits, training.epochs_asked) if training is not None else (0, None)
    told = words("cli.fast_no_fit" if not fits else "cli.fast_training")
    if fits and epochs is not None:
        told = f"{told} {words('cli.fast_epochs', epochs=epochs)}"
    yield MarkedLine(UNKNOWN if fits else NOT_YET, f"{told} {asked}".rstrip())
    if fits == 1 and _too_few(epochs, record, apart):
        yield MarkedLine(
            ADVICE, words("cli.fast_more_epochs", **wording.asked_of_training(record.grade))
        )


def _too_few(epochs: int | None, record: Record, apart: Collection[str]) -> bool:
    """Whether so many epochs leave points for training, or for what is graded apart."""
    asked = wording.asked_of_training(record.grade)
    wanted = asked.get("asked" if record.exercise in apart else "needed")
    return epochs is not None and isinstance(wanted, int) and epochs < wanted
