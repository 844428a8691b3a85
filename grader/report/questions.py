"""The checks of one exercise as a student reads them: by question, what was expected and what came.

Enters: a Record, words, the code beside which it is shown. Leaves: Sections. Touches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from grader.report import wording
from grader.report.cells import Place, Shown
from grader.report.points import share
from grader.types import Check, EvidenceClass, Message, Record

# Other messages hold both values in their sentence.
_COMPARED = (EvidenceClass.STRUCTURE, EvidenceClass.DATA)
_TOKEN = re.compile(r"\d+(?:,\d{3})*|[^\W\d]\w*|\s+|[^\w\s]")  # 3,060 is one
COMPARED = 400  # characters that are compared word by word: the work grows with the cube


@dataclass(frozen=True)
class Piece:
    """A stretch of a value; ``differs`` where the other side has something else."""

    text: str
    differs: bool


@dataclass(frozen=True)
class CheckLine:
    """One check as a student reads it."""

    mark: str  # right, partly, wrong, waits, none (no points in it)
    text: str
    points: str
    max_points: str
    waits: str  # points that a teacher has yet to give
    expected: tuple[Piece, ...]
    got: tuple[Piece, ...]
    where: Place


@dataclass(frozen=True)
class Section:
    """One of the five questions with its checks."""

    title: str
    points: str
    max_points: str
    share: float
    mark: str
    waits: str
    unlooked: bool  # some of it nobody looked at, which is to be read without a click
    lines: tuple[CheckLine, ...]


def sections(record: Record, cells: Shown) -> tuple[Section, ...]:
    """Give the questions that were asked, in their order, each with its checks and points."""
    by_class: dict[EvidenceClass, list[Check]] = {}
    in_vain = record.grade.waiting > 0 and not record.waiting  # too late to earn anything
    for check in record.grade.checks:
        if check.cls is not None:
            one = replace(check, waiting=0.0) if in_vain else check
            by_class.setdefault(check.cls, []).append(one)
    found = [cls for cls in EvidenceClass if cls in by_class]
    return tuple(_section(cls, by_class[cls], record, cells) for cls in found)


def _section(cls: EvidenceClass, checks: Sequence[Check], record: Record, cells: Shown) -> Section:
    points = sum(check.points for check in checks)
    most = sum(check.max_points for check in checks)
    waiting = sum(check.waiting for check in checks)
    return Section(
        title=wording.question(checks[0].id, cls, cells.words),
        points=wording.points(points),
        max_points=wording.points(most),
        share=share(points, most),
        mark=_mark(points, most, waiting),
        waits=wording.waiting(waiting, cells.words),
        unlooked=any(map(wording.is_unlooked, checks)),
        lines=tuple(_line(check, record, cells) for check in checks),
    )


def _line(check: Check, record: Record, cells: Shown) -> CheckLine:
    words = cells.words
    expected, got = (wording.value(words.compared(one)) for one in (check.expected, check.got))
    compared = not check.passed and bool(expected and got) and check.cls in _COMPARED
    brief = wording.BRIEF.get(check.message.id) if compared else None
    text = words.say(Message(brief, check.message.args)) if brief else ""
    mine, theirs = _compared(expected, got) if compared else ((), ())
    return CheckLine(
        mark=_mark(check.points, check.max_points, check.waiting),
        waits=wording.waiting(check.waiting, words),
        text=text or wording.check_text(check, words),
        points=wording.points(check.points),
        max_points=wording.points(check.max_points),
        expected=mine,
        got=theirs,
        where=Place() if check.passed else cells.place(record, check.cell),
    )


def _mark(points: float, most: float, waiting: float) -> str:
    if most <= 0:
        return "none"
    if points >= most - 1e-9:
        return "right"
    if waiting > 0:
        return "waits"
    return "partly" if points > 0 else "wrong"


def _compared(expected: str, got: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Give both values in pieces, so that the eye finds the difference."""
    if max(len(expected), len(got)) > COMPARED:
        return (Piece(expected, differs=False),), (Piece(got, differs=False),)
    mine, theirs = _TOKEN.findall(expected), _TOKEN.findall(got)
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    if matcher.ratio() < 0.4:  # noqa: PLR2004 - nothing in common: marking all of it helps nobody
        return (Piece(expected, differs=False),), (Piece(got, differs=False),)
    left, right = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        left.append(Piece("".join(mine[a:b]), differs=kind != "equal"))
        right.append(Piece("".join(theirs[c:d]), differs=kind != "equal"))
    return tuple(p for p in left if p.text), tuple(p for p in right if p.text)
