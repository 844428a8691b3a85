"""Says what is wrong in one of the course's TOML files, with the line and the nearest word.

Enters: a file's text, what a reader of it found. Leaves: a GraderError. Touches nothing.

``tomllib`` tells no lines, so they are found by it: a key stands on the first line with which the
text up to there has it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from grader.course.patterns import EXAMPLES, NOT_EMPTY
from grader.course.sizes import WrongValueError
from grader.text.near import near_names
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import ErrorDetails

Keys: TypeAlias = Sequence[str | int]  # ("late", "per_day"), ("groups", 0, "members")

LONGEST = 60
UNKNOWN = "Extra inputs are not permitted"  # as of a model
KINDS = {
    "bool_type": "rules.must_be_bool",
    "dataclass_type": "rules.must_be_table",
    "dict_type": "rules.must_be_table",
    "float_parsing": "rules.must_be_number",
    "float_type": "rules.must_be_number",
    "int_from_float": "rules.must_be_whole",
    "int_parsing": "rules.must_be_whole",
    "int_type": "rules.must_be_whole",
    "list_type": "rules.must_be_list",
    "model_type": "rules.must_be_table",
    "moment": "rules.must_be_date",
    "string_too_short": "rules.empty",  # of one character at least
    "string_type": "rules.must_be_text",
    "tuple_type": "rules.must_be_list",
    "year": "rules.must_be_year",
}
BOUNDS = {  # of a number: what pydantic calls it, and its sign
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", "≥"),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "≤"),
}
LENGTHS = {  # of a text or a list: the message, and what pydantic calls the bound
    "string_too_long": ("rules.too_long", "max_length"),
    "too_long": ("rules.too_many", "max_length"),
    "too_short": ("rules.too_few", "min_length"),
}


@dataclass(frozen=True)
class Place:
    """The file, to be pointed at."""

    path: Path
    text: str
    overlays: Sequence[Keys] = ()  # tables of it that are laid over the rest

    def fault(self, keys: Keys, message_id: str, **args: Scalar) -> GraderError:
        """Give the error that names the file, the line and the key."""
        told: dict[str, Scalar] = {
            "file": str(self.path),
            "line": self._line(keys) or "?",
            "key": printable(".".join(map(str, keys)), limit=LONGEST),
        }
        return GraderError(Message(message_id, told | args))

    def _line(self, keys: Keys) -> int | None:
        lines = self.text.split("\n")
        laid = ((*above, *keys) for above in self.overlays)
        there = next((one for one in laid if _holds(lines, one)), keys)
        return line_of(self.text, there)

    def unknown(
        self, keys: Keys, given: str, known: Iterable[str], without: str, near: str
    ) -> GraderError:
        """Give the error for a word that is none of the known ones.

        Args:
            keys: where it stands.
            given: the word.
            known: those there are.
            without: id of the message where none is near.
            near: id of the message that asks for the nearest.
        """
        words = list(known)
        found = nearest(given, words)
        args: dict[str, Scalar] = {"given": printable(given, limit=LONGEST)}
        args |= {"nearest": found, "known": printable(", ".join(words), limit=400)}
        return self.fault(keys, near if found else without, **args)

    def invalid(
        self, error: ValidationError, kind: TypeAdapter[Any], above: Keys = ()
    ) -> GraderError:
        """Give the error for the first thing that the file may not say.

        Args:
            error: as pydantic found it.
            kind: what the file, or the table, is read into.
            above: keys of the table that was read, where it was not the whole file.
        """
        first = error.errors(include_url=False)[0]
        return self._told(first, (*above, *first["loc"]), known_keys(first["loc"][:-1], kind))

    def _told(self, first: ErrorDetails, keys: Keys, known: Sequence[str]) -> GraderError:
        kind, context = first["type"], first.get("ctx", {})
        given = printable(str(first["input"]), limit=LONGEST)
        if isinstance(wrong := context.get("error"), WrongValueError):
            return self.fault(keys, wrong.message.id, **wrong.message.args)
        if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
            return self.unknown(
                keys, str(keys[-1]), known, "rules.unknown_key", "rules.unknown_key_near"
            )
        if kind == "literal_error":
            words = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return self.unknown(keys, given, words, "rules.not_one_of", "rules.not_one_of_near")
        if kind in {"missing", "missing_argument"}:
            above = self.fault(keys[:-1], "rules.missing")
            return GraderError(Message("rules.missing", {**above.message.args, "key": keys[-1]}))
        message, args = _misfit(first, given)
        return self.fault(keys, message, **args)


def _misfit(first: ErrorDetails, given: str) -> tuple[str, dict[str, Scalar]]:
    """Say of a value what is asked of its kind, size or form: a message's id and arguments."""
    kind, context = first["type"], first.get("ctx", {})
    if kind in KINDS:
        return KINDS[kind], {"given": given}
    if kind in BOUNDS:
        name, sign = BOUNDS[kind]
        return "rules.out_of_range", {"given": given, "bound": f"{sign} {context[name]:g}"}
    if kind in LENGTHS:
        message, bound = LENGTHS[kind]
        return message, {"bound": context[bound]}
    if kind == "string_pattern_mismatch":
        return _misformed(context["pattern"], given)
    return "rules.bad_value", {"given": given, "problem": own_words(first)}


def _misformed(pattern: str, given: str) -> tuple[str, dict[str, Scalar]]:
    if pattern == NOT_EMPTY:
        return "rules.empty", {}
    if pattern in EXAMPLES:
        return "rules.bad_form", {"given": given, "example": EXAMPLES[pattern]}
    return "rules.bad_pattern", {"given": given, "pattern": pattern}


def own_words(told: ErrorDetails) -> str:
    """Give what pydantic says without what it says to programmers."""
    # It speaks to a caller of __init__ here; our reader has a file with a key too many.
    if told["type"] == "unexpected_keyword_argument":
        return UNKNOWN
    if told["type"] == "value_error":
        return str(told["ctx"]["error"])
    return told["msg"]


def nearest(given: str, known: Iterable[str]) -> str:
    """Give the word that a mistyped one most likely means; "" where none is near."""
    return next(iter(near_names(given, known, 1)), "")


def known_keys(keys: Keys, kind: TypeAdapter[Any]) -> list[str]:
    """Give what a table of a file may hold; nothing where it is no table of ours."""
    schema = kind.json_schema()
    try:
        node = _table(schema, keys)
    except (KeyError, TypeError):  # one of several forms, which pydantic names within the keys
        return []
    return list(node.get("properties", ()))


def _table(schema: Mapping[str, Any], keys: Keys) -> Mapping[str, Any]:
    """Find the schema of a table within another one."""
    node = schema
    for key in keys:
        inner = node["items"] if isinstance(key, int) else None
        if inner is None:
            inner = node.get("properties", {}).get(key) or node["additionalProperties"]
        inner = next((one for one in inner.get("anyOf", ()) if one != {"type": "null"}), inner)
        node = schema["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
    return node


def line_of(text: str, keys: Keys) -> int | None:
    """Give the line, from 1, on which a key of a TOML text begins; None where it has no such key.

    Args:
        text: TOML without fault.
        keys: names of tables and keys, numbers of a list's items. An item that stands within a
            list is found on the line where the list begins.
    """
    lines = text.split("\n")
    while keys and _holds(lines, keys) is not True:
        keys = keys[:-1]
    if not keys:
        return None
    before, line = 0, len(lines)
    while line - before > 1:
        middle = (before + line) // 2
        whole = next((n for n in range(middle, line) if _holds(lines[:n], keys) is not None), line)
        if whole < line and not _holds(lines[:whole], keys):
            before = whole
        else:
            line = middle
    return line


def _holds(lines: Sequence[str], keys: Keys) -> bool | None:
    """Whether lines have a key; None where they are not whole."""
    try:
        node: Any = tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None
    for key in keys:
        in_list = isinstance(node, list) and isinstance(key, int) and key < len(node)
        if not in_list and not (isinstance(node, dict) and key in node):
            return False
        node = node[key]
    return True
