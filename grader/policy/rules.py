"""What ``course.toml`` says of attempts, dates, lateness, weights, groups and extensions.

Enters: what ``grader.course.rulebook`` read. Leaves: frozen dataclasses, and each student's own
deadline. Touches nothing. ``by_rules`` applies them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property

from grader.policy.late import LatePolicy
from grader.policy.replaced import NOTHING, HandIn, Seen, hand_in
from grader.text.printable import composed
from grader.types import ByRules, Record


class Attempts(StrEnum):
    """Which of several hand-ins for one exercise counts."""

    LAST = "last"
    BEST = "best"  # after lateness
    LAST_IN_TIME = "last_in_time"  # the last one that is not late; where all are, the last


@dataclass(frozen=True)
class Terms:
    """What the course says of one exercise."""

    opens: datetime | None = None
    due: datetime | None = None  # with offset
    weight: float = 1.0
    points: float | None = None
    title: str = ""  # in the LMS
    worksheet: str = ""  # a file that tells when each handed in


@dataclass(frozen=True)
class ClassList:
    """Where the course's roster lies."""

    file: str
    section: str = ""  # the column


@dataclass(frozen=True)
class Extension:
    """More time for somebody: until a date, or so much longer."""

    student: str = ""  # one of the three
    group: str = ""
    section: str = ""
    exercises: frozenset[str] | None = None  # None: all
    due: datetime | None = None
    longer: timedelta = timedelta()

    def until(self, due: datetime) -> datetime:
        """Give the deadline with it; never an earlier one."""
        return max(due, self.due if self.due is not None else due + self.longer, key=_moment)


@dataclass(frozen=True)
class Group:
    """Students who hand in together."""

    name: str
    members: tuple[str, ...]
    exercises: frozenset[str] | None = None  # None: all


@dataclass(frozen=True)
class Rules:
    """The course's; without any the last hand-in counts, and nothing is ever late."""

    attempts: Attempts = Attempts.LAST
    late: LatePolicy = field(default_factory=LatePolicy)
    zone: tzinfo = UTC
    exercises: Mapping[str, Terms] = field(default_factory=dict)
    extensions: Sequence[Extension] = ()
    groups: Sequence[Group] = ()
    roster: ClassList | None = None
    # Of what is read from there: by student, and by student and exercise as hand-ins tell times.
    sections: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[tuple[str, str], str] = field(default_factory=dict)
    seen: Mapping[HandIn, Seen] = field(default_factory=dict)  # by looks at the class

    @cached_property
    def _sections(self) -> Mapping[str, str]:
        return {folded(student): section for student, section in self.sections.items()}

    def section(self, student: str) -> str:
        """Give a student's section; "" where nobody said it."""
        return self._sections.get(folded(student), "")

    def due(self, student: str, exercise: str) -> datetime | None:
        """Give a student's own deadline, all extensions held against each other."""
        due = self.exercises.get(exercise, Terms()).due
        if due is None:
            return None
        return max((due, *(one.until(due) for one in self._longer(student, exercise))), key=_moment)

    def is_ahead(self, student: str, exercise: str, now: datetime) -> bool:
        """Whether a student's own deadline is yet to come; never where there is none."""
        due = self.due(student, exercise)
        return due is not None and _moment(now) <= _moment(due)

    def told_at(self, record: Record) -> str:
        """Give when worksheets say that a hand-in came; they say so of the last one alone."""
        known = self.seen.get(hand_in(record), NOTHING)
        last = self.times.get((record.author, record.exercise), "")
        return (known.at if known.replaced else "") or last

    def replaced(self, record: Record) -> int:
        """Give at which of its author's replacements it went; 0 where nothing is in its place."""
        return self.seen.get(hand_in(record), NOTHING).replaced

    @property
    def dated(self) -> bool:
        """Whether any exercise has a deadline."""
        return any(one.due is not None for one in self.exercises.values())

    @property
    def asks_when(self) -> bool:
        """Whether it matters when something was handed in, where there is a deadline."""
        costs = self.late.per_day > 0 or self.late.cut_off is not None
        return costs or self.attempts is Attempts.LAST_IN_TIME

    def without_hand_in(self, student: str, exercise: str) -> ByRules:
        """Give what holds for somebody who handed in nothing, and is given a score by hand."""
        terms, due = self.exercises.get(exercise, Terms()), self.due(student, exercise)
        return ByRules(
            counts=True,
            attempt=0,
            attempts=0,
            due=due.astimezone(self.zone).isoformat() if due is not None else "",
            weight=terms.weight,
            points=terms.points,
            section=self.section(student),
        )

    def has_longer(self, student: str, exercise: str) -> bool:
        """Whether somebody has an extension, of which no platform's own mark knows."""
        return any(True for _ in self._longer(student, exercise))

    def _longer(self, student: str, exercise: str) -> Iterator[Extension]:
        groups = {folded(one.name) for one in self.groups if is_member(student, one, exercise)}
        for one in self.extensions:
            if one.exercises is not None and exercise not in one.exercises:
                continue
            theirs = one.student and folded(one.student) == folded(student)
            section = one.section and folded(one.section) == folded(self.section(student))
            if theirs or section or (one.group and folded(one.group) in groups):
                yield one


def is_member(student: str, group: Group, exercise: str) -> bool:
    """Whether somebody hands in with a group, or is what the group's own folder is called."""
    names = map(folded, (group.name, *group.members))
    asked = group.exercises is None or exercise in group.exercises
    return asked and folded(student) in names


def authors(student: str, exercise: str, groups: Iterable[Group]) -> list[str]:
    """Give whose a hand-in is: of a group's each member's, and nobody's who is called as it is."""
    theirs = [one for one in groups if is_member(student, one, exercise)]
    return list(dict.fromkeys(it for one in theirs for it in one.members)) or [student]


def _moment(at: datetime) -> datetime:
    return at.astimezone(UTC)


def folded(text: str) -> str:
    """Make equal what is one name: capitals and forms of letters aside it has to be whole."""
    return composed(text, "NFKC").strip().casefold()
