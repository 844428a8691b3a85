"""The course check's table: what failed, what was expected, what came.

Enters: Failures. Leaves: a table on stderr. Touches: stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from grader.report import wording
from grader.text.printable import printable
from grader.text.words import Words
from grader.verify.compare import Failure

LONGEST = 300
WIDTH_OF_LOGS = 160  # columns, where there is no terminal to ask


def show_failures(failures: Sequence[Failure], words: Words) -> None:
    """Print them on stderr: stdout belongs to the results."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    told = sys.stderr.isatty() or "COLUMNS" in os.environ
    width = None if told else WIDTH_OF_LOGS
    table = Table(box=SIMPLE, show_lines=False)
    for column in ("verify.column_place", "verify.column_expected", "verify.column_got"):
        whole = column == "verify.column_place"  # a path is for copying
        table.add_column(words(column), overflow="fold", no_wrap=whole)
    for one in failures:
        name = one.subject
        if one.exercise and one.exercise not in name:
            name = f"{name}, {one.exercise}"
        got, why = words.say(one.got), wording.reason(one.record, words) if one.record else ""
        ours = one.record is not None and not one.record.grade.graded
        limit = wording.LONGEST_FAULT if ours else LONGEST
        shown = printable(f"{got}: {why}" if why else got, limit=limit)
        table.add_row(name, words.say(one.expected), shown)
    sys.stdout.flush()
    Console(file=sys.stderr, markup=False, highlight=False, emoji=False, width=width).print(table)
