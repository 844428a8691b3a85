"""A notebook at other sizes: its line of sizes, and the words that speak of them.

Enters: texts of a solution, an exercise's ``[data]`` and ``words``. Leaves: texts. Touches nothing.

A notebook is written once, at the usual sizes. The line of capitals in its data cell, such as
``FILE, LOOKBACK = 'weather.csv.zip', 36``, takes what ``[data]`` calls by the same names in small
letters; whatever else speaks of a size is in ``words``, as it stands and as it is said instead.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from grader.types import Json

_SIZES = re.compile(r"^[A-Z][A-Z_]*(?:, [A-Z][A-Z_]*)* = .*$", re.MULTILINE)


def reworded(text: str, words: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Say a text otherwise; also give the words that do not stand in it.

    Every place is changed once, so that no new word is taken for an old one.
    """
    if not words:
        return text, frozenset()
    found: set[str] = set()

    def instead(match: re.Match[str]) -> str:
        found.add(match[0])
        return words[match[0]]

    return any_of(words).sub(instead, text), frozenset(words) - found


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Give a pattern for any of the words, the longest that stands at a place."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def resized(source: str, data: Mapping[str, Json]) -> str:
    """Give a data cell whose line of sizes says what ``[data]`` says."""
    return _SIZES.sub(lambda match: _line(match[0], data), source)


def _line(line: str, data: Mapping[str, Json]) -> str:
    """Rewrite one assignment of literals; leave every other line alone, and one that is right."""
    try:
        (statement,) = ast.parse(line).body
        given = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
    except (SyntaxError, ValueError):
        return line
    names = line.split(" = ", 1)[0].split(", ")
    values = given if len(names) > 1 else (given,)
    if not isinstance(values, tuple) or len(values) != len(names):
        return line
    wanted = [data.get(name.lower(), value) for name, value in zip(names, values, strict=True)]
    if list(values) == wanted:
        return line
    return f"{', '.join(names)} = {', '.join(map(repr, wanted))}"
