"""Runs a few cells for real: what the real tests of the stages share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.execute.claims import Claims, read_claims
from grader.execute.execute import execute
from grader.execute.run import Run
from grader.execution import Candidate, CellRun, Execution
from grader.room import Room, open_room, warmed
from grader.submission import Cell, Notebook
from grader.types import Engine


@functools.cache
def room() -> Room:
    """The best room of this machine, opened once, and warm where it can be: as graders have it."""
    return warmed(open_room("auto"))[0]


def notebook(*sources: str) -> Notebook:
    """Cells numbered from 1."""
    cells = tuple(Cell(index, source) for index, source in enumerate(sources, start=1))
    return Notebook(cells, None, "0" * 64)


def run(
    *sources: str,
    engine: Engine = Engine.JAX,
    read: Callable[[Path], Claims] = read_claims,
    **changes: Any,
) -> Execution:
    """Run the cells on one core; ``read`` reads what the driver wrote."""
    settings: dict[str, Any] = {
        "notebook": notebook(*sources),
        "engine": engine,
        "seed": 1,
        "attempt": 1,
        "timeout": 120.0,
        "memory_mb": 4096,
        "cores": (0,),
    }
    return execute(Run(**settings | changes), room(), read=read)


def cell(execution: Execution, index: int) -> CellRun:
    """What a cell did."""
    return next(one for one in execution.cells if one.index == index)


def candidate(execution: Execution, name: str) -> Candidate:
    """The last model that a variable held."""
    return [one for one in execution.candidates if one.name == name][-1]
