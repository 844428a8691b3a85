"""Text that a spreadsheet opens.

Enters: rows of cells. Leaves: CSV. Touches nothing.

A spreadsheet runs what looks like a formula, and students choose their file names: every text cell
that could be one is marked as text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from grader.text.printable import printable

# What starts a formula, and the full-width forms that East Asian input makes of it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

# Where numbers have a comma, a spreadsheet that opens a file takes a semicolon for a cell's end.
_NEXT_CELL = re.compile(rf";(?=[\s'\"]*[{re.escape(''.join(_FORMULA))}])")


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Give the rows as CSV; whatever a student may have written is made ``inert`` before."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def inert(text: str, *, markup: bool = False) -> str:
    """Make a text that a spreadsheet shows and never computes.

    ``markup``: it is HTML, whose character references end in a semicolon, for a program that takes
    nothing but a comma for the end of a cell.
    """
    marked = text.lstrip(" ").startswith(_FORMULA)
    shown = printable(text)
    if not markup:
        shown = _NEXT_CELL.sub("；", shown)
    return f"'{shown}" if marked or shown.startswith(_FORMULA) else shown
