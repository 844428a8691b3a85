"""Text from students made safe to show: what is invisible or moves the cursor is gone.

Enters: any string. Leaves: the same words in NFC without control, bidi, zero-width and other unseen
characters, without terminal escapes, bounded where asked. Touches nothing.

This is for the eye; a page, a table or a shell still needs its own escaping on top.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# CSI (colours, cursor), OSC and DCS (titles, links), and two-character escapes.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]|[\x9b\x9d]"
)
# Letters by category, yet blank on every screen: Hangul fillers and the empty Braille cell.
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BREAKS = frozenset("\n\r\u2028\u2029\x0b\x0c\x85")
_MARKS_COMPOSED = 30  # as Unicode's stream-safe text format has it
_MARKS_IN_A_ROW = 3  # more accents than any written language stacks on one letter


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """Give text in a normal form, after at most ``_MARKS_COMPOSED`` marks on one letter.

    Bringing marks into their order takes the square of their number.
    """
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MARKS_COMPOSED:
            kept.append(char)
    return unicodedata.normalize(form, "".join(kept))


def cut(text: str, limit: int) -> str:
    """Keep at most ``limit`` characters, at least one; a cut ends in "…"."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def printable(text: str, *, lines: bool = False, limit: int | None = None) -> str:
    """Strip what a reader cannot see.

    Args:
        text: anything, lone surrogates included.
        lines: keep line breaks and tabs; otherwise everything becomes one line.
        limit: most characters to keep; a cut ends in "…".

    Returns:
        Text that shows what it says, in NFC (so that Korean names from macOS archives are whole).
    """
    if limit is not None and len(text) > 8 * limit:
        text = text[: 8 * limit]  # bounds the work below on hostile input
    if not (text.isascii() and text.isprintable()):
        text = _visible(text, lines=lines)
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    return text


def _visible(text: str, *, lines: bool) -> str:
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    kept: list[str] = []
    marks = 0
    for char in composed(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if char in _BREAKS:
            kept.append("\n" if lines else " ")
        elif char == "\t":
            kept.append("\t" if lines else " ")
        elif category == "Zs":
            kept.append(" ")
        elif category not in _UNSEEN and char not in _BLANK_LETTERS and marks <= _MARKS_IN_A_ROW:
            kept.append(char)
    joined = "".join(kept)
    return joined if lines else joined.strip()
