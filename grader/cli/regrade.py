"""Scores kept evidence anew, or says beforehand which scores in force would move.

Enters: an OUT folder. Leaves: an exit code. Touches: stdout; OUT, but for a preview, which changes
nothing there.

What a score was before stays: its record does, and a line in ``history.jsonl`` says when it moved,
by which judge, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from grader import seeds
from grader.cli import printing
from grader.cli.course import course_of_results
from grader.cli.errors import tell
from grader.cli.kept import ALL_ACCEPTED, SOME_NOT, UNGRADED, existing, exit_code, finish
from grader.cli.moved import (
    BY_HAND,
    NOT_IN_FORCE,
    Moved,
    by_rubric,
    by_rules,
    is_own,
    lines_by_key,
    note_rules,
)
from grader.cli.people import remember
from grader.cli.rules import rules_for
from grader.cli.spared import Spared, Step
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.job import JUDGE_VERSION
from grader.pipeline.regrade import regrade as regrade_records
from grader.policy.by_hand import in_force
from grader.policy.hand_ins import Counting
from grader.policy.rules import Attempts
from grader.record import history, shown
from grader.record.store import Store
from grader.report import by_hand as told
from grader.report import wording
from grader.report.moves import move_json
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Json, Message, Record

SCHEMA = "grader/preview/v1"
FORMS = ("table", "json")
MOST_REASONS = 12  # on the terminal, of one score


@dataclass(frozen=True)
class _Again:
    """A record as it is kept, and as it would be; the same where it cannot be scored."""

    kept: Record
    record: Record


@dataclass(frozen=True)
class _InForce:
    """All that is kept, scored anew, and both with the grades in force, in the same order."""

    again: Sequence[_Again]
    before: Sequence[Record]
    after: Sequence[Record]


def run_regrade(out: Path, lang: str | None, form: str) -> int:
    """Score stored evidence anew; gives the exit code."""
    course, words = course_of_results(out, lang)
    with Store(existing(out)) as store:
        spared = Spared(store.out)
        records: list[Record] = []
        known = history.read(store.out)
        store.warnings += known.unread
        there = _in_force(store, course, spared)
        remember(store.out, course=course)
        note_rules(store, there.before)  # apart from what the rubric moves
        lines = lines_by_key([*by_rubric(there.before, there.after)])
        for again in there.again:
            counts = again.kept  # where it fails, what it had still counts
            with spared.alone(Step.REGRADE, again.kept.student):
                history.append(store.out, lines.get(again.kept.key, ()), known)
                if again.record is not again.kept or again.kept.evidence is None:
                    store.save(again.record)
                counts = again.record
            records.append(counts)
        rules = rules_for(course, records, store.out)
        records = in_force(records, store.by_hand(), rules, absent=True)
        whole = finish(course, words, store, records, form, spared)
    return exit_code(records, refused=not whole)


def run_preview(out: Path, lang: str | None, form: str) -> int:
    """Say which scores would move and why, and change nothing; 0 where none in force would, else 1.

    Raises:
        GraderError: a form of output that cannot say it.
    """
    if form not in FORMS:
        raise GraderError(Message("preview.format", {"format": form, "known": ", ".join(FORMS)}))
    course, words = course_of_results(out, lang)
    store = Store(existing(out))
    spared = Spared(store.out)
    there = _in_force(store, course, spared)
    moved = [*by_rubric(there.before, there.after)]
    last = shown.read(store.out)
    ruled = [*by_rules(last, there.before)] if last is not None else []
    hand_ins = Counting(there.before)
    if form == "json":
        whole: dict[str, Json] = {
            "schema": SCHEMA,
            "judge": JUDGE_VERSION,
            "results": len(there.again),
            "moves": [_json(one, words) for one in moved],
            "moves_by_rules": None if last is None else [_json(one, words) for one in ruled],
            "failed": [printable(one) for one in spared.students(Step.REGRADE)],
        }
        print(json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False))  # noqa: T201
    else:
        _print(moved, ruled, hand_ins, course, words)
    if last is None and (course.rules.dated or course.rules.attempts is not Attempts.LAST):
        tell(words("preview.nothing_known", path=str(store.out / shown.NAME)))
    for message in store.warnings:
        tell(words.say(message))
    spared.tell(words)
    if store.warnings or spared:
        return UNGRADED
    return SOME_NOT if any(one.in_force for one in (*moved, *ruled)) else ALL_ACCEPTED


def _in_force(store: Store, course: Course, spared: Spared) -> _InForce:
    """Score everything anew, and lay the same rules and decisions over both; changes nothing."""
    again = [*_again(course, store.latest(), spared)]
    kept, records = [one.kept for one in again], [one.record for one in again]
    rules, by_hand = rules_for(course, kept, store.out), store.by_hand()
    return _InForce(again, in_force(kept, by_hand, rules), in_force(records, by_hand, rules))


def _again(course: Course, records: Sequence[Record], spared: Spared) -> Iterator[_Again]:
    """Score each record with the sizes that it was graded at; ``spared`` learns what fails."""
    secret = seeds.course_secret()
    at = cache(partial(load_course, course.root))
    for kept in records:
        record = kept
        with spared.alone(Step.REGRADE, kept.student):
            (record,) = regrade_records(at(kept.profile), [kept], secret)
        yield _Again(kept, record)


def _json(one: Moved, words: Words) -> Json:
    decided = told.decision(one.of)
    extra: dict[str, Json] = {
        "counts": one.counts,
        "judge_before": one.move.before.versions.get("judge"),
        "in_force": None if decided is None else decided.kind.value,
    }
    return move_json(one.move, words, extra)


def _print(
    moved: Sequence[Moved],
    ruled: Sequence[Moved],
    hand_ins: Counting,
    course: Course,
    words: Words,
) -> None:
    titles = printing.titles(course, words)
    for heading, some in (("preview.by_rules", ruled), ("preview.by_rubric", moved)):
        if ruled and some:
            print(words(heading))  # noqa: T201
        for one in some:
            for line in _lines(one, hand_ins, titles, words):
                print(line)  # noqa: T201
    of = {(m.of.student, m.of.exercise) for m in (*moved, *ruled) if m.in_force}
    args = {"moves": len(of), "total": len(hand_ins.chosen), "rules": len(ruled)}
    print(words("preview.sum_rules" if ruled else "preview.sum", **args))  # noqa: T201


def _lines(
    one: Moved, hand_ins: Counting, titles: Mapping[str, str], words: Words
) -> Iterator[str]:
    why = [it for it in one.move.why if it.id not in NOT_IN_FORCE]
    yield _line(one, titles, words)
    for it in why[:MOST_REASONS]:
        yield f"    {words.say(it)}"
    if (left := len(why) - MOST_REASONS) > 0:
        yield f"    {words('report.more_rows', more=left)}"
    if one.stays:
        yield f"    {words(BY_HAND)} {told.decision_text(one.of, words)}"
    elif not one.counts:
        yield f"    {wording.does_not_count(one.of, hand_ins, words)}"


def _line(moved: Moved, titles: Mapping[str, str], words: Words) -> str:
    one = moved.move
    change = f"{wording.score(one.before)} → {wording.score(one.after)}"
    parts = [
        wording.name(one.after.student),
        wording.title(one.after.exercise, titles, words),
        words("preview.own", change=change) if is_own(one.why) else change,
    ]
    if one.change is not None:
        sign = "+" if one.change > 0 else "−" if one.change < 0 else "±"
        parts.append(f"({sign}{wording.points(abs(one.change))})")
    if one.before.grade.verdict is not one.after.grade.verdict:
        verdicts = (wording.verdict_name(it, words) for it in (one.before, one.after))
        parts.append(" → ".join(verdicts))
    if not moved.in_force:
        parts.append(words("preview.not_in_force"))
    return "  ".join(parts)
