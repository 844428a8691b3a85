"""Scores kept evidence anew, or says beforehand which scores would move.

Enters: an OUT folder. Leaves: an exit code. Touches: stdout; OUT, but for a preview, which changes
nothing there.

What a score was before stays: its record does, and a line in ``history.jsonl`` says when it moved,
by which judge, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from grader import seeds
from grader.cli import printing
from grader.cli.course import open_course, open_words
from grader.cli.errors import tell
from grader.cli.kept import ALL_ACCEPTED, SOME_NOT, UNGRADED, existing, exit_code, finish
from grader.cli.rules import rules_for
from grader.cli.spared import Spared, Step
from grader.course.exercises import Course
from grader.pipeline.job import JUDGE_VERSION
from grader.pipeline.regrade import regrade as regrade_records
from grader.policy.by_hand import in_force
from grader.policy.hand_ins import Counting
from grader.record import history
from grader.record.store import Store
from grader.report import by_hand as told
from grader.report import wording
from grader.report.moves import Move, move, move_json
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


def run_regrade(out: Path, lang: str | None, form: str) -> int:
    """Score stored evidence anew; gives the exit code."""
    course = open_course()
    words = open_words(course, lang)
    with Store(existing(out)) as store:
        spared = Spared(store.out)
        records: list[Record] = []
        known = history.read(store.out)
        store.warnings += known.unread
        for again in _again(store.latest(), spared):
            counts = again.kept  # where it fails, what it had still counts
            with spared.alone(Step.REGRADE, again.kept.student):
                if moved := move(again.kept, again.record):
                    history.append(store.out, [_noted(moved)], known)
                if again.record is not again.kept or again.kept.evidence is None:
                    store.save(again.record)
                counts = again.record
            records.append(counts)
        records = in_force(records, store.by_hand(), rules_for(course, records), absent=True)
        whole = finish(course, words, store, records, form, spared)
    return exit_code(records, refused=not whole)


def run_preview(out: Path, lang: str | None, form: str) -> int:
    """Say which scores would move and why, and change nothing; 0 where none would, 1 where some.

    Raises:
        GraderError: a form of output that cannot say it.
    """
    if form not in FORMS:
        raise GraderError(Message("preview.format", {"format": form, "known": ", ".join(FORMS)}))
    course = open_course()
    words = open_words(course, lang)
    store = Store(existing(out))
    spared = Spared(store.out)
    latest = store.latest()
    moves = [one for a in _again(latest, spared) if (one := move(a.kept, a.record)) is not None]
    ruled = in_force(latest, store.by_hand(), rules_for(course, latest))
    shown = {one.key: one for one in reversed(ruled)}  # of a group's, the author's own
    hand_ins = Counting(ruled)
    if form == "json":
        extra = [_extra(one, shown, hand_ins) for one in moves]
        found = [move_json(one, words, more) for one, more in zip(moves, extra, strict=True)]
        whole: dict[str, Json] = {
            "schema": SCHEMA,
            "judge": JUDGE_VERSION,
            "results": len(latest),
            "moves": list[Json](found),
            "failed": [printable(one) for one in spared.students(Step.REGRADE)],
        }
        print(json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False))  # noqa: T201
    else:
        for line in _lines(moves, shown, hand_ins, course, words):
            print(line)  # noqa: T201
        print(words("preview.sum", moves=len(moves), total=len(latest)))  # noqa: T201
    for message in store.warnings:
        tell(words.say(message))
    spared.tell(words)
    if store.warnings or spared:
        return UNGRADED
    return SOME_NOT if moves else ALL_ACCEPTED


def _again(records: Sequence[Record], spared: Spared) -> Iterator[_Again]:
    """Score each record with the sizes that it was graded at; ``spared`` learns what fails."""
    secret = seeds.course_secret()
    at = cache(open_course)
    for kept in records:
        record = kept
        with spared.alone(Step.REGRADE, kept.student):
            (record,) = regrade_records(at(kept.profile), [kept], secret)
        yield _Again(kept, record)


def _noted(one: Move) -> history.Moved:
    return history.Moved(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        student=one.after.student,
        submission=one.after.submission,
        exercise=one.after.exercise,
        judge=JUDGE_VERSION,
        before=history.then(one.before),
        after=history.then(one.after),
        why=one.why,
    )


def _extra(one: Move, shown: dict[str, Record], hand_ins: Counting) -> dict[str, Json]:
    record = shown.get(one.before.key)
    decided = told.decision(record) if record is not None else None
    return {
        "counts": hand_ins.is_chosen(one.before),
        "judge_before": one.before.versions.get("judge"),
        "in_force": None if decided is None else decided.kind.value,
    }


def _lines(
    moves: Sequence[Move],
    shown: dict[str, Record],
    hand_ins: Counting,
    course: Course,
    words: Words,
) -> Iterator[str]:
    titles = printing.titles(course, words)
    for one in moves:
        yield _line(one, titles, words)
        for why in one.why[:MOST_REASONS]:
            yield f"    {words.say(why)}"
        if (left := len(one.why) - MOST_REASONS) > 0:
            yield f"    {words('report.more_rows', more=left)}"
        record = shown.get(one.before.key)
        if record is not None and told.decision(record):
            yield f"    {words('preview.by_hand')} {told.decision_text(record, words)}"
        elif not hand_ins.is_chosen(one.before):
            yield f"    {wording.does_not_count(one.before, hand_ins, words)}"


def _line(one: Move, titles: Mapping[str, str], words: Words) -> str:
    parts = [
        wording.name(one.after.student),
        wording.title(one.after.exercise, titles, words),
        f"{wording.score(one.before)} → {wording.score(one.after)}",
    ]
    if one.change is not None:
        sign = "+" if one.change > 0 else "−" if one.change < 0 else "±"
        parts.append(f"({sign}{wording.points(abs(one.change))})")
    if one.before.grade.verdict is not one.after.grade.verdict:
        verdicts = (wording.verdict_name(it, words) for it in (one.before, one.after))
        parts.append(" → ".join(verdicts))
    return "  ".join(parts)
