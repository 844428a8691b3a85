"""The score in force: what teachers decided by hand, laid over what the grader found.

Enters: Records, and the lines that were written by hand. Leaves: Records with the grade in force,
for every page, table and export. Touches nothing.

Of the lines about a student and an exercise that nobody took back, the last override or excuse
decides, about the hand-in that counts (``by_rules``), and nothing is taken off it for being late;
comments are shown beside it. The grade that the grader gave stays in ``Record.by_hand``. An excused
exercise has no score and no points to earn, so that no sum counts it. Whoever handed in nothing and
was given a score or an excuse gets a record without a hand-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from grader.policy.by_rules import laid_over
from grader.policy.hand_ins import Counting
from grader.policy.rules import Rules
from grader.types import (
    UNKNOWN,
    ByHand,
    ByRules,
    Grade,
    HandKind,
    HandLine,
    Isolation,
    Level,
    Message,
    Record,
    Verdict,
)

Who: TypeAlias = tuple[str, str]  # student, exercise
DECISIONS = frozenset({HandKind.OVERRIDE, HandKind.EXCUSE})
UNDOABLE = DECISIONS | {HandKind.COMMENT, HandKind.RERUN}


@dataclass(frozen=True)
class HandLines:
    """All lines of a folder, the oldest first."""

    lines: Sequence[HandLine] = ()

    @cached_property
    def undone(self) -> Mapping[str, HandLine]:
        """The line that takes back, by the id of what it takes back."""
        return {one.undoes: one for one in self.lines if one.kind is HandKind.UNDO}

    @cached_property
    def standing(self) -> Mapping[Who, Sequence[HandLine]]:
        """The lines that nobody took back, by student and exercise."""
        found: dict[Who, list[HandLine]] = {}
        for one in self.lines:
            if one.kind in UNDOABLE and one.id not in self.undone:
                found.setdefault((one.student, one.exercise), []).append(one)
        return found

    def decision(self, student: str, exercise: str) -> HandLine | None:
        """Give the override or excuse in force."""
        lines = self.standing.get((student, exercise), ())
        return next((one for one in reversed(lines) if one.kind in DECISIONS), None)

    def again_since(self, student: str, exercise: str | None = None) -> HandLine | None:
        """Give the last line that asked to run a student's work anew; None where nobody did."""
        asked = (
            one
            for (whose, which), lines in self.standing.items()
            for one in lines
            if whose == student and exercise in {None, which} and one.kind is HandKind.RERUN
        )
        return max(asked, key=lambda one: one.at, default=None)

    @property
    def to_forget(self) -> list[HandLine]:
        """Lines of which it was not noted yet that everything is erased."""
        return [one for one in self.lines if one.kind is HandKind.FORGET and one.student]

    def is_forgotten(self, student: str, exercise: str) -> bool:
        """Whether somebody asked to forget it, and it is not all erased yet."""
        asked = self.to_forget
        return any(one.student == student and one.exercise in {"", exercise} for one in asked)


def in_force(
    records: Iterable[Record],
    by_hand: HandLines,
    rules: Rules | None = None,
    *,
    absent: bool = False,
) -> list[Record]:
    """Give the records with the grades in force.

    Args:
        records: as the store gives them.
        by_hand: what was decided.
        rules: the course's; None leaves them out, and the last hand-in counts.
        absent: with records for those who have a decision and handed in nothing.
    """
    placed = _without_placed(list(records), by_hand)
    kept = [one for one in placed if not by_hand.is_forgotten(one.student, one.exercise)]
    there = kept if rules is None else laid_over(kept, rules)
    there = [one for one in there if not by_hand.is_forgotten(one.student, one.exercise)]
    chosen = {id(one) for one in Counting(there).chosen.values()}
    ruled = [_ruled(one, by_hand) if id(one) in chosen else one for one in there]
    return [*ruled, *(_without_hand_in(there, by_hand, rules) if absent else ())]


def _without_placed(records: Sequence[Record], by_hand: HandLines) -> Iterator[Record]:
    """Leave out work of no known exercise that was graded again since, for a known one.

    Somebody has named the exercise (``--exercise``). What was decided about it by hand stays.
    """
    known: dict[str, list[Record]] = {}
    for one in records:
        if one.exercise != UNKNOWN:
            known.setdefault(one.student, []).append(one)
    for one in records:
        there = [] if one.exercise != UNKNOWN else known.get(one.student, [])
        decided = (one.student, one.exercise) in by_hand.standing
        if decided or not any(_is_placed(one, later) for later in there):
            yield one


def _is_placed(unknown: Record, later: Record) -> bool:
    """Whether it is the same file or, where there was none that could be read, the same folder."""
    folder = f"{unknown.submission}/"
    same = later.submission == unknown.submission or later.submission.startswith(folder)
    return same and later.graded_at > unknown.graded_at


def _ruled(record: Record, by_hand: HandLines) -> Record:
    lines = by_hand.standing.get((record.student, record.exercise), ())
    asked = by_hand.again_since(record.student, record.exercise)
    own = record.by_rules.found if record.by_rules is not None else record.grade
    told = ByHand(
        found=own,
        decision=by_hand.decision(record.student, record.exercise),
        comments=tuple(one for one in lines if one.kind is HandKind.COMMENT),
        asked_again=asked if asked is not None and record.graded_at < asked.at else None,
    )
    if told == ByHand(own, None):
        return record
    grade = _decided(record.grade, told.decision)
    return replace(
        record, grade=grade, by_hand=told, by_rules=_waived(record.by_rules, told.decision)
    )


def _waived(by_rules: ByRules | None, decision: HandLine | None) -> ByRules | None:
    """Take off nothing for lateness where a person decided, and say so where it would have been."""
    if by_rules is None or decision is None:
        return by_rules
    waived = by_rules.taken and decision.kind is not HandKind.EXCUSE
    told = (Message("rules.waived", {"days": by_rules.days}),) if waived else ()
    return replace(by_rules, taken=0.0, told=told)


def _decided(found: Grade, decision: HandLine | None) -> Grade:
    """Give the grade in force; flags are settled by whoever gives the points.

    Checks of a fault of ours name our files: they are for the teacher, and stay in what was found.
    """
    if decision is None:
        return found
    if not found.graded:
        found = replace(found, checks=(), hints=())
    if decision.kind is HandKind.EXCUSE:
        return replace(found, verdict=Verdict.EXCUSED, score=None, max_score=0.0, flags=())
    assert decision.score is not None
    full = decision.score >= found.max_score - 1e-9
    verdict = Verdict.ACCEPTED if full else Verdict.BY_HAND
    return replace(found, verdict=verdict, score=decision.score, flags=())


def _without_hand_in(
    records: Sequence[Record], by_hand: HandLines, rules: Rules | None
) -> Iterator[Record]:
    handed_in = {(one.student, one.exercise) for one in records}
    for who in by_hand.standing:
        decision = by_hand.decision(*who)
        if decision is None or who in handed_in or by_hand.is_forgotten(*who):
            continue
        lines = by_hand.standing[who]
        comments = tuple(one for one in lines if one.kind is HandKind.COMMENT)
        nothing = Grade(Verdict.NO_MODEL, 0.0, decision.most or 0.0, (), (), ())
        yield Record(
            key="",
            execution_key="",
            submission="",
            student=decision.student,
            exercise=decision.exercise,
            grade=_decided(nothing, decision),
            evidence=None,
            attempts=(),
            engine=None,
            device="",
            isolation=Isolation(Level.NONE),
            seconds=0.0,
            graded_at=decision.at[:19] + "+00:00",
            versions={},
            by_hand=ByHand(None, decision, comments),
            by_rules=None if rules is None else rules.without_hand_in(*who),
        )
