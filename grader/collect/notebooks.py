"""Reads a notebook file as what it says, strictly and within bounds.

Enters: the bytes of an ``.ipynb`` file. Leaves: a Notebook, or Malformed with the reason.
Touches nothing.

nbformat's own reader is not used: it accepts duplicate keys and endless numbers, and raises a dozen
kinds of exceptions. Outputs, unknown metadata and cell ids are never looked at, so nothing in
them can cost a student anything; but for what a cell with ``input()`` printed, which answers it,
and for the number beside a cell, by which its author finds it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TypeGuard

from grader.submission import Cell, Notebook
from grader.types import Json, Message

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 64  # real notebooks stay under 15; widget state under 25
MAX_DIGITS = 400  # a float64 written in full has up to 309 digits before the point
MAX_VALUES = 2_000_000  # a parsed value costs about 90 bytes of the judge's memory
NBFORMAT = 4
OLD_NBFORMAT = 3  # the same cells under other names: worksheets, input
LONGEST_LANGUAGE = 40  # characters
ASKS = "input("
MOST_SAID = 2000  # characters of what a cell that asks had printed
MOST_RUNS = 999_999  # that a number beside a cell can tell of
TAIL = 6  # an escape cut off at the end of a file is reported up to six characters before it

# Without its closing quote as well: a string that never ends would be tried from each quote in it.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_EXERCISE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Malformed(Exception):  # noqa: N818 -- the word of the verdict
    """The file cannot be read as a notebook; ``message`` says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id, dict(message.args))
        self.message = message


def parse_notebook(data: bytes) -> Notebook:
    """Read the code cells and the exercise named in the metadata.

    Raises:
        Malformed: with one message id per reason.
    """
    if len(data) > MAX_BYTES:
        raise too_large(len(data))
    document = _load(_decode(data))
    if not _is_object(document):
        _fail("collect.not_a_notebook")
    cells = tuple(_code_cells(_all_cells(document)))
    return Notebook(cells, _named_exercise(document), _digest(cells), _language(document))


def too_large(size: int) -> Malformed:
    """Refuse a file by its size, known before a byte of it is read."""
    args = {"megabytes": -(-size // 2**20), "limit": MAX_BYTES // 2**20}
    return Malformed(Message("collect.too_large", args))


def _fail(message_id: str, **args: str | int) -> NoReturn:
    raise Malformed(Message(message_id, args))


# --- bytes to JSON ---------------------------------------------------------------------------


def _decode(data: bytes) -> str:
    if not data.strip():
        _fail("collect.empty_file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _fail("collect.utf16")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _fail("collect.not_utf8", line=data.count(b"\n", 0, error.start) + 1)
    _bound_values(data)
    return text


def _bound_values(data: bytes) -> None:
    """Refuse what would swell in memory; separators within strings do not count."""
    count = _separators(data)
    if count > MAX_VALUES:
        count -= sum(_separators(string[0]) for string in _STRING.finditer(data))
    if count > MAX_VALUES:
        _fail("collect.too_many_values", limit=MAX_VALUES)


def _separators(data: bytes) -> int:
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _load(text: str) -> Json:
    try:
        document: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_int=_bounded_int,
            parse_float=_bounded_float,
            parse_constant=lambda name: _fail("collect.not_finite", value=name),
        )
    except json.JSONDecodeError as error:
        raise _why_not_json(text, error) from error
    except RecursionError as error:
        raise Malformed(Message("collect.too_deep", {"limit": MAX_DEPTH})) from error
    _bound_depth(document)
    return document


def _why_not_json(text: str, error: json.JSONDecodeError) -> Malformed:
    start = text.lstrip()[:200].lower()
    where = {"line": error.lineno, "column": error.colno}
    if start.startswith("<<<<<<<") or "\n<<<<<<< " in text:
        return Malformed(Message("collect.merge_conflict", where))
    if start.startswith(("<!doctype", "<html")):
        return Malformed(Message("collect.web_page"))
    if not start.startswith("{"):
        return Malformed(Message("collect.not_json", where))
    cut_off = error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) - TAIL
    return Malformed(Message("collect.truncated_json" if cut_off else "collect.bad_json", where))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        _fail("collect.duplicate_key", key=twice[:80])
    return table


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        _fail("collect.huge_number", digits=len(digits))
    return int(digits)


def _bounded_float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        _fail("collect.huge_number", digits=len(digits))
    return float(digits)


def _bound_depth(document: Json) -> None:
    level: list[Json] = [document]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    _fail("collect.too_deep", limit=MAX_DEPTH)


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    return isinstance(value, dict)


# --- JSON to cells ---------------------------------------------------------------------------


def _all_cells(document: dict[str, Json]) -> list[Json]:
    version = document.get("nbformat")
    if type(version) is not int:
        _fail("collect.not_a_notebook")
    if version == OLD_NBFORMAT:
        return [cell for sheet in _list(document, "worksheets") for cell in _sheet(sheet)]
    if version < NBFORMAT:
        _fail("collect.old_nbformat", version=version)
    if version > NBFORMAT:
        _fail("collect.new_nbformat", version=version)
    return _list(document, "cells")


def _sheet(sheet: Json) -> list[Json]:
    if not _is_object(sheet):
        _fail("collect.not_a_notebook")
    return _list(sheet, "cells")


def _list(table: dict[str, Json], key: str) -> list[Json]:
    value = table.get(key)
    if not isinstance(value, list):
        _fail("collect.no_cells")
    return value


def _code_cells(cells: list[Json]) -> Iterator[Cell]:
    for index, cell in enumerate(cells, start=1):
        if not _is_object(cell) or not isinstance(cell.get("cell_type"), str):
            _fail("collect.bad_cell", cell=index)
        if cell["cell_type"] == "code":
            source = _source(cell.get("source", cell.get("input")), index)
            said = _said(cell) if ASKS in source else ""
            yield Cell(index=index, source=source, said=said, saved=_saved(cell))


def _said(cell: dict[str, Json]) -> str:
    """Give what a cell printed when its author ran it: what was typed stands behind the prompt."""
    outputs = cell.get("outputs")
    said = ""
    for output in outputs if isinstance(outputs, list) else ():
        if _is_object(output) and output.get("name", output.get("stream")) in ("stdout", "stdin"):
            text = output.get("text")
            lines = text if isinstance(text, list) else [text]
            said += "".join(line[:MOST_SAID] for line in lines if isinstance(line, str))
        if len(said) >= MOST_SAID:
            break
    return _clean(said[:MOST_SAID])


def _saved(cell: dict[str, Json]) -> int:
    """Give the number beside a cell when it was saved; 0 where there is none."""
    count = cell.get("execution_count", cell.get("prompt_number"))
    return count if type(count) is int and 0 < count <= MOST_RUNS else 0


def _source(source: Json, index: int) -> str:
    if isinstance(source, str):
        return _clean(source)
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        if len(lines) == len(source):
            return _clean("".join(lines))
    _fail("collect.bad_source", cell=index)


def _clean(source: str) -> str:
    """Unix line ends; halves of a surrogate pair, which no kernel can be sent, become U+FFFD."""
    whole = source.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\r\n", "\n").replace("\r", "\n")


def _named_exercise(document: dict[str, Json]) -> str | None:
    value = _text(document, "metadata", "grader", "exercise")
    return value if _EXERCISE.fullmatch(value) else None


def _language(document: dict[str, Json]) -> str:
    """Give the language of the notebook's kernel; a notebook that names none is Python."""
    told = _text(document, "metadata", "language_info", "name")
    told = told or _text(document, "metadata", "kernelspec", "language")
    return told[:LONGEST_LANGUAGE] or "python"


def _text(document: Json, *keys: str) -> str:
    """Give the text below these keys; "" where there is none."""
    for key in keys:
        document = document.get(key) if _is_object(document) else None
    return document if isinstance(document, str) else ""


def _digest(cells: tuple[Cell, ...]) -> str:
    """Cover sources and places: what a run reports by cell number must stay true.

    And what was typed into cells that ask: that they are given again.
    """
    listed = [[cell.index, cell.source, *([cell.said] if cell.said else [])] for cell in cells]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
