"""Grades in the terminal.

Enters: Records. Leaves: what rich can print. Touches nothing; nothing in it is read as markup.

A wide terminal shows a row per record. A narrow one shows the reason on a line of its own, so that
it is the reason that is cut short, never the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.policy.hand_ins import Counting
from grader.report import by_hand, wording
from grader.report.late import late_mark
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import Record, Verdict

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

_STYLES = {
    Verdict.ACCEPTED: "green",
    Verdict.SUSPICIOUS: "yellow",
    Verdict.WAITING: "yellow",
    Verdict.GRADER_ERROR: "magenta",
    Verdict.BY_HAND: "cyan",
    Verdict.EXCUSED: "cyan",
}
_GAP = 2
_LONGEST_REASON = 400
_ROOM_FOR_REASON = 60  # cells; with fewer the reason gets its own line
_NARROWEST = 12  # cells of a name that is cut short
_INDENT = 4


@dataclass(frozen=True)
class _Row:
    """One line of cells, and the sentence that goes with it."""

    student: str
    exercise: str
    verdict: str
    score: str
    where: str
    reason: str
    style: str

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        return self.student, self.exercise, self.verdict, self.score, self.where

    @property
    def explained(self) -> str:
        return f"{self.where}: {self.reason}" if self.where and self.reason else self.reason


@dataclass(frozen=True)
class GradeTable:
    """Rows that arrange themselves to the width they are given."""

    head: _Row
    rows: tuple[_Row, ...]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Give the lines."""
        whole = self._widths(5)
        left = options.max_width - sum(whole) - _GAP * len(whole)
        if left >= _ROOM_FOR_REASON:
            return self._lines(whole, left)
        return self._lines(_fitted(self._widths(4), options.max_width), 0)

    def _widths(self, columns: int) -> list[int]:
        from rich.cells import cell_len

        rows = (self.head, *self.rows)
        return [max(cell_len(row.cells[column]) for row in rows) for column in range(columns)]

    def _lines(self, widths: Sequence[int], beside: int) -> Iterator[Text]:
        yield _line(self.head, widths, beside, "bold")
        for row in self.rows:
            yield _line(row, widths, beside, "")
            if not beside and row.reason:
                yield _reason(row.explained, indent=_INDENT)


def render_table(records: Sequence[Record], words: Words) -> GradeTable:
    """Give one row per record: student, exercise, verdict, score, where, first reason.

    A fault of ours has its reference there: ``wording.faults`` says what it was.
    """
    counts = Counting(records)
    head = _Row(
        student=words("report.student"),
        exercise=words("report.exercise"),
        verdict=words("report.verdict"),
        score=words("report.score"),
        where=words("report.where"),
        reason=words("report.reason"),
        style="bold",
    )
    return GradeTable(head, tuple(_row(record, counts, words) for record in records))


def _row(record: Record, counts: Counting, words: Words) -> _Row:
    verdict = record.grade.verdict
    earlier = wording.does_not_count(record, counts, words)
    return _Row(
        student=wording.name(record.student),
        exercise=wording.title(record.exercise, {}, words),
        verdict=wording.verdict_name(record, words),
        score=_score(record, words) if not earlier else f"({wording.score_of(record)})",
        where=wording.reason_cell(record, words) if not earlier else "",
        reason=printable(earlier or _why(record, words), limit=_LONGEST_REASON),
        style=_STYLES.get(verdict, "red"),
    )


def _score(record: Record, words: Words) -> str:
    late = late_mark(record, words)
    return f"{wording.score_of(record)} ({late})" if late else wording.score_of(record)


def _why(record: Record, words: Words) -> str:
    """Say why, and what else teachers did; a fault of ours is told whole, once."""
    first = wording.reason if record.grade.graded else wording.reference
    more = by_hand.all_texts(record, words)[bool(by_hand.decision(record)) :]
    waits = wording.waiting(record.waiting, words)
    told = [first(record, words), waits and f"({waits})", *more]
    return " ".join(filter(None, told))


def _fitted(widths: list[int], available: int) -> list[int]:
    """Take what is too much from the exercise's name, then from the student's."""
    fitted = list(widths)
    for column in (1, 0):
        excess = sum(fitted) + _GAP * (len(fitted) - 1) - available
        fitted[column] -= min(max(excess, 0), max(0, fitted[column] - _NARROWEST))
    return fitted


def _line(row: _Row, widths: Sequence[int], beside: int, style: str) -> Text:
    from rich.text import Text

    line = Text(no_wrap=True, overflow="ellipsis", style=style)
    for number, (cell, width) in enumerate(zip(row.cells, widths, strict=False)):
        text = Text(cell, style=row.style if number == 2 and not style else "")  # noqa: PLR2004 - the verdict
        text.truncate(width, overflow="ellipsis", pad=False)
        filler = " " * (width - text.cell_len)
        line.append_text(Text(filler) + text if number == 3 else text + Text(filler))  # noqa: PLR2004 - numbers align right
        line.append(" " * _GAP)
    if beside:
        line.append(row.reason, style="dim" if not style else "")
    line.rstrip()
    return line


def _reason(text: str, *, indent: int) -> Text:
    from rich.text import Text

    return Text(" " * indent + text, style="dim", no_wrap=True, overflow="ellipsis")
