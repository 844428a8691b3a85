"""What the course's rules make of hand-ins: whose they are, which one counts, what lateness costs.

Enters: Records as they are kept, Rules. Leaves: the same Records, each with its ``ByRules``, late
points taken off. Touches nothing.

This is the one place where the points of a student for an exercise come about, before a person
decides otherwise (``by_hand``): a group's hand-in is each member's, lateness is taken off, one
attempt counts. Pages, tables and exports show what stands in the record, and compute nothing of it
again. Points of several attempts are never added up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from grader.policy.hand_ins import place
from grader.policy.late import Lateness, LatePolicy, is_mark, lateness
from grader.policy.rules import Attempts, Group, Rules, Terms, authors, folded
from grader.text.times import clock, until
from grader.types import ByRules, Grade, Message, Record, Scalar, Timing, Verdict

TOLD = {
    Timing.LATE: "rules.late",
    Timing.CUT_OFF: "rules.cut_off",
    Timing.MARKED: "rules.marked",
}


def laid_over(records: Iterable[Record], rules: Rules) -> list[Record]:
    """Give the records with what the rules make of each; of a group's, each member's."""
    groups: dict[tuple[str, str], list[Record]] = {}
    everybody = list(_everybodys(list(records), rules.groups))
    for one in everybody:
        groups.setdefault((one.student, one.exercise), []).append(one)
    made = {id(a): b for theirs in groups.values() for a, b in _of_one(theirs, rules)}
    return [made[id(one)] for one in everybody]


def _everybodys(records: Sequence[Record], groups: Sequence[Group]) -> Iterator[Record]:
    """Give each record, and after it those of the author's group for the same work."""
    called = {folded(one.student): one.student for one in records}
    for record in records:
        own, theirs = record.student, authors(record.student, record.exercise, groups)
        names = [
            own if folded(one) == folded(own) else called.get(folded(one), one) for one in theirs
        ]
        if record.student in names:
            yield record
        for name in dict.fromkeys(names):
            if name != record.student:
                rules = ByRules(counts=False, handed_in_by=record.student)
                yield replace(record, student=name, by_rules=rules)


def _of_one(theirs: Sequence[Record], rules: Rules) -> Iterator[tuple[Record, Record]]:
    """Judge one student's hand-ins for one exercise: each as it came, and as it is then."""
    student, exercise = theirs[0].student, theirs[0].exercise
    due = rules.due(student, exercise)
    judged = [_judged(one, due, rules) for one in theirs]
    chosen = _chosen(judged, rules)
    if rules.has_longer(student, exercise):  # without it another might count: it never costs
        usual = replace(rules, extensions=())
        due = usual.due(student, exercise)
        before = _chosen([_judged(one, due, usual) for one in theirs], usual)
        chosen = max(
            (chosen, before), key=lambda number: (_points(judged[number]), number == chosen)
        )
    order = sorted(range(len(theirs)), key=lambda number: _place(theirs[number], rules))
    for number, one in enumerate(judged):
        assert one.by_rules is not None
        counting = replace(
            one.by_rules,
            counts=number == chosen,
            instead="" if number == chosen else judged[chosen].submission,
            attempt=order.index(number) + 1,
            attempts=len(theirs),
        )
        yield theirs[number], replace(one, by_rules=counting)


def _judged(record: Record, due: datetime | None, rules: Rules) -> Record:
    """Take off what lateness costs."""
    marks = not rules.has_longer(record.student, record.exercise)
    handed_in = record.handed_in or rules.told_at(record)
    told = lateness(handed_in, due, rules.zone, rules.late, marks=marks)
    found = record.grade
    terms = rules.exercises.get(record.exercise, Terms())
    grade, taken = _graded(found, told, rules.late)
    is_free = is_mark(handed_in) and found.score is not None and taken == 0
    free = (_free(told, rules, marks=marks),) if is_free else ()
    by_rules = ByRules(
        counts=False,
        found=found,
        timing=told.timing,
        handed_in=told.at.isoformat() if told.at is not None else "",
        due=due.astimezone(rules.zone).isoformat() if due is not None else "",
        days=told.days,
        taken=taken,
        waiting=_waiting(found, told, rules.late),
        told=_told(told, due, taken, rules, held=found.waiting > 0) + free,
        weight=terms.weight,
        points=terms.points,
        section=rules.section(record.student),
        handed_in_by=record.by_rules.handed_in_by if record.by_rules is not None else "",
    )
    return replace(record, grade=grade, by_rules=by_rules)


def _graded(found: Grade, told: Lateness, policy: LatePolicy) -> tuple[Grade, float]:
    if found.score is None:  # ungraded: there is nothing to take from
        return found, 0.0
    left = policy.left(found.score, found.max_score, told.days)
    return (found, 0.0) if left == found.score else (replace(found, score=left), found.score - left)


def _waiting(found: Grade, told: Lateness, policy: LatePolicy) -> float | None:
    """Give what the score would rise by, were all points given that wait."""
    if found.score is None or not found.waiting:
        return None
    most, days = found.max_score, told.days
    whole = policy.left(found.score + found.waiting, most, days)
    return round(whole - policy.left(found.score, most, days), 2)


def _told(
    told: Lateness, due: datetime | None, taken: float, rules: Rules, *, held: bool
) -> tuple[Message, ...]:
    """Say to the student why points are missing, with both times; nothing where none is.

    ``held``: points wait for a teacher, which are lost after the cut-off whoever decides.
    """
    key = TOLD.get(told.timing)
    if key is None or (taken == 0 and not (held and told.timing is Timing.CUT_OFF)):
        return ()
    args: dict[str, Scalar] = {"days": told.days, "taken": round(taken, 2)}
    args |= {"due": until(due.astimezone(rules.zone)) if due is not None else ""}
    args |= {"at": clock(told.at) if told.at is not None else "", "most": rules.late.cut_off or 0}
    return (Message(key, args),)


def _free(told: Lateness, rules: Rules, *, marks: bool) -> Message:
    """Say to the student why a platform's mark, which tells no time, cost nothing."""
    if not marks:
        return Message("rules.marked_extension")
    if told.days:
        return Message("rules.marked_free")
    return Message("rules.marked_grace", {"minutes": rules.late.grace_minutes})


def _chosen(judged: Sequence[Record], rules: Rules) -> int:
    """Give the number of the one that counts."""
    numbers = {id(one): number for number, one in enumerate(judged)}
    read = [one for one in judged if one.grade.verdict is not Verdict.MALFORMED] or list(judged)
    if rules.attempts is Attempts.BEST:
        graded = [one for one in read if one.grade.score is not None] or read
        return numbers[id(max(graded, key=lambda one: (_points(one), _place(one, rules))))]
    if rules.attempts is Attempts.LAST_IN_TIME:
        read = [one for one in read if not _is_late(one)] or read
    return numbers[id(max(read, key=lambda one: _place(one, rules)))]


def _is_late(record: Record) -> bool:
    return record.by_rules is not None and record.by_rules.days > 0


def _points(record: Record) -> float:
    """Give what is left of the score; less than nothing where there is none."""
    return -1.0 if record.grade.score is None else record.grade.score


def _place(record: Record, rules: Rules) -> tuple[object, ...]:
    """Give what hand-ins are ordered by: what was replaced comes first, as it was replaced."""
    gone = rules.replaced(record) or math.inf
    return gone, *place(record.submission, record.handed_in or rules.told_at(record))
