"""Training that ``fit`` does not do: in a loop of one's own, or in a program of its own.

Enters: a notebook's cells and syntax trees. Leaves: Messages, with the cell. Touches nothing; runs
nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from grader.code.source import Code, Names
from grader.score.hints_errors import cut
from grader.submission import Cell
from grader.types import Message

BY_HAND = ("train_on_batch", "GradientTape", "apply_gradients")  # the most telling first
RUNS_A_FILE, RUNS_LINES = ("!python", "! python"), ("%%bash", "%%sh", "%%script")
PREPARES = ("Scaler", "Encoder")  # classes whose fit is about data; whatever sklearn has, too
Fit: TypeAlias = tuple[int, ast.Call]  # with its cell
_FILE = re.compile(r"\S\.py\b")
_SCALER = re.compile(r"(?:\w*_)?scaler", re.IGNORECASE)


def own_loops(code: Sequence[Code]) -> Iterator[Message]:
    """Find names that loops use; whether one trained a model, the updates tell."""
    for one in code:
        used = {node.attr for node in one.nodes if isinstance(node, ast.Attribute)}
        used |= {node.id for node in one.nodes if isinstance(node, ast.Name)}
        if how := [name for name in BY_HAND if name in used]:
            yield Message("source.own_loop", {"cell": one.cell, "how": how[0]})


def trained_elsewhere(cells: Sequence[Cell]) -> Iterator[Message]:
    """Find where a notebook that never calls ``fit`` has a program train."""
    for cell in cells:
        if line := _program(cell.source.strip().split("\n")):
            yield Message("source.own_program", {"cell": cell.index, "line": cut(line)})


def _program(lines: Sequence[str]) -> str | None:
    """Give the line by which a cell starts a file of Python, or has its other lines do so."""
    if lines[0].startswith("%%"):
        commands = lines if lines[0].startswith(RUNS_LINES) else ()
        return lines[0] if any(_starts_a_file(line) for line in commands) else None
    commands = [line for line in lines if line.lstrip().startswith(RUNS_A_FILE)]
    return next((line for line in commands if _starts_a_file(line)), None)


def _starts_a_file(command: str) -> bool:
    return "python" in command and _FILE.search(command) is not None


def fits(code: Sequence[Code], names: Names) -> list[Fit]:
    """Give the calls of ``fit`` that may train a model, each with its cell: no scaler's."""
    nodes = [(one.cell, node) for one in code for node in one.nodes]
    prepares = {
        target.id
        for _, node in nodes
        if isinstance(node, ast.Assign) and _makes_a_preparer(node.value, names)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        (cell, node)
        for cell, node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "fit"
        and not _is_preparer(node.func.value, prepares, names)
    ]


def _is_preparer(receiver: ast.expr, prepares: set[str], names: Names) -> bool:
    if isinstance(receiver, ast.Name):
        return receiver.id in prepares or _SCALER.fullmatch(receiver.id) is not None
    return _makes_a_preparer(receiver, names)


def _makes_a_preparer(node: ast.expr, names: Names) -> bool:
    """Whether an expression makes what scales or encodes data."""
    made = names.dotted(node.func) if isinstance(node, ast.Call) else ""
    return made.startswith("sklearn.") or made.endswith(PREPARES)
