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

from grader.types import GraderError, Message, Scalar

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

UNKNOWN = "Extra inputs are not permitted"  # as of a model

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
        args["line"] = line["line"] if line and line["line"] else text.rstrip().count("\n") + 1
        raise GraderError(Message("course.bad_toml", args)) from error


def checked(kind: type[Held], raw: object, path: Path) -> Held:
    """Read a table into a dataclass or a model.

    Raises:
        GraderError: names the file and the key at fault.
    """
    from pydantic import ValidationError

    adapter: TypeAdapter[Held] = _adapter(cast("Any", kind))
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        raise fault(error, path) from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)  # compiles what to look at; as expensive as reading ten files


def fault(error: ValueError, path: Path, above: str = "") -> GraderError:
    """Say in one sentence which key is at fault; ``above`` is the table that holds it."""
    from pydantic import ValidationError

    keys, problem = [above] if above else [], str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        keys += [str(part) for part in first["loc"]]
        problem = own_words(first)
    return bad_key(path, ".".join(keys) or "-", problem)


def own_words(told: ErrorDetails) -> str:
    """Give what pydantic says without what it says to programmers."""
    # It speaks to a caller of __init__ here; our reader has a file with a key too many.
    if told["type"] == "unexpected_keyword_argument":
        return UNKNOWN
    if told["type"] == "value_error":
        return str(told["ctx"]["error"])
    return told["msg"]


def bad_file(path: Path, error: Exception) -> GraderError:
    """Say that a file cannot be read at all."""
    return GraderError(Message("course.bad_file", {"file": str(path), "problem": str(error)}))


def bad_key(path: Path, key: str, problem: str) -> GraderError:
    """Say what is wrong with a key of a file."""
    return GraderError(
        Message("course.bad_key", {"file": str(path), "key": key, "problem": problem})
    )
