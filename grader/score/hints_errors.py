"""Exceptions: what each one says about the notebook, by the tables in ``hints_errors.toml``.

Enters: the exception of a cell. Leaves: one Message. Touches: reads ``hints_errors.toml``, once.
"""

from __future__ import annotations

import difflib
import keyword
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from grader.text.exceptions import public
from grader.text.printable import printable
from grader.types import CellError, Message, Scalar

TABLES = Path(__file__).with_name("hints_errors.toml")
NEAR = 0.7  # difflib's likeness from which a name passes for misspelt
SHORT = 3  # letters below which one of them says nothing
LONGEST = 80  # characters of a student's text that a message repeats
READ = 4000  # characters of an exception's text that are looked at
LIKE = 40  # characters of a name that is compared with others; difflib's work grows with their cube
COMPARED = 500  # names of a traceback that are compared
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


Patterns: TypeAlias = tuple[re.Pattern[str], ...]  # each to be found behind the one before


@dataclass(frozen=True)
class Renamed:
    """A name of older versions and what took its place."""

    old: str
    new: str
    pattern: Patterns


@dataclass(frozen=True)
class Rule:
    """An exception with one likely cause."""

    error: re.Pattern[str]
    pattern: Patterns
    within: re.Pattern[str]  # in the traceback: whose code raised it
    message: str  # its id
    near: str | None
    otherwise: str | None


@dataclass(frozen=True)
class Tables:
    """Everything that ``hints_errors.toml`` says."""

    renamed: tuple[Renamed, ...]
    rules: tuple[Rule, ...]
    vocabulary: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def tables() -> Tables:
    """Read the tables."""
    told: dict[str, Any] = tomllib.loads(TABLES.read_text(encoding="utf-8"))
    return Tables(
        tuple(
            Renamed(one["old"], one["new"], _patterns(one["pattern"])) for one in told["renamed"]
        ),
        tuple(
            Rule(
                re.compile(one["error"]),
                _patterns(one["pattern"]),
                re.compile(one.get("within", "")),
                one["message"],
                one.get("near"),
                one.get("otherwise"),
            )
            for one in told["rule"]
        ),
        {key: tuple(words.split()) for key, words in told["vocabulary"].items()},
    )


def _patterns(told: str | list[str]) -> Patterns:
    return tuple(re.compile(one) for one in ([told] if isinstance(told, str) else told))


def _found(patterns: Patterns, text: str) -> dict[str, str] | None:
    """Give the named groups; None where a pattern is not found behind the one before."""
    groups: dict[str, str] = {}
    at = 0
    for pattern in patterns:
        match = pattern.search(text, at)
        if match is None:
            return None
        at = match.end()
        groups |= {key: value or "" for key, value in match.groupdict().items()}
    return groups


def explain(cell: int, error: CellError) -> Message:
    """Say what an exception most likely means; never nothing."""
    value = error.value[:READ]
    text = f"{error.name}: {value}"
    for one in tables().renamed:
        if _found(one.pattern, text) is not None:
            return Message("diagnose.removed", {"cell": cell, "old": one.old, "new": one.new})
    for rule in tables().rules:
        if not rule.error.fullmatch(error.name[:READ]):
            continue
        groups = _found(rule.pattern, value)
        here = rule.within.search(error.traceback[-READ:].replace("\\", "/"))
        if groups is not None and here and (message := _told(rule, groups, cell, error)):
            return message
    return Message("diagnose.error", {"cell": cell, "error": cut(error.name)})


def cut(text: str) -> str:
    """Bound what a message repeats of a student's text; a cut ends in "…"."""
    return printable(text, limit=LONGEST)


def is_usual_name(name: str) -> bool:
    """Whether many notebooks call something so: then it is missing, not misspelt."""
    return name in tables().vocabulary["variable"]


def _told(rule: Rule, found: dict[str, str], cell: int, error: CellError) -> Message | None:
    # Exceptions quote paths as Python would, with every backslash twice.
    groups = {key: cut(public(value.replace("\\\\", "\\"))) for key, value in found.items()}
    args: dict[str, Scalar] = {"cell": cell, **groups}
    if rule.near is None:
        return Message(rule.message, args)
    nearest = _nearest(groups["name"], rule, error)
    if nearest is not None:
        return Message(rule.message, {**args, "nearest": nearest})
    return Message(rule.otherwise, args) if rule.otherwise else None


def _nearest(name: str, rule: Rule, error: CellError) -> str | None:
    """Find what was meant: a well-known name, or for variables one that the failing cell shows."""
    assert rule.near is not None
    known: Iterable[str] = tables().vocabulary[rule.near]
    if rule.near == "variable":
        if is_usual_name(name):
            return None
        shown = dict.fromkeys(_IDENTIFIER.findall(error.traceback[:READ]))
        known = (*known, *islice(shown, COMPARED))
    return nearest(name, known)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that a misspelt one is nearest to; None where none is near.

    Case alone may differ (``adam`` for ``Adam``), short names must agree but for one letter.
    """
    if len(name) > LIKE:
        return None
    words = [
        word
        for word in dict.fromkeys(known)
        if word != name and len(word) <= LIKE and not keyword.iskeyword(word)
    ]
    for word in words:
        if word.lower() == name.lower():
            return word
    close = difflib.get_close_matches(name, words, n=1, cutoff=NEAR)
    return close[0] if close else _one_letter(name, words)


def _one_letter(name: str, words: Iterable[str]) -> str | None:
    """``fix`` for ``fit``, ``SDG`` for ``SGD``: too short for difflib's measure, and still near."""
    for word in words:
        if len(word) != len(name) or len(name) < SHORT:
            continue
        if sum(map(str.__ne__, word, name)) == 1 or sorted(word) == sorted(name):
            return word
    return None
