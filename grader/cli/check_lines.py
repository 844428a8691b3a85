"""The lines in which a check answers, and what tells one kind of check from another.

Enters: records, words. Leaves: marked lines. Touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from grader.report import wording
from grader.score.checks_data import TARGET
from grader.score.checks_own import not_asked
from grader.text.words import Words
from grader.types import Check, EvidenceClass, Grade, Record

RIGHT, WRONG, NOT_YET, ADVICE, UNKNOWN = "✓", "✗", "○", "→", "–"
_NUMBER = re.compile(r"\b[0-9]{1,4}")
NO_MODEL = "structure.no_model"
# What a check in the notebook calls not attempted yet; of what hangs on a model nothing is known.
UNTRIED = frozenset({NO_MODEL, "data.no_fit", "training.never_fitted", "training.no_epochs"})
FOR_LACK_OF_A_MODEL = frozenset({"data.no_model", "training.no_model", "training.none_run"})


@dataclass(frozen=True)
class MarkedLine:
    """A sentence with its mark: right, wrong, not attempted yet, not looked at, or advice."""

    mark: str
    text: str


@dataclass(frozen=True)
class Look:
    """What a check looks at, and how it says so.

    Attributes:
        verdict: what is said behind the exercise's title.
        lines: what is said below it.
        right: whether nothing is missing.
        all_right: what is said where nothing is; the id of a message.
        not_yet: what is said where something is marked; the id of a message.
        apart: exercises whose accuracy on new data earns points, which no check can tell.
    """

    verdict: Callable[[Record, Words], str]
    lines: Callable[[Record, Words], Iterator[MarkedLine]]
    right: Callable[[Record], bool]
    all_right: str
    not_yet: str
    apart: Collection[str] = ()


def lines_of(cls: EvidenceClass, record: Record, words: Words) -> Iterator[MarkedLine]:
    """Give a line where all is right, else one for each mistake; then what nobody looked at."""
    every = [one for one in record.grade.checks if one.cls is cls]
    checks = [one for one in every if not not_asked(one)]
    missed = [one for one in checks if not one.passed]
    if checks and not missed:
        telling = next((one for one in checks if one.id == TARGET), checks[-1])
        yield MarkedLine(RIGHT, wording.check_text(telling, words))
    for check in missed:
        cell = wording.cell_name(check.cell, words)
        text = f"{cell and f'{cell}: '}{wording.check_text(check, words)}"
        yield MarkedLine(_mark(check, record.grade), text)
    for check in filter(not_asked, every):
        yield MarkedLine(UNKNOWN, wording.check_text(check, words))


def _mark(missed: Check, grade: Grade) -> str:
    """Tell what is wrong from what is not attempted yet, and from what nobody can judge."""
    told = missed.message.id
    untouched = any(one.message.id == NO_MODEL for one in grade.checks)
    if told in UNTRIED or (untouched and told in FOR_LACK_OF_A_MODEL):
        return NOT_YET
    return UNKNOWN if told in FOR_LACK_OF_A_MODEL or told == "runs.no_model" else WRONG


def cells_named(lines: Iterable[MarkedLine], words: Words) -> tuple[int, ...]:
    """Give the cells that lines name by their numbers, and so lean on how cells are counted."""
    text = "\n".join(one.text for one in lines)
    return tuple(
        cell
        for cell in sorted({int(number) for number in _NUMBER.findall(text)})
        if pattern_of(cell, words).search(text)
    )


def pattern_of(cell: int, words: Words) -> re.Pattern[str]:
    """Give what finds a cell where it is named, and no longer number."""
    name = re.escape(words("report.cell", cell=cell))
    return re.compile(rf"(?<![0-9]){name}(?![0-9])", re.IGNORECASE)
