"""Numbers as people write them, in either language.

Enters: numbers, what was expected or came as a text. Leaves: texts. Touches nothing.

From 1,000 on a number has separators where it counts something. Where it names something (a line,
a cell, a pull request) it is written as people look it up, and a shape is code: "(None, 3060)".
"""

from __future__ import annotations

import math
import re

# Arguments of messages that say which one, and never how many.
NAMES = frozenset(
    (
        *("cell", "code", "column", "epoch", "first", "index", "later", "line"),
        *("number", "place", "result", "row", "seed", "step", "version", "week"),
    )
)
_SEPARATED = 1000  # from here on
_LARGEST = 1e15  # floats beyond are no whole numbers that anybody counted
_ALONE = re.compile(r"((?:[≥≤<>] )?)([0-9]{4,15})")


def number(value: float) -> str:
    """Show a number as a person would write it: 0.0123, 4.5, 120, 12,346, NaN."""
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    large = abs(value) >= _LARGEST
    if not large and (value.is_integer() or abs(value) >= _SEPARATED):
        return f"{value:,.0f}"
    return f"{value:.3g}" if large else f"{value:.4g}"


def alone(text: str) -> str:
    """Separate the digits of a text that is a number and nothing else: "≥ 1560"."""
    found = _ALONE.fullmatch(text)
    return f"{found[1]}{int(found[2]):,}" if found else text
