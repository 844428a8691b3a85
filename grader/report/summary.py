"""How a class did, added up: results by verdict, by exercise and by check.

Enters: the Records that count. Leaves: rows and small drawings for the class's page. Touches
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from grader.report import wording
from grader.report.points import weight
from grader.report.statistics import ItemStatistics
from grader.report.tones import tone
from grader.text.numbers import number
from grader.text.words import Words
from grader.types import Record, Verdict

_BINS = 10


@dataclass(frozen=True)
class Count:
    """How many results have this verdict, and where its stretch of the bar lies."""

    verdict: str
    tone: str
    count: int
    start: float
    share: float


@dataclass(frozen=True)
class Bin:
    """One column of a score distribution, as a rectangle of a 100 × 24 drawing."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class ExerciseRow:
    """One exercise over the whole class."""

    title: str
    results: int
    accepted: int
    share: float
    mean: str
    median: str
    bins: tuple[Bin, ...]
    counts: str


@dataclass(frozen=True)
class ItemRow:
    """One check over all graded results."""

    exercise: str
    question: str
    check: str
    results: int
    passed: str
    share: float
    mean: str
    apart: str


def verdict_counts(records: Sequence[Record], words: Words) -> list[Count]:
    """Count the results of each verdict, those that matter least first."""
    counted = Counter((one.grade.verdict, wording.verdict_name(one, words)) for one in records)
    start = 0.0
    rows: list[Count] = []
    for verdict, name in sorted(counted, key=lambda key: (-wording.ORDER.index(key[0]), key[1])):
        count = counted[verdict, name]
        share = 100 * count / len(records)
        rows.append(Count(name, tone(verdict), count, round(start, 3), share))
        start += share
    return rows


def exercise_row(
    exercise: str, records: Iterable[Record], words: Words, titles: Mapping[str, str]
) -> ExerciseRow:
    """Add up one exercise; there has to be a result."""
    grades = [record.grade for record in records if record.exercise == exercise]
    scores = [grade.score for grade in grades if grade.score is not None]
    shares = [g.score / g.max_score for g in grades if g.score is not None and g.max_score > 0]
    accepted = sum(grade.verdict is Verdict.ACCEPTED for grade in grades)
    columns = Counter(min(int(share * _BINS), _BINS - 1) for share in shares)
    most = max(columns.values(), default=1)
    heights = [22.0 * columns[place] / most for place in range(_BINS)]
    return ExerciseRow(
        title=wording.title(exercise, titles, words),
        results=len(grades),
        accepted=accepted,
        share=accepted / len(grades),
        mean=wording.points(fmean(scores)) if scores else "–",
        median=wording.points(median(scores)) if scores else "–",
        bins=tuple(Bin(10.0 * i, round(23 - h, 2), round(h, 2)) for i, h in enumerate(heights)),
        counts=" ".join(number(columns[place]) for place in range(_BINS)),
    )


def item_row(item: ItemStatistics, words: Words, titles: Mapping[str, str]) -> ItemRow:
    """Write out one check's statistics."""
    return ItemRow(
        exercise=wording.title(item.exercise, titles, words),
        question=wording.question(item.check, item.cls, words),
        check=wording.name(item.check),
        results=item.results,
        passed=f"{100 * item.passed / item.results:.0f} %",
        share=item.passed / item.results,
        mean=f"{wording.points(item.mean_points)} / {wording.points(item.max_points)}",
        apart="–" if item.discrimination is None else f"{item.discrimination:.2f}",
    )


def weights_text(counting: Iterable[Record], words: Words, titles: Mapping[str, str]) -> str:
    """Say what each exercise weighs in a sum of these; nothing where all weigh one."""
    weights = {one.exercise: weight(one) for one in wording.in_course_order(counting, titles)}
    if all(one == 1.0 for one in weights.values()):
        return ""
    told = (
        f"{wording.title(one, titles, words)} × {wording.points(each)}"
        for one, each in weights.items()
    )
    return words("report.weights", weights=", ".join(told))
