"""What a class's results say beside its grades: mistakes, who may need help, what grading took.

Enters: the Records that count. Leaves: rows for the class's page. Touches nothing.

A row is a reason to look and no judgement: who stands in one, and why, is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from grader.policy.hand_ins import is_excused
from grader.report import wording
from grader.report.by_hand import worth
from grader.report.late import late_mark
from grader.report.owed import Ahead, never_ahead
from grader.report.points import total, weight
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import UNKNOWN, Message, Record, Verdict

MOST_MISTAKES = 30
MOST_NAMED = 12  # students behind one mistake
MOST_MISSING = 4  # exercises that one student has nothing for; the class page names all beside
LONGEST_EXAMPLE = 240
AT_RISK = 0.5  # of the points that could be earned: below half nobody passes anywhere
HOUR = 3600.0
Link = Callable[[str], str]


@dataclass(frozen=True)
class Person:
    """A student, and the address of the page."""

    name: str
    link: str


@dataclass(frozen=True)
class Mistake:
    """One mistake that several students made, with the words that one of them read."""

    exercise: str
    example: str
    count: int
    people: tuple[Person, ...]
    more: int  # people that are not named


@dataclass(frozen=True)
class Risk:
    """A student who has less than half of the points so far."""

    person: Person
    points: str
    share: float
    why: tuple[str, ...]


@dataclass(frozen=True)
class Spent:
    """What grading one exercise took."""

    exercise: str
    runs: int
    again: int  # work that needed more than one attempt
    mean: str
    longest: str
    hours: str


def mistakes(
    records: Sequence[Record], words: Words, titles: Mapping[str, str], link: Link
) -> list[Mistake]:
    """Give what more than one student got wrong, the commonest first.

    A mistake is the first hint that its author reads; its words may name another's cell.
    """
    groups: dict[tuple[str, str], list[tuple[Record, Message]]] = {}
    for record in records:
        if (message := _first_mistake(record)) is not None:
            groups.setdefault((record.exercise, message.id), []).append((record, message))
    several = [told for told in groups.values() if len({one.student for one, _ in told}) > 1]
    several.sort(key=len, reverse=True)
    return [_mistake(told, words, titles, link) for told in several[:MOST_MISTAKES]]


def _first_mistake(record: Record) -> Message | None:
    if not record.grade.graded or record.grade.verdict is Verdict.ACCEPTED:
        return None
    if record.grade.hints:
        return record.grade.hints[0]
    check = wording.deciding_check(record)
    return check.message if check is not None else None


def _mistake(
    told: Sequence[tuple[Record, Message]], words: Words, titles: Mapping[str, str], link: Link
) -> Mistake:
    first, message = told[0]
    names = sorted({record.student for record, _ in told})
    return Mistake(
        exercise=wording.title(first.exercise, titles, words),
        example=printable(words.say(message), limit=LONGEST_EXAMPLE),
        count=len(names),
        people=tuple(Person(wording.name(one), link(one)) for one in names[:MOST_NAMED]),
        more=max(0, len(names) - MOST_NAMED),
    )


def at_risk(
    chosen: Sequence[Record],
    words: Words,
    titles: Mapping[str, str],
    link: Link,
    ahead: Ahead = never_ahead,
    absent: Sequence[str] = (),
    owed: Collection[str] = (),
) -> list[Risk]:
    """Name who has less than half of the points of what the class handed in, the fewest first.

    What is missing counts as nothing earned once it was due; what is not graded or excused does not
    count. Each exercise has its weight, as in the totals beside it.

    Args:
        chosen: the record that would count, per student and exercise, excused ones included.
        words: the reader's language.
        titles: exercise id to title.
        link: student to page.
        ahead: who has time left for which exercise.
        absent: people of whom there is nothing at all.
        owed: the exercises that everybody owes; all of the class's where nobody knows.
    """
    asked: dict[str, float] = {}
    theirs: dict[str, dict[str, Record]] = {one: {} for one in absent}
    for record in chosen:
        theirs.setdefault(record.student, {})
        if record.exercise != UNKNOWN:
            most = weight(record) * worth(record)
            asked[record.exercise] = max(asked.get(record.exercise, 0.0), most)
            theirs[record.student][record.exercise] = record
    found = []
    for student, records in theirs.items():
        counts = {*records, *(one for one in owed or asked if not ahead(student, one))}
        due = {one: most for one, most in asked.items() if one in counts}
        risk = _risk(Person(wording.name(student), link(student)), records, due, words, titles)
        if risk is not None and risk.share < AT_RISK:
            found.append(risk)
    return sorted(found, key=lambda one: (one.share, one.person.name))


def _risk(
    person: Person,
    records: Mapping[str, Record],
    asked: Mapping[str, float],
    words: Words,
    titles: Mapping[str, str],
) -> Risk | None:
    """Add up a student's points; None where nothing counts yet."""
    missing = [name for name in asked if name not in records]
    earned = total(records.values())
    most = earned.most + sum(asked[name] for name in missing)
    if most <= 0:
        return None
    return Risk(
        person=person,
        points=f"{wording.points(earned.score)} / {wording.points(most)}",
        share=earned.score / most,
        why=tuple(_why(records, missing, words, titles)),
    )


def _why(
    records: Mapping[str, Record], missing: Sequence[str], words: Words, titles: Mapping[str, str]
) -> Iterator[str]:
    if missing:
        names = ", ".join(wording.title(one, titles, words) for one in missing[:MOST_MISSING])
        names += f", … ({len(missing)})" if missing[MOST_MISSING:] else ""
        yield words("analysis.nothing_for", exercises=names)
    for exercise, record in records.items():
        if is_excused(record):
            continue
        accepted = record.grade.verdict is Verdict.ACCEPTED
        found = ("" if accepted else wording.verdict_name(record, words), late_mark(record, words))
        if any(found):
            title = wording.title(exercise, titles, words)
            yield f"{title}: {', '.join(filter(None, found))}."


def spent(records: Sequence[Record], words: Words, titles: Mapping[str, str]) -> list[Spent]:
    """Say how long each exercise took to grade; a run of several exercises counts once for each."""
    by_exercise: dict[str, dict[str, Record]] = {}
    for record in records:
        if record.execution_key:
            by_exercise.setdefault(record.exercise, {})[record.execution_key] = record
    return [
        _spent(wording.title(exercise, titles, words), list(runs.values()), words)
        for exercise, runs in by_exercise.items()
    ]


def _spent(title: str, runs: Sequence[Record], words: Words) -> Spent:
    seconds = [one.seconds for one in runs]
    return Spent(
        exercise=title,
        runs=len(runs),
        again=sum(len(one.attempts) > 1 for one in runs),
        mean=words("report.seconds", seconds=round(fmean(seconds))),
        longest=words("report.seconds", seconds=round(max(seconds))),
        hours=f"{sum(seconds) / HOUR:,.2f}",
    )


def hours(records: Sequence[Record]) -> str:
    """Give what all runs took together, each once, in hours of one core."""
    runs = {one.execution_key: one.seconds for one in records if one.execution_key}
    return f"{sum(runs.values()) / HOUR:,.2f}"
