"""Cells where code was asked for and none was written.

Enters: cells, their syntax trees, what they bind. Leaves: places, Messages. Touches nothing; runs
nothing.

A student's notebook runs from top to bottom as it was handed out: what is given asks for a name
before it uses it (``if 'model' in globals():``). So no error tells that an answer is missing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from grader.code.source import Code, read_code
from grader.score.hints_errors import cut
from grader.score.hints_names import bindings_of
from grader.submission import Cell, Notebook
from grader.types import Message

EMPTY = "YOUR CODE HERE"  # stands in students' notebooks where code is to be written
STILL_EMPTY = "source.still_empty"


def empty_hints(notebook: Notebook) -> Iterator[Message]:
    """Name the empty cells for want of which what is given below them did nothing."""
    code = read_code(notebook) or ()
    empty = still_empty(notebook.cells, code)
    if not empty or len(code) < len(notebook.cells):  # what such a cell defines is unknown
        return
    told = set(bindings_of(code).names)
    for cell, name in _asked_for(code):
        before = [one for one in empty if one <= cell]
        if before and name not in told:
            told.add(name)
            yield Message(STILL_EMPTY, {"cell": before[-1], "name": cut(name)})


def has_empty(notebook: Notebook) -> bool:
    """Whether nothing was written in some cell where code was asked for."""
    return bool(still_empty(notebook.cells, read_code(notebook) or ()))


def still_empty(cells: Sequence[Cell], code: Sequence[Code]) -> list[int]:
    """Give the cells in which nothing was written where code was asked for."""
    trees = {one.cell: one.tree for one in code}
    return [
        cell.index
        for cell in cells
        if EMPTY in cell.source
        and cell.index in trees
        and all(map(_was_there, trees[cell.index].body))
    ]


def _was_there(statement: ast.stmt) -> bool:
    """Whether a statement stood there from the beginning: it shows what the answer makes."""
    if isinstance(statement, ast.If):
        return asked_name(statement) is not None
    call = statement.value if isinstance(statement, ast.Expr) else None
    shown = call.func if isinstance(call, ast.Call) else None
    return isinstance(shown, ast.Attribute) and shown.attr == "summary"


def _asked_for(code: Sequence[Code]) -> Iterator[tuple[int, str]]:
    """Give the names that cells ask for before they use them, with the cell."""
    for one in code:
        for statement in one.tree.body:
            name = asked_name(statement)
            if name is not None:
                yield one.cell, name


def asked_name(statement: ast.stmt) -> str | None:
    """Give the name of ``if 'name' in globals():``; None of any other statement."""
    match statement:
        case ast.If(
            test=ast.Compare(
                left=ast.Constant(value=str(name)),
                ops=[ast.In()],
                comparators=[ast.Call(func=ast.Name(id="globals"), args=[], keywords=[])],
            ),
            orelse=[],
        ):
            return name
    return None
