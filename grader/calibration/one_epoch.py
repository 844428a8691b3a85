"""A notebook that trains for fewer epochs and is otherwise the same.

Enters: a Notebook. Leaves: a Notebook. Touches nothing; runs nothing.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import replace

from grader.code.source import read_code, without_magics
from grader.submission import Cell, Notebook
from grader.types import GraderError, Message

EPOCHS_PLACE = 3  # fit(x, y, batch_size, epochs)


def one_epoch(notebook: Notebook, epochs: int = 1) -> Notebook:
    """Let every ``fit`` train for one epoch, or so many, in whatever way it says how many.

    Raises:
        GraderError: some ``fit`` does not show how many, or there is none: the notebook would
            train for as long as before.
    """
    fits = _fits(notebook)
    cells = tuple(_shortened(cell, fits.get(cell.index, []), epochs) for cell in notebook.cells)
    short = replace(notebook, cells=cells)
    found = [one for calls in _fits(short).values() for one in calls]
    if not found or not all(_is_short(one, epochs) for one in found):
        raise GraderError(Message("calibrate.no_epochs", {"exercise": notebook.exercise or ""}))
    return short


def _fits(notebook: Notebook) -> dict[int, list[ast.Call]]:
    """Give the calls of ``fit`` by cell."""
    return {
        code.cell: [
            node
            for node in code.nodes
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "fit"
        ]
        for code in read_code(notebook) or ()
    }


def _epochs(fit: ast.Call) -> ast.expr | None:
    """Give what a ``fit`` says of its epochs; without a word Keras trains for one."""
    named = (one.value for one in fit.keywords if one.arg == "epochs")
    return next(named, fit.args[EPOCHS_PLACE] if len(fit.args) > EPOCHS_PLACE else None)


def _is_short(fit: ast.Call, epochs: int) -> bool:
    """Whether it trains for so many epochs; ``*arguments`` and ``**settings`` may say others."""
    said = _epochs(fit)
    if said is not None:
        return isinstance(said, ast.Constant) and said.value == epochs
    starred = any(isinstance(one, ast.Starred) for one in fit.args)
    return epochs == 1 and not starred and all(one.arg for one in fit.keywords)


def _shortened(cell: Cell, fits: list[ast.Call], epochs: int) -> Cell:
    """Write every number of epochs anew, the last one first: places before it stay right."""
    source = cell.source.encode()  # a syntax tree counts bytes
    read = without_magics(cell.source).encode().splitlines()
    lines = source.splitlines(keepends=True)
    starts = list(itertools.accumulate(map(len, lines), initial=0))
    for said in sorted(filter(None, map(_epochs, fits)), key=_place, reverse=True):
        assert said.end_lineno is not None
        assert said.end_col_offset is not None
        touched = slice(said.lineno - 1, said.end_lineno)
        if [line.rstrip() for line in lines[touched]] != [line.rstrip() for line in read[touched]]:
            continue  # a magic went before it, and its place is another one
        begin = starts[said.lineno - 1] + said.col_offset
        end = starts[said.end_lineno - 1] + said.end_col_offset
        source = source[:begin] + str(epochs).encode() + source[end:]
    return replace(cell, source=source.decode())


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset
