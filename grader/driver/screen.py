"""In the driver's room: text as a notebook shows it.

Enters: what a cell printed, piece by piece. Leaves: what stands on the screen in the end, within a
cap. Touches nothing.
"""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")


def plain(text: str) -> str:
    """Give text without colours and other escape sequences of a terminal."""
    return _ANSI.sub("", text)


class Screen:
    """Text as a notebook shows it: carriage return and backspace overwrite, within a cap."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.lines: list[str] = []
        self.size = 0
        self.line: list[str] = []
        self.column = 0
        self.truncated = False

    def write(self, text: str) -> None:
        """Add text; what goes beyond the cap is dropped and remembered as truncation."""
        for part in re.split(r"([\r\n\x08])", plain(text)):
            if part == "\n":
                self._end_line()
            elif part == "\r":
                self.column = 0
            elif part == "\x08":
                self.column = max(0, self.column - 1)
            elif part:
                self._put(part)

    def _put(self, part: str) -> None:
        room = max(0, self.cap - self.size - self.column)
        if len(part) > room:
            part, self.truncated = part[:room], True
        self.line[self.column : self.column + len(part)] = part
        self.column += len(part)

    def _end_line(self) -> None:
        if self.size >= self.cap:
            self.truncated = True
        else:
            self.lines.append("".join(self.line))
            self.size += len(self.line) + 1
        self.line, self.column = [], 0

    def text(self) -> str:
        """Give everything that is on the screen."""
        return "\n".join([*self.lines, "".join(self.line)])[: self.cap]
