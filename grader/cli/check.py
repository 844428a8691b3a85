"""A student's own check, before handing in.

Enters: notebooks and the public half of a course. Leaves: a short text and an exit code. Touches:
a room, a folder for temporary files that is gone afterwards; stdout and stderr.

It runs the notebook as the grader does and says what the grader would say about cells, structure,
data and training. What only the instructor has (hidden data, thresholds, the secret) is not used
even where it lies next door, so that the answer is the same for everybody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.check_fast import fast_look
from grader.cli.check_lines import Look, MarkedLine, cells_named
from grader.cli.check_whole import only_epochs, whole_look
from grader.cli.course import course_around, course_to_check_with, open_words
from grader.cli.errors import INTERRUPTED, tell
from grader.cli.grade import graded_as_done
from grader.cli.kept import ALL_ACCEPTED, SOME_NOT, UNGRADED
from grader.cli.printing import console, titles
from grader.cli.progress import ProgressLines
from grader.cli.watching import each_save
from grader.collect.collect import Collected, collect
from grader.collect.people import LOOSE
from grader.course.called import exercises_asked
from grader.course.exercises import Course
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings
from grader.pipeline.ours import without_results
from grader.record.store import Store
from grader.report import wording
from grader.room import open_room
from grader.room.workplace import workplace
from grader.submission import Notebook, Submission
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import GraderError, Level, Message, Record

if TYPE_CHECKING:
    from rich.table import Table

NO_SECRET = bytes(32)  # nothing hidden is drawn in a self-check
PATIENCE = 1800.0  # seconds; how long the instructor waits is not the student's machine's business
HASTE = 120.0  # seconds for a notebook whose fits take one step


@dataclass(frozen=True)
class CheckOptions:
    """What ``grader check`` was asked."""

    paths: tuple[Path, ...]
    exercises: tuple[str, ...] | None
    engine: str
    timeout: float | None
    lang: str | None
    profile: str | None = None
    fast: bool = False  # without training
    trainer: bool | None = None


def run_check(options: CheckOptions) -> int:
    """Run notebooks and say what is still missing; 0 where nothing is."""
    with workplace() as made:
        return _checked(options, course_to_check_with(options.paths, made, options.profile))


def _checked(options: CheckOptions, course: Course) -> int:
    words = open_words(course, options.lang)
    owed = exercises_asked(course, options.exercises or course.owed)
    collected = collect(
        options.paths, exercise_ids=course.exercises, owed=owed, own_beside=course.root
    )
    settings = Settings(
        secret=NO_SECRET,
        engine=options.engine,
        timeout=options.timeout or (HASTE if options.fast else PATIENCE),
        one_step=options.fast,
        trainer=options.trainer,
    )
    apart = {key for key, one in course.exercises.items() if one.earns_by_accuracy}
    look = look_of(options, apart)
    alone = course.public == course.root
    room = open_room("auto", without_results(None if alone else course.root))
    if room.isolation.level is Level.NONE:
        tell(words("cli.check_open"))
    with workplace() as place, Store(place) as store:
        grader = Grader(course, room, store, settings)
        with Quiet(words, fast=options.fast) as progress:
            for message in told_of(collected):
                progress.note(words.say(message))
            graded = list(graded_as_done(grader, collected, progress, words))
    records = [record for one in graded for record in one.records]
    notebooks = {one.submission.name: one.submission.notebook for one in graded}
    show(records, words, titles(course, words), look, notebooks)
    if len(graded) < len(collected.submissions):
        return INTERRUPTED
    return _code(records, look)


def told_of(collected: Collected) -> Iterator[Message]:
    """Give what a notebook's author has to know of the files; not what a teacher asks a class."""
    yield from collected.refused
    yield from (one for one in collected.notes if one.id != LOOSE)


def run_watch(options: CheckOptions) -> int:
    """Check now, and again whenever one of the files is saved; Ctrl-C ends it.

    Returns:
        What the last whole check came to.
    """
    code = INTERRUPTED
    words = open_words(course_around(options.paths, options.profile), options.lang)
    with contextlib.suppress(KeyboardInterrupt):
        for turn, _ in enumerate(each_save(options.paths)):
            try:
                found = run_check(options)
            except GraderError as error:
                if turn == 0:
                    raise
                tell(words.say(error.message))
                continue
            if found == INTERRUPTED:
                break
            code = found
            console().print(f"\n{words('cli.check_watching')}")
    return code


class Quiet(ProgressLines):
    """Says what is running, and leaves the result to the end."""

    def __init__(self, words: Words, *, fast: bool = False) -> None:
        super().__init__(0, words)
        self.fast = fast

    def started(self, submission: Submission) -> None:
        """Say that it runs, since a training takes a while."""
        if submission.problem is None:
            told = "cli.check_fast_running" if self.fast else "cli.check_running"
            self.note(self.words(told, name=submission.name))

    def finished(self, graded: Graded) -> None:
        """Say nothing yet."""


def _code(records: Sequence[Record], look: Look) -> int:
    if not all(record.grade.graded for record in records):
        return UNGRADED
    return ALL_ACCEPTED if all(map(look.right, records)) else SOME_NOT


def show(
    records: Sequence[Record],
    words: Words,
    names: Mapping[str, str],
    look: Look | None = None,
    notebooks: Mapping[str, Notebook | None] | None = None,
) -> None:
    """Print what a self-check found, notebook by notebook.

    ``notebooks``: by the names of their submissions, for the numbers that their authors see.
    """
    terminal, look, counted = console(), look or whole_look(), False
    for submission in dict.fromkeys(record.submission for record in records):
        terminal.print(f"\n{printable(submission)}")
        cells: set[int] = set()
        for record in records:
            if record.submission == submission:
                title = wording.title(record.exercise, names, words)
                terminal.print(f"  {title}: {look.verdict(record, words)}")
                lines = [*look.lines(record, words)]
                cells.update(cells_named(lines, words))
                terminal.print(_grid(lines))
        counted = counted or bool(cells)
        if beside := _beside(cells, (notebooks or {}).get(submission), words):
            terminal.print(f"  {beside}")
    if counted:
        terminal.print(f"\n{words('cli.check_cells')}")
    if closing := _closing(records, look):
        left = {record.exercise for record in records} & {*look.apart}
        told = [words(closing), *([words("cli.check_accuracy_left")] if left else [])]
        terminal.print(f"\n{' '.join(told)}")


def _beside(cells: AbstractSet[int], notebook: Notebook | None, words: Words) -> str:
    """Say which numbers stand beside these cells in the file that was checked; "" where none do."""
    numbers = notebook.saved_numbers if notebook is not None else {}
    known = sorted(cells & numbers.keys())
    told = "; ".join(words("report.cell_in", cell=one, number=numbers[one]) for one in known)
    return words("cli.check_saved", cells=told) if told else ""


def _closing(records: Sequence[Record], look: Look) -> str:
    """Give the id of what is said in the end; "" where something could not be checked at all."""
    if not records or not all(record.grade.graded for record in records):
        return ""
    if all(map(look.right, records)):
        return look.all_right
    missing = (one for one in records if not look.right(one))
    return (
        "cli.check_epochs_left" if all(only_epochs(one, look) for one in missing) else look.not_yet
    )


def _grid(lines: Iterable[MarkedLine]) -> Table:
    """Arrange marks and sentences so that a long sentence stays beside its mark."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=5, justify="right", overflow="fold")
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(line.mark, line.text)
    return grid


def look_of(options: CheckOptions, apart: Collection[str] = ()) -> Look:
    """Give what these options ask to look at; ``apart`` as in a Look."""
    return fast_look(apart) if options.fast else whole_look(apart)
