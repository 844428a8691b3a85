"""Where jobs run: one module per runner, named as ``--runner`` names it.

Enters: a runner's name, slots, a way to stop. Leaves: the Runner. Touches: looks at the names of
the files in this folder; imports the one that was asked for.

A module here defines ``open_runner(slots, stop) -> Runner``; nothing else has to know of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from grader.pipeline.runner import Runner, Slot, Stop
from grader.types import GraderError, Message

LOCAL = "local"


def known() -> tuple[str, ...]:
    """Give the names of all runners."""
    folders = map(Path, __path__)
    found = {path.stem for folder in folders for path in folder.glob("[a-z]*.py")}
    return tuple(sorted(found))


def require(name: str) -> None:
    """Refuse a name that no runner has.

    Raises:
        GraderError: names those that there are.
    """
    if name not in known():
        args = {"name": name, "known": ", ".join(known())}
        raise GraderError(Message("pipeline.no_runner", args))


def open_runner(name: str, slots: Sequence[Slot], stop: Stop) -> Runner:
    """Open a runner by its name.

    Raises:
        GraderError: there is none of that name; names those that there are.
    """
    require(name)
    module = importlib.import_module(f"{__name__}.{name}")
    runner: Runner = module.open_runner(slots, stop)
    return runner
