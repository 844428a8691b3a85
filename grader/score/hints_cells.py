"""Cells that failed: what the notebook's code shows about why, where the exception alone is mute.

Enters: a Notebook and its RunFacts. Leaves: Messages; those about an error say it better than the
exception's own words. Touches nothing; runs nothing.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.code.source import Code, read_code
from grader.score.brackets import left_open
from grader.score.hints_empty import STILL_EMPTY, still_empty
from grader.score.hints_errors import cut, nearest
from grader.score.hints_names import Bindings, Place, bindings_of, may_be_meant, names_read
from grader.submission import Notebook
from grader.text.tracebacks import failing_line
from grader.types import CellError, Message, RunFacts, Scalar

NAME_ERRORS = frozenset({"diagnose.undefined_name", "diagnose.misspelt_name"})
SYNTAX_ERRORS = frozenset({"diagnose.syntax", "diagnose.unclosed", "diagnose.incomplete"})
LANGUAGE = "source.other_language"
CONSEQUENCE = "source.consequence"
NAMES = frozenset(
    {
        STILL_EMPTY,
        "source.defined_later",
        "source.defined_below",
        "source.inside_function",
        "source.other_case",
        "source.misspelt_name",
    }
)
SYNTAX = frozenset({"source.unclosed", "source.unclosed_text", "source.empty_block"})
ABOUT_ERRORS = (NAMES - {"source.misspelt_name"}) | SYNTAX
TELLING = 4  # letters from which a likeness between names says something
MOST = 10  # failing cells that are looked at
_NAME = re.compile(r"name '(?P<name>\w+)' is not defined")
_SEEMS_BOUND = re.compile(
    r"^(?:(?=[^\W\d]\w* *=(?!=))|(?:def|class|import) +)([^\W\d]\w*)", re.MULTILINE
)
_SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Assert, ast.Raise)


def failure_hints(notebook: Notebook, runs: RunFacts) -> tuple[Message, ...]:
    """Say of each failing cell what its code shows."""
    if not runs.failed:
        return ()
    if "python" not in notebook.language.lower():
        return (Message(LANGUAGE, {"language": cut(notebook.language)}),)
    code = read_code(notebook) or ()
    failed = runs.failed[:MOST]
    bound = bindings_of(code)
    found = [*_names(notebook, code, bound, failed), *_syntax(notebook, failed)]
    return (*found, *_consequences(notebook, code, bound, failed))


def explained(errors: Iterable[Message], shown: Sequence[Message]) -> Iterator[Message]:
    """Put what the code shows in the place of what the exception alone lets guess.

    A name is looked up by itself, since one that is missing fails wherever it is used.
    """
    names = {m.args.get("name"): m for m in reversed(shown) if m.id in NAMES}
    syntax = {m.args.get("cell"): m for m in shown if m.id in SYNTAX}
    for message in errors:
        if message.id in NAME_ERRORS:
            yield names.get(message.args.get("name"), message)
        elif message.id in SYNTAX_ERRORS:
            yield syntax.get(message.args.get("cell"), message)
        else:
            yield message


# --- names -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Missing:
    """A name that was not there, and the cell that asked for it."""

    name: str
    cell: int
    line: int  # 0 where it is not known


def _names(
    notebook: Notebook,
    code: Sequence[Code],
    bound: Bindings,
    failed: Sequence[tuple[int, CellError]],
) -> Iterator[Message]:
    empty = still_empty(notebook.cells, code)
    readable = {one.cell for one in code}
    broken = [cell.source for cell in notebook.cells if cell.index not in readable]
    seen = {name for source in broken for name in _assigned(source)}  # there, in broken code
    for cell, error in failed:
        match = _NAME.search(error.value) if error.name == "NameError" else None
        if match is None or match["name"] in seen:
            continue
        seen.add(match["name"])
        missing = _Missing(match["name"], cell, failing_line(error.traceback))
        told = _why_missing(missing, bound, empty)
        if told is not None:
            yield told


def _why_missing(one: _Missing, bound: Bindings, empty: Sequence[int]) -> Message | None:
    """Say why a name is missing; None where what defines it is there and came before."""
    where: dict[str, Scalar] = {"cell": one.cell, "name": cut(one.name)}
    places = bound.places.get(one.name, [])
    if any(place.anew for place in places):
        return _in_other_order(one, where, places[0])
    if (inside := bound.inside.get(one.name)) is not None:
        where |= {"place": inside.cell, "function": cut(inside.function)}
        return Message("source.inside_function", where)
    return _other_name(one, where, bound, empty)


def _in_other_order(one: _Missing, where: Mapping[str, Scalar], first: Place) -> Message | None:
    """Say where a name is defined for the first time, if that is further on."""
    if not first.anew:
        return None
    if first.cell > one.cell:
        return Message("source.defined_later", {**where, "later": first.cell})
    if first.cell == one.cell and 0 < one.line < first.first:
        return Message("source.defined_below", where)
    return None


def _other_name(
    one: _Missing, where: Mapping[str, Scalar], bound: Bindings, empty: Sequence[int]
) -> Message | None:
    """Find what a name that is bound nowhere was meant to be, or where it should be bound."""
    known = [
        name
        for name in bound.names
        if name != one.name
        and bound.first_cell(name) <= one.cell
        and may_be_meant(name, one.name, bound)
    ]
    twin = next((name for name in known if name.lower() == one.name.lower()), None)
    if twin is not None:
        return Message("source.other_case", {**where, "nearest": cut(twin)})
    before = [cell for cell in empty if cell <= one.cell]
    if before:
        return Message(STILL_EMPTY, {"cell": before[-1], "name": cut(one.name)})
    likely = nearest(one.name, sorted(known)) if len(one.name) >= TELLING else None
    if likely is None:
        return None
    return Message("source.misspelt_name", {**where, "nearest": cut(likely)})


# --- code that is no Python ------------------------------------------------------------------


def _syntax(notebook: Notebook, failed: Sequence[tuple[int, CellError]]) -> Iterator[Message]:
    """Find the bracket, the quotation mark or the empty block at which a cell ends too early."""
    sources = {cell.index: cell.source for cell in notebook.cells}
    for index, error in failed:
        if error.name == "SyntaxError" and index in sources:
            found = left_open(sources[index])
            if found is not None:
                yield Message(found.message, {"cell": index, **found.args})


# --- consequences ----------------------------------------------------------------------------


def _consequences(
    notebook: Notebook,
    code: Sequence[Code],
    bound: Bindings,
    failed: Sequence[tuple[int, CellError]],
) -> Iterator[Message]:
    """Find errors about something that an earlier failing cell did not get to make."""
    errors, readable = dict(failed), {one.cell: one for one in code}
    missing: dict[str, int] = {}  # name to the failing cell that should have bound it
    for cell in notebook.cells:
        error = errors.get(cell.index)
        if cell.index in readable:
            places = bound.in_cell.get(cell.index, [])
        else:
            end = cell.source.count("\n") + 1
            places = [
                (name, Place(cell.index, 1, end, anew=True)) for name in _assigned(cell.source)
            ]
        line = failing_line(error.traceback) if error else math.inf
        for name in (name for name, place in places if place.last < line):
            missing.pop(name, None)
        if error is None:
            continue
        used = _used(readable.get(cell.index), line)
        culprit = next((name for name in used if name in missing), None)
        if culprit is not None and error.name != "NameError":
            args: dict[str, Scalar] = {
                "cell": cell.index,
                "name": cut(culprit),
                "first": missing[culprit],
            }
            yield Message(CONSEQUENCE, args)
        for name in (name for name, place in places if place.last >= line):
            missing.setdefault(name, cell.index)


def _used(code: Code | None, line: float) -> list[str]:
    """Give the names that a line reads, or the statement of several lines that it is part of."""
    if code is None:
        return []
    whole = [
        node
        for node in code.nodes
        if isinstance(node, _SIMPLE) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    here = (node for node in code.nodes if isinstance(node, ast.Name) and node.lineno == line)
    return [name for node in (*whole, *here) for name in names_read(node)]


def _assigned(source: str) -> list[str]:
    """Give the names that a cell seems to bind which is no Python as a whole."""
    return _SEEMS_BOUND.findall(source)
