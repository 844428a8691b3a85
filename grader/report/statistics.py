"""Which checks cost the class its points, and which of them tell strong work from weak.

Enters: Records. Leaves: one row per exercise and check, hardest first. Touches nothing.

Difficulty is the share of a check's points that the class earned. Discrimination is the correlation
of what a check earned with what the rest of the same work earned: near 1 where the same students
miss both, near 0 where it has nothing to do with the rest, below 0 where strong work misses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

from grader.policy.hand_ins import counting
from grader.types import Check, EvidenceClass, Record

ENOUGH = 8  # results; with fewer one student's work decides the sign


@dataclass(frozen=True)
class ItemStatistics:
    """One check of one exercise over all graded results in which it earned points or could have."""

    exercise: str
    check: str
    cls: EvidenceClass
    results: int
    passed: int
    mean_points: float
    max_points: float  # the mean of what it was worth; it may differ from engine to engine
    discrimination: float | None  # None where too few were graded, or all earned alike


def item_statistics(records: Iterable[Record]) -> list[ItemStatistics]:
    """Count every check that is worth points; what is ungraded says nothing about students.

    Nor does a hand-in that does not count. Points of checks are the grader's, whatever was decided.
    """
    by_item: dict[tuple[str, str], list[tuple[Check, float]]] = {}
    for record in counting(records):
        if record.grade.graded:
            total = sum(check.points for check in record.grade.checks)
            for check in record.grade.checks:
                if check.max_points > 0 and check.cls is not None:
                    rest = total - check.points
                    by_item.setdefault((record.exercise, check.id), []).append((check, rest))
    rows = [_row(exercise, name, found) for (exercise, name), found in by_item.items()]
    return sorted(rows, key=lambda row: (row.passed / row.results, row.exercise, row.check))


def _row(exercise: str, name: str, found: list[tuple[Check, float]]) -> ItemStatistics:
    checks = [check for check, _ in found]
    cls = checks[0].cls
    assert cls is not None
    return ItemStatistics(
        exercise=exercise,
        check=name,
        cls=cls,
        results=len(checks),
        passed=sum(check.passed for check in checks),
        mean_points=fmean(check.points for check in checks),
        max_points=fmean(check.max_points for check in checks),
        discrimination=_discrimination(found),
    )


def _discrimination(found: list[tuple[Check, float]]) -> float | None:
    if len(found) < ENOUGH:
        return None
    try:
        return correlation([check.points for check, _ in found], [rest for _, rest in found])
    except StatisticsError:  # all earned alike
        return None
