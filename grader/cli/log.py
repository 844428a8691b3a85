"""Shows what was done by hand, and what a regrade or the course's rules moved.

Enters: an OUT folder, perhaps a student. Leaves: an exit code. Touches: reads OUT; stdout.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from grader.cli import printing
from grader.cli.course import course_of_results
from grader.cli.errors import tell
from grader.cli.kept import ALL_ACCEPTED, UNGRADED, existing
from grader.cli.moved import is_aside, is_own
from grader.cli.people import roster_or_nobody
from grader.cli.whose import student_called
from grader.policy.by_hand import HandLines
from grader.record import history
from grader.record.history import By, Moved
from grader.record.store import Store
from grader.report import wording
from grader.report.by_hand import KINDS, LONGEST_TEXT, line_json
from grader.text.printable import printable
from grader.text.times import moment
from grader.text.words import Words
from grader.types import HandKind, HandLine, Json

SCHEMA = "grader/log/v1"


def run_log(out: Path, student: str | None, form: str, lang: str | None) -> int:
    """Print every line, the oldest first; gives the exit code."""
    course, words = course_of_results(out, lang)
    store = Store(existing(out))
    by_hand, then = store.by_hand(), history.read(store.out)
    moved = list(then.moved)
    lines = [one for one in by_hand.lines if one.kind is not HandKind.FORGET or not one.student]
    if student is not None:
        there = {one.student for one in lines} | {one.student for one in moved}
        there |= {one.student for one in store.latest()}
        whose = student_called(student, there - {""}, roster_or_nobody(course, store.out))
        lines = [one for one in lines if one.student == whose]
        moved = [one for one in moved if one.student == whose]
    if form == "json":
        print(json.dumps(_json(by_hand, lines, moved, words), ensure_ascii=False, indent=2))  # noqa: T201
    else:
        titles = printing.titles(course, words)
        entries = [(one.at, _line(one, by_hand, titles, words)) for one in lines]
        entries += [(one.at, _move(one, titles, words)) for one in moved]
        for _, text in sorted(entries, key=lambda entry: entry[0]):
            print(text)  # noqa: T201
        if not entries:
            print(words("hand.nothing"))  # noqa: T201
    for message in (*store.warnings, *then.unread):
        tell(words.say(message))
    return UNGRADED if store.warnings or then.unread else ALL_ACCEPTED


def _line(line: HandLine, by_hand: HandLines, titles: dict[str, str], words: Words) -> str:
    told = [_id(line.id), _time(line.at, words), wording.name(line.by), words(KINDS[line.kind])]
    if line.student:
        told += [wording.name(line.student), wording.title(line.exercise, titles, words)]
    told += _details(line, words)
    if (undo := by_hand.undone.get(line.id)) is not None:
        told.append(words("hand.undone_by", id=_id(undo.id), by=wording.name(undo.by)))
    return "  ".join(told)


def _details(line: HandLine, words: Words) -> Iterator[str]:
    if line.score is not None:
        yield f"{wording.points(line.score)} / {wording.points(line.most or 0.0)}"
    if line.undoes:
        yield words("hand.undoes", id=_id(line.undoes))
    if line.kind is HandKind.FORGET:
        yield words("hand.erased", count=line.erased)
    if line.text:
        yield f"“{printable(line.text, limit=LONGEST_TEXT)}”"


def _move(one: Moved, titles: dict[str, str], words: Words) -> str:
    scores = [
        "–" if then.score is None else wording.points(then.score)
        for then in (one.before, one.after)
    ]
    change = " → ".join(scores)
    told = [
        "–" * 8,
        _time(one.at, words),
        *_by(one, words),
        wording.name(one.student),
        wording.title(one.exercise, titles, words),
        words("preview.own", change=change) if is_own(one.why) else change,
        words("preview.not_in_force") if is_aside(one.why) else "",
        " ".join(words.say(why) for why in one.why),
    ]
    return printable("  ".join(filter(None, told)), limit=LONGEST_TEXT)


def _by(one: Moved, words: Words) -> tuple[str, ...]:
    if one.by is By.RULES:
        return (words("hand.by_rules"),)
    return words("hand.judge", version=printable(one.judge, limit=20)), words("hand.regraded")


def _id(text: str) -> str:
    return printable(text, limit=16)


def _time(at: str, words: Words) -> str:
    return printable(moment(at, words.zone), limit=40)


def _json(
    by_hand: HandLines, lines: list[HandLine], moved: list[Moved], words: Words
) -> dict[str, Json]:
    def told(line: HandLine) -> dict[str, Json]:
        undo = by_hand.undone.get(line.id)
        return {
            **line_json(line),
            "student": printable(line.student),
            "exercise": printable(line.exercise),
            "undoes": line.undoes or None,
            "undone_by": None if undo is None else undo.id,
        }

    def then(one: Moved) -> dict[str, Json]:
        plain = history.plain(one)
        whys: list[Json] = [words.say(why) for why in one.why]
        named = {
            name: printable(str(plain[name])) for name in ("student", "submission", "exercise")
        }
        return {**plain, **named, "why": whys}

    return {
        "schema": SCHEMA,
        "by_hand": [told(one) for one in lines],
        "regraded": [then(one) for one in moved],
    }
