"""Training that ``fit`` does not do: in a loop of one's own, or in a program of its own.

Enters: a notebook's cells and syntax trees. Leaves: Messages, with the cell. Touches nothing; runs
nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from grader.code.source import Code
from grader.score.hints_errors import cut
from grader.types import Cell, Message

BY_HAND = ("train_on_batch", "GradientTape", "apply_gradients")  # the most telling first
RUNS_A_FILE = ("!python", "! python", "%%bash", "%%sh", "%%script")


def trained_elsewhere(cells: Sequence[Cell], code: Sequence[Code]) -> Iterator[Message]:
    """Find where a notebook that never calls ``fit`` trains all the same."""
    if any(_calls(one, "fit") for one in code):
        return
    for one in code:
        used = {node.attr for node in one.nodes if isinstance(node, ast.Attribute)}
        used |= {node.id for node in one.nodes if isinstance(node, ast.Name)}
        if how := [name for name in BY_HAND if name in used]:
            yield Message("source.own_loop", {"cell": one.cell, "how": how[0]})
    for cell in cells:
        for line in cell.source.split("\n"):
            if line.lstrip().startswith(RUNS_A_FILE) and ".py" in cell.source:
                yield Message("source.own_program", {"cell": cell.index, "line": cut(line)})
                break


def _calls(code: Code, method: str) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        for node in code.nodes
    )
