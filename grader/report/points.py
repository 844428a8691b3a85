"""Points in force: out of what a school's system wants, in percent, in sums.

Enters: Records with the grades in force: by the course's rules (``by_rules``) and by hand.
Leaves: numbers. Touches nothing.

``record.grade`` is out of the points of the exercise's checks, which are 100. In a school's system
the exercise may have others, and in the course's total it has a weight. Nothing here decides: which
hand-in counts and what lateness costs stands in the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from grader.report.by_hand import worth
from grader.types import Record

ALL = 100.0  # percent


@dataclass(frozen=True)
class Total:
    """What somebody has of a course: the weighted points of what counts."""

    score: float
    most: float

    @property
    def percent(self) -> float | None:
        """How much of it that is; None where there is nothing to earn."""
        return ALL * self.score / self.most if self.most > 0 else None


def weight(record: Record) -> float:
    """Give what the exercise weighs in the course's total."""
    return record.by_rules.weight if record.by_rules is not None else 1.0


def in_system(record: Record) -> float | None:
    """Give the score out of the exercise's points in the LMS; None where there is none."""
    if record.grade.score is None or record.grade.max_score <= 0:
        return record.grade.score
    return record.grade.score * worth_in_system(record) / record.grade.max_score


def worth_in_system(record: Record) -> float:
    """Give the exercise's points in the LMS: as the course says, else those of its checks."""
    points = record.by_rules.points if record.by_rules is not None else None
    return worth(record) if points is None else points


def percent(record: Record) -> float | None:
    """Give the score in percent; None where there is none or nothing is to be earned."""
    grade = record.grade
    if grade.score is None or grade.max_score <= 0:
        return None
    return ALL * grade.score / grade.max_score


def share(points: float, most: float) -> float:
    """Give how much of it that is, from 0 to 1 with four decimals; 0 where nothing is to be had."""
    return round(min(1.0, max(0.0, points / most)), 4) if most > 0 else 0.0


def total(counting: Iterable[Record]) -> Total:
    """Add up what counts of one student (``hand_ins.counting``); what is ungraded is left out."""
    graded = [one for one in counting if one.grade.score is not None]
    return Total(
        sum(weight(one) * (one.grade.score or 0.0) for one in graded),
        sum(weight(one) * one.grade.max_score for one in graded),
    )
