"""Sizes other than the usual ones: ``[profiles.<name>]`` and ``[origins.<name>]`` in the files.

Enters: a parsed TOML file. Leaves: the same with the chosen tables laid over it. Touches nothing.

The tables of a file without any of these are the profile ``laptop``. A profile's own tables change
what they name and nothing else: tables key by key, lists of as many tables one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.course.toml import place_in

LAPTOP = "laptop"
FORMER_NAMES = frozenset({"standard"})  # what measurements called ``laptop`` earlier
LONGEST = 60  # characters of what is said
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def expected_name(profile: str) -> str:
    """Give the name of the file that holds a profile's calibration."""
    return "expected.json" if profile == LAPTOP else f"expected.{profile}.json"


def is_same(measured: str, profile: str) -> bool:
    """Whether a measurement's profile is this one, under its name of today or an earlier one."""
    return measured == profile or (profile == LAPTOP and measured in FORMER_NAMES)


def choose(raw: dict[str, Any], profile: str, path: Path) -> tuple[dict[str, Any], frozenset[str]]:
    """Lay a profile's tables over the rest, where there are any; name every profile of the file.

    Raises:
        GraderError: ``profiles`` is not a table of tables, or a name is none.
    """
    tables = take_tables(raw, "profiles", path)
    for name in tables:
        if name == LAPTOP or not _NAME.fullmatch(name):
            at = ("profiles", name)
            raise place_in(path).fault(at, "rules.profile_name", given=name, usual=LAPTOP)
    return overlaid(raw, tables.get(profile, {})), frozenset(tables)


def overlaid(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Change in ``base`` what ``top`` names."""
    return {**base, **{key: _laid(base.get(key), value) for key, value in top.items()}}


def _laid(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return overlaid(below, above)
    if _are_tables(below) and _are_tables(above) and len(below) == len(above):
        return [overlaid(*pair) for pair in zip(below, above, strict=True)]
    return above


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def take_tables(raw: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    """Take a table of tables out of a file.

    Raises:
        GraderError: it is none.
    """
    tables = raw.pop(key, {})
    if not isinstance(tables, dict):
        raise place_in(path).fault((key,), "rules.must_be_table", given=str(tables)[:LONGEST])
    for name, table in tables.items():
        if not isinstance(table, dict):
            given = str(table)[:LONGEST]
            raise place_in(path).fault((key, name), "rules.must_be_table", given=given)
    return tables
