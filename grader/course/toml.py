"""Reads the course's TOML files and holds them against what they may say.

Enters: a path; a parsed table and its model. Leaves: the table, the model's instance. Touches:
reads the file. Every fault is one sentence that names the file and, where there is one, the key.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from grader.course.places import Place, own_words
from grader.types import GraderError, Message, Scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import TypeAdapter, ValidationError

Held = TypeVar("Held")
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        GraderError: it is none.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise bad_file(path, error) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem, line = _PLACE.sub("", str(error)), _PLACE.search(str(error))
        args: dict[str, Scalar] = {"file": str(path), "problem": problem}
        args["line"] = int(line["line"]) if line and line["line"] else text.rstrip().count("\n") + 1
        raise GraderError(Message("course.bad_toml", args)) from error


def checked(
    kind: type[Held], raw: object, path: Path, overlays: Sequence[Sequence[str]] = ()
) -> Held:
    """Read a table into a dataclass or a model.

    Args:
        kind: the dataclass or model.
        raw: the table.
        path: the file.
        overlays: tables of the file that were laid over the rest, by their keys.

    Raises:
        GraderError: names the file, the key at fault and, in TOML, the line.
    """
    from pydantic import ValidationError

    adapter: TypeAdapter[Held] = _adapter(cast("Any", kind))
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        if path.suffix != ".toml":
            raise _bad_key(error, path) from error
        raise place_in(path, overlays).invalid(error, _adapter(cast("Any", kind))) from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)  # compiles what to look at; as expensive as reading ten files


def place_in(path: Path, overlays: Sequence[Sequence[str]] = ()) -> Place:
    """Give a TOML file to be pointed at."""
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    return Place(path, text, overlays)


def bad_file(path: Path, error: Exception) -> GraderError:
    """Say that a file cannot be read at all."""
    return GraderError(Message("course.bad_file", {"file": str(path), "problem": str(error)}))


def _bad_key(error: ValidationError, path: Path) -> GraderError:
    """Say which key of a file that programs write is at fault; it has no lines to speak of."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"])) or "-"
    args = {"file": str(path), "key": key, "problem": own_words(first)}
    return GraderError(Message("course.bad_key", args))
