"""Where in its cell an exception was raised, as a traceback of IPython's tells it.

Enters: a traceback, student text already bounded and stripped of colours. Leaves: a line's number.
Touches nothing.
"""

from __future__ import annotations

import re

_ARROW = re.compile(r"^-+> *(?P<line>\d+) (?P<code>.*)$", re.MULTILINE)
_UNREADABLE = re.compile(r"^ *Cell In ?\[\d*\], line (?P<line>\d{1,6})$", re.MULTILINE)


def failing_line(traceback: str) -> int:
    """Give the line of its cell at which an exception was raised, from 1; 0 where it is not told.

    Of what a magic such as ``%%time`` runs the traceback shows the magic, as the cell's only line.
    """
    arrow = _ARROW.search(traceback)
    return int(arrow["line"]) if arrow and "run_cell_magic(" not in arrow["code"] else 0


def unreadable_line(traceback: str) -> int:
    """Give the line at which a cell is no Python, from 1; 0 where it is not told."""
    told = _UNREADABLE.search(traceback)
    return int(told["line"]) if told else 0
