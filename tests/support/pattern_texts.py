"""Texts that make a pattern work: long repetitions of what it is itself made of.

Enters: a compiled pattern. Leaves: Texts of any length. A text begins with what brings the matcher
inside the pattern, repeats what one part of it or several take, and ends in something that fails.
"""

from __future__ import annotations

import re
import re._constants as sre
import re._parser as parser
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.support.pattern_steps import accepts

COMMON = (
    " ",
    "\t",
    "\n",
    '"',
    "'",
    "\\",
    "a",
    "A",
    "1",
    "_",
    ".",
    "-",
    "(",
    "[",
    "{",
    ",",
    "=",
    "!",
)
COMMON += ("\\\\", "\\'", '\\"', "a ", " \n", "1.", "a=", "''", "_1", "-1", "\x1b", "\x1b]", "가")
ENDS = ("", "\x00", "!", "\n?")
SAMPLES = 3  # characters for each class


@dataclass(frozen=True)
class Pumped:
    """A recipe: ``start``, the repeated pieces one after the other, ``end``."""

    start: str
    pumps: tuple[str, ...]
    end: str

    def of_length(self, size: int) -> str:
        """Give about ``size`` characters."""
        each = max(1, size // len(self.pumps))
        body = "".join((pump * (each // len(pump) + 1))[:each] for pump in self.pumps if pump)
        return self.start + body + self.end


def recipes(pattern: re.Pattern[Any]) -> list[Pumped]:
    """Give every recipe for a pattern, each once."""
    flags = pattern.flags | (re.ASCII if isinstance(pattern.pattern, bytes) else 0)
    found: dict[Pumped, None] = {}
    for pieces in _alternatives(parser.parse(pattern.pattern, pattern.flags), flags):
        starts = ["".join(pieces[:n]) for n in range(len(pieces) + 1)]
        for number, piece in enumerate(pieces):
            behind = pieces[number + 1] if number + 1 < len(pieces) else ""
            for start in {"", starts[number]}:
                _add(found, start, (piece,))
                _add(found, start, (piece + behind,))
                _add(found, start, (piece, behind))
            _add(found, "", (starts[number + 1],))
            for size in {1, len(piece) - 1} - {0}:
                _add(found, starts[number], (piece[:size],))
        for first, second in pairwise(starts[1:]):
            _add(found, "", (first, second))
            _add(found, "", (first, second.removeprefix(first)))
        long = [piece for piece in pieces if len(piece) > 1]
        _add(found, "", tuple(long))
        for start in starts:
            for pump in _characters(pattern, flags):
                _add(found, start, (pump,))
    for pump in COMMON:
        _add(found, "", (pump,))
    ascii_only = isinstance(pattern.pattern, bytes)
    return [one for one in found if not ascii_only or (one.start + "".join(one.pumps)).isascii()]


def _add(found: dict[Pumped, None], start: str, pumps: tuple[str, ...]) -> None:
    kept = tuple(pump for pump in pumps if pump)
    if kept:
        for end in ENDS:
            found[Pumped(start, kept, end)] = None


def _characters(pattern: re.Pattern[Any], flags: int) -> list[str]:
    tree = parser.parse(pattern.pattern, pattern.flags)
    return list(dict.fromkeys(one for node in _singles(tree) for one in _samples(*node, flags)))[
        :12
    ]


def _singles(tree: Any) -> Iterator[tuple[Any, Any]]:
    for op, arg in tree:
        if op in (sre.IN, sre.NOT_LITERAL):
            yield op, arg
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from _singles(arg[2])
            if len(arg[2]) == 1 and arg[2][0][0] is sre.LITERAL:
                yield arg[2][0]
        elif op is sre.BRANCH:
            for branch in arg[1]:
                yield from _singles(branch)
        elif op in (sre.SUBPATTERN, sre.ATOMIC_GROUP, sre.ASSERT, sre.ASSERT_NOT):
            yield from _singles(arg if op is sre.ATOMIC_GROUP else arg[-1])


def _samples(op: Any, arg: Any, flags: int) -> list[str]:
    takes = accepts(op, arg, flags)
    return [c for c in ("a", " ", "1", "_", ".", "A", "\t", "-", ",", "(", "'") if takes(c)][
        :SAMPLES
    ] or [chr(n) for n in range(0x250) if takes(chr(n))][:1]


def _alternatives(tree: Any, flags: int) -> Iterator[list[str]]:
    """Give texts that match, cut into pieces as the pattern is; one for each branch at its top."""
    tops = [tree]
    if len(tree) == 1 and tree[0][0] is sre.BRANCH:
        tops = list(tree[0][1][1])
    for top in tops:
        pieces: list[str] = []
        literal = ""
        for op, arg in _flat(top):
            if op is sre.LITERAL:
                literal += chr(arg)
                continue
            pieces += [literal] if literal else []
            literal = ""
            pieces.append(_matching(op, arg, flags))
        yield [*pieces, *([literal] if literal else [])]


def _flat(tree: Any) -> Iterator[tuple[Any, Any]]:
    for op, arg in tree:
        if op in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
            yield from _flat(arg if op is sre.ATOMIC_GROUP else arg[-1])
        elif op in (sre.MIN_REPEAT, sre.MAX_REPEAT, sre.POSSESSIVE_REPEAT) and len(arg[2]) > 1:
            yield from _flat(arg[2])
        else:
            yield op, arg


def _matching(op: Any, arg: Any, flags: int) -> str:
    if op is sre.LITERAL:
        return chr(arg)
    if op in (sre.NOT_LITERAL, sre.IN, sre.ANY):
        return next(iter(_samples(op, arg, flags)), "")
    if op is sre.BRANCH:
        return "".join(_matching(*node, flags) for node in arg[1][0])
    if op in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
        inner = arg if op is sre.ATOMIC_GROUP else arg[-1]
        return "".join(_matching(*node, flags) for node in inner)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return "".join(_matching(*node, flags) for node in arg[2]) * max(1, min(arg[0], 3))
    return ""
