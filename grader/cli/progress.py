"""Shows how a batch comes along: a live bar for people, plain lines for logs.

Enters: events of the batch. Leaves: text on stderr. Touches: stderr.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from grader.text.numbers import number
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Verdict

if TYPE_CHECKING:
    from grader.pipeline.grader import Graded
    from grader.pipeline.trainings import UnderWay
    from grader.submission import Submission
    from grader.types import Record

LONGEST_REASON = 160
LONGEST_SHOWN = 100  # of those that are running
FIRST_LINE = 60.0  # seconds of a training after which a log has a line of it; then twice as many
SOON = 120.0  # seconds; above it, minutes say it better


class Progress(Protocol):
    """What the grade command tells while it works."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def started(self, submission: Submission) -> None:
        """A submission begins to run."""

    def training(self, submission: Submission, under_way: UnderWay | None) -> None:
        """A training of it is being done by us; None: it is done."""

    def put_off(self, submission: Submission) -> None:
        """It ended at what is trained now, and runs again."""

    def finished(self, graded: Graded) -> None:
        """A submission has its records."""

    def note(self, text: str) -> None:
        """Something else worth a line."""


class ProgressLines:
    """One line per finished submission, for logs and CI."""

    def __init__(self, total: int, words: Words) -> None:
        self.total = total
        self.words = words
        self.done = 0
        self.began = time.monotonic()
        self.faults: set[str] = set()
        self.next_lines: dict[str, float] = {}  # seconds of a training until the next word of it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def started(self, submission: Submission) -> None:
        """Say nothing: a line per result is enough."""

    def training(self, submission: Submission, under_way: UnderWay | None) -> None:
        """Print a line about one that takes long, less and less often."""
        name = submission.name
        if under_way is None:
            self.next_lines.pop(name, None)
        elif under_way.seconds >= self.next_lines.get(name, FIRST_LINE):
            self.next_lines[name] = 2 * under_way.seconds
            self.note(in_training(name, under_way, self.words))

    def put_off(self, submission: Submission) -> None:
        """Say nothing, either."""

    def finished(self, graded: Graded) -> None:
        """Print the result and what is left."""
        self.done += 1
        elapsed = time.monotonic() - self.began
        left = elapsed / self.done * (self.total - self.done)
        more = f" ({time_left(left, self.words)})" if self.done < self.total else ""
        place = f"{number(self.done)}/{number(self.total)}"
        self.note(f"[{place}] {summary(graded, self.words)}{more}")
        for fault in new_faults(graded, self.words, self.faults):
            self.note(fault)

    def note(self, text: str) -> None:
        """Print a line on stderr."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201


class ProgressBar:
    """A live bar with the submissions that are running and the time left."""

    def __init__(self, total: int, words: Words) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.words = words
        self.running: dict[str, UnderWay | None] = {}
        self.aside: set[str] = set()  # put off: shown while something is trained for them
        self.faults: set[str] = set()
        self.bar = RichProgress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def started(self, submission: Submission) -> None:
        """Show it among the running ones."""
        self.aside.discard(submission.name)
        self.running[submission.name] = None
        self._describe()

    def training(self, submission: Submission, under_way: UnderWay | None) -> None:
        """Show how far it is."""
        name = submission.name
        if under_way is None and name in self.aside:
            self.running.pop(name, None)
        elif name in self.running or name in self.aside:
            self.running[name] = under_way
        self._describe()

    def put_off(self, submission: Submission) -> None:
        """Show it no more until it runs again, but for its training."""
        self.aside.add(submission.name)
        self.running.pop(submission.name, None)
        self._describe()

    def finished(self, graded: Graded) -> None:
        """Advance, and leave a line above the bar."""
        self.running.pop(graded.submission.name, None)
        self.note(summary(graded, self.words))
        for fault in new_faults(graded, self.words, self.faults):
            self.note(fault)
        self.bar.advance(self.task)
        self._describe()

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(text, markup=False, highlight=False)

    def _describe(self) -> None:
        shown = [
            in_training(name, one, self.words) if one else printable(name)
            for name, one in list(self.running.items())
        ]
        self.bar.update(self.task, description=", ".join(shown)[:LONGEST_SHOWN])


def in_training(name: str, under_way: UnderWay, words: Words) -> str:
    """Say that a submission's model is trained by us, how far it is and since when."""
    return words(
        "cli.in_training",
        name=printable(name),
        epoch=under_way.epoch,
        epochs=under_way.epochs,
        seconds=round(under_way.seconds),
    )


def summary(graded: Graded, words: Words) -> str:
    """Give one line for a submission's records."""
    parts = [_record_line(record, words) for record in graded.records]
    again = f" ({words('cli.reused')})" if graded.reused else ""
    return f"{printable(graded.submission.name)}: {'; '.join(parts)}{again}"


def _record_line(record: Record, words: Words) -> str:
    from grader.report import wording

    title = wording.title(record.exercise, {}, words)
    verdict = wording.verdict_name(record, words)
    line = f"{title}: {verdict}, {wording.score_of(record)}"
    if record.grade.verdict is not Verdict.MALFORMED:
        return line  # the table at the end has the reasons, and a fault of ours gets its own line
    return f"{line}. {printable(wording.reason(record, words), limit=LONGEST_REASON)}"


def new_faults(graded: Graded, words: Words, said: set[str]) -> list[str]:
    """Give the faults of ours that were not said yet, whole: a class may meet the same one."""
    from grader.report import wording

    new = [one for one in wording.faults(graded.records, words) if one not in said]
    said.update(new)
    return new


def time_left(seconds: float, words: Words) -> str:
    """Say how long it will take, in seconds or in minutes."""
    if seconds < SOON:
        return words("cli.left", seconds=round(seconds))
    return words("cli.left_minutes", minutes=round(seconds / 60))


def open_progress(total: int, words: Words, *, live: bool) -> Progress:
    """Give a live bar on a terminal, plain lines elsewhere."""
    return (
        ProgressBar(total, words) if live and sys.stderr.isatty() else ProgressLines(total, words)
    )
