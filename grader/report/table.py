"""Grades in the terminal.

Enters: Records. Leaves: a rich table. Touches nothing; nothing in it is read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.printable import printable
from grader.report import wording
from grader.types import Record, Verdict
from grader.words import Words

if TYPE_CHECKING:
    from rich.table import Table

_STYLES = {
    Verdict.ACCEPTED: "green",
    Verdict.SUSPICIOUS: "yellow",
    Verdict.GRADER_ERROR: "magenta",
}
_LONGEST_REASON = 120


def render_table(records: Sequence[Record], words: Words) -> Table:
    """Give one row per record: student, exercise, verdict, score, where, first reason."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=["", ""])
    for column in ("student", "exercise", "verdict", "score", "where", "reason"):
        right = column == "score"
        table.add_column(
            words(f"report.{column}"),
            justify="right" if right else "left",
            no_wrap=column in {"verdict", "score", "where"},
            overflow="fold",
            ratio=3 if column == "reason" else None,
        )
    for record in records:
        verdict = record.grade.verdict
        reason = wording.reason(record, words)
        cells = (
            Text(wording.name(record.student)),
            Text(_exercise(record, words)),
            Text(wording.verdict_name(verdict, words), style=_STYLES.get(verdict, "red")),
            Text(wording.score(record)),
            Text(wording.reason_place(record, words)),
            Text(printable(reason, limit=_LONGEST_REASON), style="dim"),
        )
        table.add_row(*cells)
    return table


def _exercise(record: Record, words: Words) -> str:
    return wording.title(record.exercise, {}, words)
