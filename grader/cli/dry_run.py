"""``grader grade --dry-run``: what would be graded, and what is missing. Nothing is run or written.

Enters: what was collected, a course. Leaves: a table or JSON on stdout, an exit code. Touches:
stdout; reads OUT and the roster.

The exit code is what collecting alone would give a real run: 3 where something was refused, 1 where
somebody handed in no notebook that can be read, else 0.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from grader.cli.course import by_itself
from grader.cli.foreseen import Planned, Planner
from grader.cli.people import named
from grader.cli.printing import console, titles
from grader.cli.progress import SOON
from grader.cli.roster import class_list
from grader.cli.rules import ahead_of, nobodys, rules_about
from grader.collect.attempts import may_count, together
from grader.collect.collect import Collected
from grader.collect.names import file_mark
from grader.course.exercises import Course
from grader.policy.hand_ins import is_version, place
from grader.policy.rules import Rules, authors
from grader.report.attendance import absent, strangers
from grader.report.late import marks_foreseen
from grader.report.owed import lacking_lines, owed
from grader.report.roster import Roster
from grader.report.wording import name
from grader.submission import Submission
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Json, Message

if TYPE_CHECKING:
    from rich.table import Table

ALL_READ, SOME_NOT, REFUSED = 0, 1, 3
SCHEMA = "grader/dry-run/v1"
MOST_NAMES = 6
LONGEST = 60


@dataclass(frozen=True)
class DryRun:
    """A batch that is not run."""

    course: Course
    words: Words
    collected: Collected
    out: Path
    jobs: int
    roster: Roster | None = None

    def show(self, form: str) -> int:
        """Print it; gives the exit code.

        Raises:
            GraderError: there is no such form of it.
        """
        if form not in {"table", "json"}:
            raise GraderError(Message("cli.dry_run_format", {"format": form}))
        if form == "json":
            print(json.dumps(self._json(), ensure_ascii=False, indent=2))  # noqa: T201
        else:
            for part in (self._table(), *self._told()):
                console().print(part)
        return self.code

    @property
    def code(self) -> int:
        """What collecting alone would give a real run."""
        found = self.collected
        if found.refused or any(one.fault for one in found.submissions):
            return REFUSED
        counting = [one.submission for one in self.planned if one.counts]
        return SOME_NOT if any(one.problem for one in counting) else ALL_READ

    @cached_property
    def planned(self) -> tuple[Planned, ...]:
        """Every hand-in, a student's together."""
        groups, rule = together(self.collected.submissions), self.course.rules.attempts
        counting = {one.name for group in groups for one in may_count(group, rule)}
        ordered = sorted(self.collected.submissions, key=_order)
        planner = Planner(self.course, self.out)
        return tuple(planner.plan(one, counts=one.name in counting) for one in ordered)

    @property
    def people(self) -> list[str]:
        """Who handed something in."""
        return sorted({one.student for one in self.collected.submissions})

    @cached_property
    def missing_people(self) -> list[str]:
        """Who of the roster handed nothing in."""
        return absent(self._authors, self.roster) if self.roster else []

    @cached_property
    def strangers(self) -> list[str]:
        """Who handed something in and is in no row of the roster."""
        return strangers(self._authors, self.roster) if self.roster else []

    @cached_property
    def lacking(self) -> dict[str, list[str]]:
        """Who handed in a notebook and lacks an exercise that is owed by now, by exercise.

        Of a notebook that does not say which exercises it holds nobody knows before it runs.
        """
        held: dict[str, set[str]] = {}
        handed_in: set[str] = set()
        for one in self.planned:
            if one.counts and not one.problem:
                handed_in.update(one.submission.exercises or ())
                for exercise, who in self._held(one.submission):
                    held.setdefault(who, set()).add(exercise)
        there = [one for one in self.course.exercises if one in handed_in]
        due = owed(there, named(self.course), is_class=bool(self.roster))
        ahead = ahead_of(self.course, self.people, self._class)
        return {
            exercise: sorted(
                one
                for one, those in held.items()
                if exercise not in those and not ahead(one, exercise)
            )
            for exercise in due
        }

    @cached_property
    def _authors(self) -> set[str]:
        """Whose the hand-ins are: a group's are its members'."""
        return {who for one in self.collected.submissions for _, who in self._held(one)}

    def _held(self, one: Submission) -> Iterator[tuple[str, str]]:
        """Give the exercises that a hand-in may hold, each with everybody whose it is."""
        for exercise in one.exercises or self.course.exercises:
            groups = self._rules.groups
            yield from ((exercise, who) for who in authors(one.student, exercise, groups))

    @cached_property
    def _rules(self) -> Rules:
        """The course's, with people called as hand-ins call them."""
        return rules_about(self.course.rules, self.people, self._class)

    # --- what is shown -------------------------------------------------------------------------

    def _table(self) -> Table:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        keys = ("report.student", "cli.dry_run_file", "report.exercise", "cli.dry_run_about")
        for key in (*keys, "cli.dry_run_missing"):
            table.add_column(self.words(key), overflow="fold", no_wrap=key == "cli.dry_run_about")
        before = ""
        for one in self.planned:
            student = one.submission.student
            shown = "" if student == before else name(student)
            table.add_row(shown, self._file(one), self._exercise(one), *self._rest(one))
            before = student
        return table

    def _file(self, one: Planned) -> str:
        if one.submission.notebook is None and one.problem and _is_nobodys_file(one.problem):
            return "–"
        shown = printable(own_name(one.submission), limit=LONGEST)
        return shown if one.counts else f"({shown})"

    def _exercise(self, one: Planned) -> str:
        known = one.submission.exercises
        if known is None:
            return "" if one.problem else self.words("cli.dry_run_any")
        return ", ".join(known)

    def _rest(self, one: Planned) -> tuple[str, str]:
        about = "–" if one.submission.notebook is None else self._about(one.seconds)
        return about, " ".join(self._lacks(one))

    def _lacks(self, one: Planned) -> Iterator[str]:
        if one.problem is not None:
            yield self._why(one.problem)
        lacks = (("cli.dry_run_packages", one.packages), ("cli.dry_run_files", one.files))
        for key, found in lacks:
            if found:
                yield self.words(key, names=_listed(found))
        yield from (self.words.say(note) for note in one.submission.notes)

    def _why(self, problem: Message) -> str:
        """Say why there is nothing to grade, in a few words where the page has the advice."""
        found = problem.args.get("found")
        if found is None or not problem.id.startswith("collect.no_notebook"):
            return self.words.say(problem)
        return self.words("cli.dry_run_no_notebook", found=found)

    def _about(self, seconds: float | None) -> str:
        if seconds is None:
            return self.words("cli.dry_run_unknown")
        if seconds < SOON:
            return self.words("cli.dry_run_seconds", seconds=round(seconds))
        return self.words("cli.dry_run_minutes", minutes=round(seconds / 60))

    def _roughly(self, seconds: float | None) -> str:
        about = self._about(seconds)
        return about if seconds is None else self.words("cli.dry_run_roughly", about=about)

    def _told(self) -> Iterator[str]:
        without = {one.submission.student for one in self.planned if one.counts and one.problem}
        known = [one.seconds for one in self.planned if one.seconds is not None]
        unknown = len(self.planned) - len(known)
        jobs = max(1, min(self.jobs, len(self.planned)))
        about = max(max(known, default=0.0), math.fsum(known) / jobs)
        yield ""
        yield self.words(
            "cli.dry_run_total",
            people=len(self.people),
            notebooks=sum(one.problem is None for one in self.planned),
            without=len(without),
            about=self._roughly(about if any(known) or not unknown else None),
            jobs=jobs,
        )
        if unknown and any(known):
            yield self.words("cli.dry_run_beside_unknown", count=unknown)
        if not all(one.counts for one in self.planned):
            yield self.words("cli.dry_run_earlier")
        yield from (self.words.say(message) for message in self._messages)
        imports = Counter(package for one in self.planned for package in one.packages)
        if imports:
            yield self.words("cli.dry_run_lacking", names=_listed([*imports]))
        yield from lacking_lines(self.lacking, self.words, titles(self.course, self.words))
        for student, message in self.collected.others:
            yield f"{name(student)}: {self.words.say(message)}"
        if self.roster:
            yield from self._against_the_roster()
        yield from (self.words.say(message) for message in (*self._nobodys, *self._marks))
        yield self.words("cli.dry_run_end")

    def _against_the_roster(self) -> Iterator[str]:
        for key, nobody, people in (
            ("cli.dry_run_absent", "cli.dry_run_all_there", self.missing_people),
            ("cli.dry_run_strangers", "cli.dry_run_no_strangers", self.strangers),
        ):
            names = "; ".join(printable(one, limit=LONGEST) for one in people)
            yield self.words(key, count=len(people), names=names) if people else self.words(nobody)

    @property
    def _nobodys(self) -> tuple[Message, ...]:
        return tuple(nobodys(self.course, self.people, self._class))

    @property
    def _marks(self) -> tuple[Message, ...]:
        counting = [one.submission for one in self.planned if one.counts]
        longer = [one.handed_in for one in counting if self._has_longer(one)]
        handed_in = [one.handed_in for one in counting]
        return tuple(marks_foreseen(handed_in, longer, self.course.rules))

    def _has_longer(self, one: Submission) -> bool:
        every = one.exercises or self.course.exercises
        return any(self._rules.has_longer(one.student, exercise) for exercise in every)

    @cached_property
    def _class(self) -> Roster:
        """The roster that ``course.toml`` is about: the course's own, else the given one."""
        return class_list(self.course) or self.roster or ()

    @property
    def _messages(self) -> tuple[Message, ...]:
        return (*self.collected.refused, *self._notes)

    @property
    def _notes(self) -> tuple[Message, ...]:
        return (*by_itself(self.course), *self.collected.notes)

    def _json(self) -> dict[str, Json]:
        planned: list[Json] = [_planned_json(one, self.words) for one in self.planned]
        return {
            "schema": SCHEMA,
            "hand_ins": planned,
            "refused": [self.words.say(message) for message in self.collected.refused],
            "notes": [self.words.say(message) for message in self._notes],
            "lacking": {one: list[Json](who) for one, who in self.lacking.items() if who},
            "absent": list[Json](self.missing_people),
            "not_on_roster": list[Json](self.strangers),
            "nobodys": [self.words.say(message) for message in self._nobodys],
            "lateness": [self.words.say(message) for message in self._marks],
            "code": self.code,
        }


def _is_nobodys_file(problem: Message) -> bool:
    """Whether a person without a notebook stands there, by the name of the folder perhaps."""
    return "found" in problem.args or problem.id == "collect.nothing_in_it"


def _order(one: Submission) -> tuple[str, tuple[object, ...]]:
    return one.student, place(one.name, one.handed_in)


def own_name(one: Submission) -> str:
    """Give what a student called a hand-in, without what says whose it is."""
    path = PurePosixPath(one.name)
    if len(path.parts) > 1 and not is_version(path.parts[0]):
        return str(PurePosixPath(*path.parts[1:]))
    mark = file_mark(path.stem)
    if mark is None or not mark.original or one.student not in mark.owner:
        return one.name  # named like a platform's, and read as it stands
    return f"{mark.original}{path.suffix}"


def _planned_json(one: Planned, words: Words) -> dict[str, Json]:
    known = one.submission.exercises
    return {
        "student": one.submission.student,
        "submission": one.submission.name,
        "counts": one.counts,
        "exercises": None if known is None else list[Json](known),
        "seconds": None if one.seconds is None else round(one.seconds),
        "packages": list[Json](one.packages),
        "files": list[Json](one.files),
        "own_files": [printable(file.name) for file in one.submission.files],
        "problem": None if one.problem is None else words.say(one.problem),
    }


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(one, limit=LONGEST) for one in names[:MOST_NAMES])
    return shown + (", …" if names[MOST_NAMES:] else "")
