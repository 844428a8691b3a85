"""How late something is, and what that costs: the one place where it is computed.

Enters: times, a deadline, the course's policy. Leaves: a Lateness; points that are left. Touches
nothing.

Days are those of the course's clock: what is due on Friday at 18:00 is a day late until Saturday at
18:00, also where clocks are put back in between. A day that has begun counts whole, from the
deadline on, not from the end of the grace. Where nobody knows when something was handed in nothing
is taken off, and that is told: nobody is late on a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from grader.types import Timing

DAY = timedelta(days=1)
ALL = 100.0  # percent
MARK = " LATE"  # behind what a platform told of a hand-in that it calls late
FIRST_YEAR, LAST_YEAR = 1990, 2200
_UPLOAD = re.compile(r"upload \d+")  # an order without times


@dataclass(frozen=True)
class LatePolicy:
    """What lateness costs, in percent of the points that an exercise has.

    Attributes:
        grace: so long after the deadline nothing is taken off.
        per_day: taken off for each day that has begun.
        most: taken off at most, until ``cut_off``.
        cut_off: whole days after which nothing is earned; None: never.
    """

    grace: timedelta = timedelta()
    per_day: float = 0.0
    most: float = ALL
    cut_off: int | None = None

    @property
    def grace_minutes(self) -> int:
        """The grace as course.toml has it."""
        return int(self.grace.total_seconds() // 60)

    def left(self, score: float, of: float, days: int) -> float:
        """Give the points that are left of a score.

        Args:
            score: as the grader gave it.
            of: points that the exercise has.
            days: begun since the deadline; 0 in time.
        """
        if days <= 0:
            return score
        if self.is_cut_off(days):
            return 0.0
        return max(0.0, score - of * min(self.most, self.per_day * days, ALL) / ALL)

    def is_cut_off(self, days: int) -> bool:
        """Whether nothing is earned any more."""
        return self.cut_off is not None and days > self.cut_off


@dataclass(frozen=True)
class Lateness:
    """When something was handed in, held against a deadline."""

    timing: Timing
    days: int = 0  # begun since the deadline; 0 in time
    at: datetime | None = None  # with offset; None where nobody knows


def lateness(
    told: str, due: datetime | None, zone: tzinfo, policy: LatePolicy, *, marks: bool = True
) -> Lateness:
    """Hold what a platform told of a hand-in against a deadline.

    Args:
        told: ``Record.handed_in``.
        due: with offset; None where there is none.
        zone: of the course, in which times without an offset are.
        policy: the course's.
        marks: a platform's own mark counts, for its deadline is this one.
    """
    at = time_of(told, zone)
    if at is None and marks and told.endswith(MARK):
        # The least that late work can be. Where a grace was promised, the mark does not say that it
        # was over.
        return Lateness(Timing.MARKED, 0 if policy.grace else 1)
    if due is None:
        return Lateness(Timing.NO_DATE, 0, at)
    if at is None:
        return Lateness(Timing.UNKNOWN)
    days = days_between(due, at)
    if days == 0:
        return Lateness(Timing.IN_TIME, 0, at)
    if at.astimezone(UTC) <= due.astimezone(UTC) + policy.grace:
        return Lateness(Timing.GRACE, 0, at)
    return Lateness(Timing.CUT_OFF if policy.is_cut_off(days) else Timing.LATE, days, at)


def is_upload(told: str) -> bool:
    """Whether a platform told the order alone, as Canvas does."""
    return _UPLOAD.fullmatch(told.removesuffix(MARK)) is not None


def is_mark(told: str) -> bool:
    """Whether a platform calls it late and tells no time."""
    return is_upload(told) and told.endswith(MARK)


def time_of(told: str, zone: tzinfo) -> datetime | None:
    """Read when something was handed in, in the course's zone; None where it is not told."""
    told = told.removesuffix(MARK)
    if not told or is_upload(told):
        return None
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:  # no time at which anybody handed in
        return None
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def days_between(due: datetime, at: datetime) -> int:
    """Count the days that have begun between a deadline and a time; 0 where it is not after it.

    Days on the deadline's own clock, so that one is 23 or 25 hours where clocks change.
    """
    moment = at.astimezone(UTC)
    days = max(0, (moment - due.astimezone(UTC)) // DAY - 1)
    while (due + days * DAY).astimezone(UTC) < moment:
        days += 1
    return days
