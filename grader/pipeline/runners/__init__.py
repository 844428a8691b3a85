"""Where jobs run: one module per runner, named as ``--runner`` names it.

Enters: a runner's name, slots, a way to stop. Leaves: the Runner. Touches: looks at the names of
the files in this folder; imports the one that was asked for.

A module here defines ``open_runner(slots, stop) -> Runner``; nothing else has to know of it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

from grader.pipeline.runner import Runner, Slot, Stop
from grader.types import GraderError, Message

LOCAL = "local"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def known() -> tuple[str, ...]:
    """Give the names of all runners."""
    folders = map(Path, __path__)
    found = (path for folder in folders for path in folder.glob("*.py") if path.is_file())
    return tuple(sorted({path.stem for path in found if _NAME.fullmatch(path.stem)}))


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
        GraderError: there is none of that name, or its module is not one.
    """
    require(name)
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except (Exception, SystemExit) as error:
        raise _broken(name, repr(error)) from error
    if not callable(getattr(module, "open_runner", None)):
        raise _broken(name, "open_runner(slots, stop) -> Runner")
    runner: Runner = module.open_runner(slots, stop)
    return runner


def _broken(name: str, error: str) -> GraderError:
    files = (Path(folder) / f"{name}.py" for folder in __path__)
    args = {"file": str(next(filter(Path.is_file, files))), "error": error}
    return GraderError(Message("pipeline.broken_runner", args))
