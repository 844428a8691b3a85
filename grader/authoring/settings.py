"""The students' ``course.toml``: what they may know of the course's rules.

Enters: the parsed file, the profile that they get. Leaves: TOML. Touches nothing.

It is written anew, from the keys that are theirs: who is in the class, who hands in together, who
has more time and why is nobody else's business, and comments may say as much.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from grader.course.profiles import LAPTOP
from grader.course.settings import PRIVATE, SettingsFile

_BARE = re.compile(r"[A-Za-z0-9_-]+")
OF_THE_TEACHER = frozenset({"worksheet"})  # in the table of an exercise


def public_settings(
    said: Mapping[str, Any], profile: str, exercises: Collection[str] | None = None
) -> str:
    """Give the file; "" where it would say nothing.

    Args:
        said: ``course.toml``, parsed and found sound.
        profile: whose sizes students get.
        exercises: the ids that they get; None: all.
    """
    theirs = {key: said[key] for key in SettingsFile.model_fields if key in said}
    theirs = {key: value for key, value in theirs.items() if key not in PRIVATE | {"profile"}}
    if "profile" in said or profile != LAPTOP:
        theirs = {"profile": profile, **theirs}
    if "exercise" in theirs:
        theirs["exercise"] = {
            one: {key: value for key, value in table.items() if key not in OF_THE_TEACHER}
            for one, table in theirs["exercise"].items()
            if exercises is None or one in exercises
        }
    if exercises is not None and "exercises" in theirs:
        owed = [one for one in theirs["exercises"] if one in exercises]
        theirs = {**theirs, "exercises": owed} if owed else _without(theirs, "exercises")
    return "".join(f"{line}\n" for line in _table(theirs, ()))


def _without(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != name}


def _table(values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    """Write a table: its own keys, then the tables in it."""
    if above:
        yield f"\n[{'.'.join(map(_key, above))}]"
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    yield from (
        f"{_key(key)} = {_value(value)}" for key, value in values.items() if key not in tables
    )
    for key, value in tables.items():
        yield from _table(value, (*above, key))


def _value(value: object) -> str:
    """Write a value; TOML's texts are JSON's, but for one character that JSON leaves as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)
