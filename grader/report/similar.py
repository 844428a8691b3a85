"""Work that is alike, side by side: for a teacher to look at, never a verdict.

Enters: pairs of hand-ins, equal trainings. Leaves: one HTML page that needs nothing else. Touches:
reads its templates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.report import wording
from grader.report.page import render
from grader.similarity.compare import MOST_PAIRS, Pair, Place, Work
from grader.similarity.trainings import Equal
from grader.text.printable import printable
from grader.text.words import Words

MOST_LINES = 1500  # of one side
LONGEST_LINE = 300
KINDS = {"weights": "similar.weights", "curve": "similar.curve"}


@dataclass(frozen=True)
class SideLine:
    """One line of one side. ``mark``: "rare" where few have it, "shared", else ""."""

    text: str
    mark: str


@dataclass(frozen=True)
class SideCell:
    """One code cell of one side."""

    name: str
    lines: tuple[SideLine, ...]


@dataclass(frozen=True)
class Side:
    """One of two hand-ins."""

    student: str
    submission: str
    cells: tuple[SideCell, ...]
    cut: bool


@dataclass(frozen=True)
class PairView:
    """Two hand-ins, and how much they share."""

    anchor: str
    exercise: str
    share: str
    rare_lines: int
    same: bool
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class EqualView:
    """Students whose trainings came to the same under different code."""

    exercise: str
    students: str
    what: str


def similar_page(
    pairs: Sequence[Pair],
    equal: Sequence[Equal],
    missing: Sequence[str],
    works: Sequence[Work],
    words: Words,
    titles: Mapping[str, str],
) -> str:
    """Give the page.

    Args:
        pairs: what to look at, the most telling first.
        equal: equal trainings under different code.
        missing: hand-ins whose code is not kept, so that they were not compared.
        works: the hand-ins that were compared.
        words: the reader's language.
        titles: exercise id to title.
    """
    return render(
        "alike.html.j2",
        words,
        pairs=[_pair(number, one, words, titles) for number, one in enumerate(pairs, start=1)],
        equal=[_equal(one, words, titles) for one in equal],
        missing=", ".join(wording.name(one) for one in missing),
        works=len(works),
        together=any(one.partners for one in works),
        most=len(pairs) if len(pairs) >= MOST_PAIRS else 0,
    )


def _pair(number: int, pair: Pair, words: Words, titles: Mapping[str, str]) -> PairView:
    both = [*(one for one in titles if one in pair.exercises)]
    both += sorted(pair.exercises - titles.keys())
    sides = [
        _side(work, common, rare, words)
        for work, common, rare in zip((pair.one, pair.other), pair.common, pair.rare, strict=True)
    ]
    return PairView(
        anchor=f"pair-{number}",
        exercise=", ".join(wording.title(one, titles, words) for one in both) or "–",
        share=f"{100 * pair.share:.0f} %",
        rare_lines=max(map(len, pair.rare)),
        same=pair.same,
        sides=(sides[0], sides[1]),
    )


def _side(work: Work, common: frozenset[Place], rare: frozenset[Place], words: Words) -> Side:
    left = MOST_LINES
    cells: list[SideCell] = []
    for cell in work.notebook.cells:
        if left <= 0:
            break
        lines = cell.source.split("\n")[:left]
        left -= len(lines)
        marked = tuple(_lines(cell.index, lines, common, rare))
        cells.append(SideCell(words("report.cell", cell=cell.index), marked))
    return Side(
        student=wording.name(work.student),
        submission=wording.name(work.submission),
        cells=tuple(cells),
        cut=left <= 0,
    )


def _lines(
    cell: int, lines: Sequence[str], common: frozenset[Place], rare: frozenset[Place]
) -> Iterator[SideLine]:
    for number, line in enumerate(lines, start=1):
        place = (cell, number)
        mark = "rare" if place in rare else "shared" if place in common else ""
        text = printable(line, lines=True, limit=LONGEST_LINE).replace("\n", " ")
        yield SideLine(text, mark if text.strip() else "")


def _equal(one: Equal, words: Words, titles: Mapping[str, str]) -> EqualView:
    return EqualView(
        exercise=wording.title(one.exercise, titles, words),
        students=", ".join(wording.name(name) for name in one.students),
        what=", ".join(words(KINDS[kind]) for kind in one.kinds),
    )
