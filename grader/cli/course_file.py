"""The commands about ``course.toml``: begin one, and say what it comes to.

Enters: a course. Leaves: the file and its schema; a table, an exit code. Touches: the course's
folder (``init`` alone), stdout; reads the roster and worksheets.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from grader.authoring.around import ATTEMPTS
from grader.cli.course import open_course, open_words
from grader.cli.people import named
from grader.cli.printing import console, titles
from grader.cli.roster import class_list
from grader.cli.rules import nobodys, rules_for, section_column
from grader.cli.times import read_worksheet
from grader.course.editors import SCHEMA
from grader.course.exercises import Course
from grader.course.load import SETTINGS, find_course, load_course, read_settings
from grader.policy.rules import Rules, Terms
from grader.record import files
from grader.report import worksheet
from grader.report.attendance import people_of
from grader.report.wording import points
from grader.text.times import clock, until
from grader.text.words import Words
from grader.types import GraderError, Message

if TYPE_CHECKING:
    from rich.table import Table

SOUND, SOME_NOT = 0, 1
TEMPLATES = SCHEMA.parent / "template"
EXAMPLE = "EXERCISE"  # in the template
HEAD = (
    "report.exercise",
    "rules.opens",
    "rules.due",
    "rules.weight",
    "rules.points",
    "rules.title",
)


def run_init(lang: str | None) -> int:
    """Write a ``course.toml`` to be filled in; never over one that is there.

    Raises:
        GraderError: there is one, or the disk refuses.
    """
    root = find_course()  # where one stands, never a course found elsewhere
    path = root / SETTINGS
    if path.exists() or path.is_symlink():
        raise GraderError(Message("rules.there_already", {"path": str(path)}))
    course = load_course(root)
    words = open_words(course, lang)
    text = (TEMPLATES / f"course.{words.lang}.toml").read_text("utf-8")
    files.write_whole(
        path, text.replace(EXAMPLE, next(iter(course.exercises))).encode(), shared=True
    )
    with files.disk_errors(root / SCHEMA.name):
        shutil.copyfile(SCHEMA, root / SCHEMA.name)
    console().print(words("rules.begun", path=str(path)), soft_wrap=True)
    return SOUND


def run_check(lang: str | None) -> int:
    """Say what the course's rules come to; gives 1 where a name in them is nobody's.

    Raises:
        GraderError: course.toml, its roster or a worksheet says something that cannot be.
    """
    course = open_course()
    words = open_words(course, lang)
    rules = rules_for(course, ())
    terminal = console()
    if course.name:
        terminal.print(course.name, soft_wrap=True)
    terminal.print(_table(course, rules, words))
    for line in _lines(course, rules, words):
        terminal.print(line, soft_wrap=True)
    roster = class_list(course)
    odd = [words.say(message) for message in nobodys(course, (), roster)] if roster else []
    for line in odd:
        terminal.print(line, soft_wrap=True)
    return SOME_NOT if odd else SOUND


def _table(course: Course, rules: Rules, words: Words) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    weeks = {one: said.week for one, said in read_settings(course.root).exercise.items()}
    some = any(weeks.values())
    for key in (*HEAD[:1], *(("rules.week",) if some else ()), *HEAD[1:]):
        table.add_column(words(key), overflow="fold")
    for exercise, title in _own_titles(course, words).items():
        terms = rules.exercises.get(exercise, Terms())
        table.add_row(
            title,
            *((str(weeks.get(exercise) or "–"),) if some else ()),
            clock(terms.opens) if terms.opens else "–",
            until(terms.due) if terms.due else "–",
            points(terms.weight),
            points(100.0 if terms.points is None else terms.points),
            terms.title or "–",
        )
    return table


def _own_titles(course: Course, words: Words) -> dict[str, str]:
    """Give the exercises that ``course.toml`` names; all where it names none."""
    known, own = titles(course, words), named(course)
    return {one: title for one, title in known.items() if one in own} or known


def _lines(course: Course, rules: Rules, words: Words) -> Iterator[str]:
    if others := len(course.exercises) - len(_own_titles(course, words)):
        yield words("rules.others", count=others)
    yield words(ATTEMPTS[rules.attempts])
    if course.hints is not None:
        yield words("rules.hints", count=course.hints)
    late = rules.late
    if not rules.dated:
        yield words("rules.no_dates")
    elif not late.per_day and late.cut_off is None:
        yield words("rules.no_policy")
    else:
        minutes = late.grace_minutes
        yield words("rules.policy", percent=late.per_day, most=late.most, minutes=minutes)
        if late.cut_off is not None:
            yield words("rules.policy_ends", days=late.cut_off)
        if late.grace or rules.extensions:
            yield words("rules.policy_marks" if late.grace else "rules.policy_marks_extended")
    if rules.dated:
        yield words("rules.clock", zone=str(rules.zone))
    roster = class_list(course)
    if roster:
        column = section_column(rules, roster) or "–"
        yield words("rules.roster", count=len(people_of(roster)), column=column)
    yield from _times(course, rules, words)
    if rules.groups or rules.extensions:
        yield words("rules.more", groups=len(rules.groups), extensions=len(rules.extensions))


def _times(course: Course, rules: Rules, words: Words) -> Iterator[str]:
    """Say of how many it is known when they handed in, where a file was named that tells."""
    roster = class_list(course)
    if rules.dated and roster and worksheet.has_times(roster):
        yield words("rules.roster_times", count=worksheet.count(roster), of=len(roster))
    for exercise, title in _own_titles(course, words).items():
        if path := rules.exercises.get(exercise, Terms()).worksheet:
            rows = read_worksheet(course.root / path)
            told = {"count": worksheet.count(rows), "of": len(rows)}
            yield words("rules.worksheet_times", title=title, file=path, **told)
