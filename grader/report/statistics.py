"""Which checks cost the class its points.

Enters: Records. Leaves: one row per exercise and check, hardest first. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from grader.hand_ins import counting
from grader.types import Check, EvidenceClass, Record


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


def item_statistics(records: Iterable[Record]) -> list[ItemStatistics]:
    """Count every check that is worth points; what is ungraded says nothing about students.

    Nor does a hand-in that does not count. Points of checks are the grader's, whatever was decided.
    """
    by_item: dict[tuple[str, str], list[Check]] = {}
    for record in counting(records):
        if record.grade.graded:
            for check in record.grade.checks:
                if check.max_points > 0 and check.cls is not None:
                    by_item.setdefault((record.exercise, check.id), []).append(check)
    rows = [_row(exercise, name, checks) for (exercise, name), checks in by_item.items()]
    return sorted(rows, key=lambda row: (row.passed / row.results, row.exercise, row.check))


def _row(exercise: str, name: str, checks: list[Check]) -> ItemStatistics:
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
    )
