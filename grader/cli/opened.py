"""A folder of results that somebody decides about by hand, opened under its lock.

Enters: a folder. Leaves: what is in it with the grades in force. Touches: OUT's pages, when they
are written anew.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.cli import printing
from grader.cli.course import course_of_results
from grader.cli.errors import tell
from grader.cli.forgetting import forget_asked
from grader.cli.kept import ALL_ACCEPTED, UNGRADED, existing
from grader.cli.moved import note_rules
from grader.cli.people import roster_or_nobody
from grader.cli.rules import rules_for
from grader.cli.spared import Spared
from grader.course.exercises import Course
from grader.policy.by_hand import HandLines, in_force
from grader.policy.hand_ins import Counting
from grader.record import files
from grader.record.store import Store
from grader.report import wording
from grader.report.roster import Roster
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Message, Record

LONGEST_AUTHOR = 120


@dataclass(frozen=True)
class Opened:
    """An opened folder, and what was kept in it when it was opened."""

    course: Course
    words: Words
    store: Store
    latest: Sequence[Record]

    @property
    def by_hand(self) -> HandLines:
        """What was decided by hand until now."""
        return self.store.by_hand()

    @property
    def in_force(self) -> list[Record]:
        """All records with the grades in force now."""
        rules = rules_for(self.course, self.latest, self.store.out)
        return in_force(self.latest, self.by_hand, rules, absent=True)

    @property
    def records(self) -> list[Record]:
        """The records that count, excused or not."""
        return list(Counting(self.in_force).chosen.values())

    @property
    def roster(self) -> Roster:
        """The class's roster; nobody where there is none, or it cannot be read."""
        return roster_or_nobody(self.course, self.store.out)

    def record(self, student: str, exercise: str) -> Record | None:
        """Find what counts for a student and exercise."""
        whose = (student, exercise)
        return next((r for r in self.records if (r.student, r.exercise) == whose), None)

    def title(self, exercise: str) -> str:
        """Name an exercise."""
        titles = printing.titles(self.course, self.words)
        return wording.title(exercise, titles, self.words)


@contextmanager
def opened(out: Path, lang: str | None) -> Iterator[Opened]:
    """Open a folder for writing.

    Raises:
        GraderError: there are no results, or another grader is at work there.
    """
    course, words = course_of_results(out, lang)
    with Store(existing(out)) as store:
        yield Opened(course, words, store, store.latest())


def write_pages(folder: Opened, students: Iterable[str]) -> int:
    """Write the class's pages anew and those of some students; gives the exit code."""
    store, spared = folder.store, Spared(folder.store.out)
    course, words = folder.course, folder.words
    records = folder.in_force
    note_rules(store, records)
    printing.write_feedback(course, words, store.out, records, spared, {*students})
    _remove_pages(store.out, {*students} - {one.student for one in records})
    forget_asked(store)
    for message in store.warnings:
        tell(folder.words.say(message))
    spared.tell(folder.words)
    return UNGRADED if store.warnings or spared else ALL_ACCEPTED


def author_of(by: str | None) -> str:
    """Give who writes: as told, else as the machine knows the person.

    Raises:
        GraderError: neither says.
    """
    try:
        name = by if by is not None else getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    if not (shown := printable(name, limit=LONGEST_AUTHOR).strip()):
        raise GraderError(Message("hand.no_author"))
    return shown


def _remove_pages(out: Path, students: Iterable[str]) -> None:
    """Remove pages of whom nothing is left: a decision without a hand-in was taken back."""
    for student in students:
        path = out / "feedback" / f"{wording.file_stem(student)}.html"
        with files.disk_errors(path):
            path.unlink(missing_ok=True)
