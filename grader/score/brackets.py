"""A cell that ends too early: the bracket, the quotation mark or the block that is left open.

Enters: a cell's source. Leaves: what is open, and its line. Touches nothing.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.code.source import without_magics
from grader.types import Scalar

OPEN, CLOSED = "([{", ")]}"
MOST_SOURCE = 20_000  # characters: more than anybody writes into one cell by hand


@dataclass(frozen=True)
class LeftOpen:
    """What is to be said of it."""

    message: str  # its id
    args: Mapping[str, Scalar]


def left_open(source: str) -> LeftOpen | None:
    """Find what a cell opens and does not close; None where something else is wrong with it."""
    if len(source) > MOST_SOURCE:
        return None
    seen: list[tokenize.TokenInfo] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(without_magics(source)).readline):
            seen.append(token)  # noqa: PERF402 - what comes before an exception stays
    except tokenize.TokenError as error:
        # A text in three quotation marks without its end: the position is that of its beginning.
        if "string" in str(error.args[0]):
            return _text(error.args[1][0])
    except (SyntaxError, ValueError):
        return None
    for token in seen:
        if token.type == tokenize.ERRORTOKEN and token.string in ("'", '"'):
            return _text(token.start[0])
    return _bracket(seen)


def _text(line: int) -> LeftOpen:
    return LeftOpen("source.unclosed_text", {"line": line})


def _bracket(tokens: Sequence[tokenize.TokenInfo]) -> LeftOpen | None:
    """Find the bracket without its other half, or the colon with nothing behind it."""
    stack: list[tokenize.TokenInfo] = []
    for token in tokens:
        if token.type == tokenize.OP and token.string in OPEN:
            stack.append(token)
        elif token.type == tokenize.OP and token.string in CLOSED:
            if not stack or OPEN.index(stack[-1].string) != CLOSED.index(token.string):
                return None  # one too many, or of another kind: the exception says which
            stack.pop()
    if stack:
        last = stack[-1]
        return LeftOpen("source.unclosed", {"bracket": last.string, "line": last.start[0]})
    code = [one for one in tokens if one.string.strip() and one.type != tokenize.COMMENT]
    if code and code[-1].string == ":":
        return LeftOpen("source.empty_block", {"line": code[-1].start[0]})
    return None
