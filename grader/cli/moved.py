"""Which scores in force move, and by what: the course's rules, or the rubric.

Enters: what the pages showed last, Records with the grades in force before and after. Leaves:
Moves; lines of ``history.jsonl``. Touches: that file and ``shown.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from grader.pipeline.job import JUDGE_VERSION
from grader.policy.hand_ins import Counting
from grader.record import history, shown
from grader.record.history import By
from grader.record.shown import ByWhom, Shown
from grader.record.store import Store
from grader.report import by_hand, wording
from grader.report.moves import Move, move
from grader.types import Message, Record, Verdict

BY_HAND = "preview.by_hand"
ANOTHER = "preview.another"
NOT_IN_FORCE = frozenset({BY_HAND, ANOTHER})  # reasons why no score in force moves


@dataclass(frozen=True)
class Moved:
    """A score that moves, the record that it is in force in, and whether it counts."""

    of: Record
    move: Move
    counts: bool

    @property
    def stays(self) -> bool:
        """Whether a decision by hand is in force, whatever the grader's own score does."""
        return by_hand.decision(self.of) is not None

    @property
    def in_force(self) -> bool:
        """Whether a score in force moves: of the hand-in that counts, and not below a decision."""
        return not is_aside(self.move.why)


def is_aside(why: Iterable[Message]) -> bool:
    """Whether what moves for these reasons is no score in force."""
    return any(one.id in NOT_IN_FORCE for one in why)


def is_own(why: Iterable[Message]) -> bool:
    """Whether it is the grader's own score that moves, while a decision by hand is in force."""
    return any(one.id == BY_HAND for one in why)


def by_rubric(before: Sequence[Record], after: Sequence[Record]) -> Iterator[Moved]:
    """Hold the same hand-ins against each other, as they were scored and as they are.

    Args:
        before: with the grades in force.
        after: the same ones, in the same order.
    """
    was, now = Counting(before), Counting(after)
    for old, new in zip(before, after, strict=True):
        counts = was.is_chosen(old) or now.is_chosen(new)
        if (found := move(old, new)) is not None:
            aside = () if counts else (Message(ANOTHER),)
            yield Moved(old, replace(found, why=(*found.why, *aside)), counts)
        elif by_hand.decision(old) and (found := move(_found(old), _found(new))) is not None:
            told = (*found.why, Message(BY_HAND))
            yield Moved(old, replace(found, why=told), counts)
    for who, old in was.chosen.items():
        new = now.chosen[who]
        if old.submission != new.submission and (found := move(old, new)) is not None:
            yield Moved(new, Move(old, new, (_another(new),)), counts=True)


def by_rules(before: ByWhom, records: Sequence[Record]) -> Iterator[Moved]:
    """Give what moved since the pages were written although the same work has the same grades.

    What the grader found anew, or a person decided, is none of it.
    """
    known = {(one.key, one.own) for theirs in before.values() for one in theirs}
    now = shown.of(records)
    there = {(one.key, one.own) for one in now}
    theirs_now: dict[tuple[str, str], set[tuple[object, ...]]] = {}
    for one in now:
        theirs_now.setdefault((one.student, one.exercise), set()).add((one.key, one.own))
    for who, record in Counting(records).chosen.items():
        theirs = before.get(who, ())
        same = theirs_now[who] <= known and {(one.key, one.own) for one in theirs} <= there
        old = next((one for one in theirs if one.counts), None)
        decided = by_hand.decision(record) or any(one.by_hand for one in theirs)
        if same and not decided and (found := _since(old, record)) is not None:
            yield Moved(record, found, counts=True)


def note_rules(store: Store, records: Sequence[Record]) -> None:
    """Note what the rules moved since the pages were last written, and what they will show now.

    Args:
        store: whose lock is held.
        records: all, with the grades in force.

    Raises:
        GraderError: the disk is full or refuses.
    """
    before = shown.read(store.out)
    if before is not None and (moved := list(by_rules(before, records))):
        lines = [line(one.move, By.RULES) for one in moved]
        history.append(store.out, lines, history.read(store.out))
    shown.write(store.out, records)


def line(one: Move, by: By) -> history.Moved:
    """Give a move as the history has it."""
    return history.Moved(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        student=one.after.student,
        submission=one.after.submission,
        exercise=one.after.exercise,
        judge=JUDGE_VERSION,
        before=history.then(one.before),
        after=history.then(one.after),
        why=one.why,
        by=by,
    )


def lines_by_key(moved: Sequence[Moved]) -> Mapping[str, list[history.Moved]]:
    """Give the history's lines of what the rubric moved, by the key that each record had."""
    lines: dict[str, list[history.Moved]] = {}
    for one in moved:
        if one.move.before.submission == one.move.after.submission:
            lines.setdefault(one.move.before.key, []).append(line(one.move, By.RUBRIC))
    return lines


def _found(record: Record) -> Record:
    """Give a record with the grader's own grade."""
    own = record.by_hand.found if record.by_hand is not None else None
    return record if own is None else replace(record, grade=own)


def _since(old: Shown | None, record: Record) -> Move | None:
    if old is None:
        before = replace(record, grade=replace(record.grade, score=None))
    else:
        grade = replace(
            record.grade,
            verdict=Verdict(old.verdict),
            score=old.score,
            max_score=old.max_score,
        )
        before = replace(record, key=old.key, submission=old.submission, grade=grade)
    found = move(before, record)
    return None if found is None else replace(found, why=tuple(_why(old, record)))


def _why(old: Shown | None, record: Record) -> Iterator[Message]:
    rules = record.by_rules
    if old is not None and old.submission != record.submission:
        yield _another(record)
    if rules is None:
        return
    if old is None and rules.handed_in_by:
        yield Message("move.group", {"by": rules.handed_in_by})
    before, after = (wording.points(it) for it in (old.taken if old else 0.0, rules.taken))
    if before != after:
        yield Message("move.late", {"before": before, "after": after})
        yield from rules.told


def _another(record: Record) -> Message:
    return Message("move.another", {"other": wording.name(record.submission)})
