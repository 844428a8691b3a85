"""What lines of a notebook used that is called otherwise today, or stands in for something.

Enters: CellRuns. Leaves: Messages, which cost nothing. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grader.execution import CellRun
from grader.text.printable import printable
from grader.types import Message, Scalar

MOST = 12  # remarks on one page
LONGEST = 100  # characters
OLD_API, GONE = "execute.old_api", "execute.old_api_gone"
ASKED, PRESSED_ENTER = "execute.asked", "execute.asked_nothing"
NAMES = {
    "old_api": OLD_API,
    "stand_in": "execute.stand_in",
    "asked": ASKED,
    "restart": "execute.restart",
    "elsewhere": "execute.elsewhere",
}
WITHOUT = {OLD_API: GONE, ASKED: PRESSED_ENTER}  # nothing took its place


def remarks(cells: Iterable[CellRun]) -> Iterator[Message]:
    """Tell each thing once, at its first line."""
    told = [remark for cell in cells for remark in cell.remarks]
    first = {(one.kind, one.what): one for one in reversed(told)}
    for one in sorted(first.values(), key=lambda one: (one.cell, one.line))[:MOST]:
        what, instead = (printable(text, limit=LONGEST) for text in (one.what, one.instead))
        args: dict[str, Scalar] = {"cell": one.cell, "line": one.line, "what": what}
        name = NAMES[one.kind]
        yield (
            Message(WITHOUT[name], args)
            if name in WITHOUT and not instead
            else Message(name, {**args, "instead": instead})
        )
