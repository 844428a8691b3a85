"""Where jobs run: one module per runner, named as ``--runner`` names it.

Enters: a runner's name, slots, a way to stop. Leaves: the Runner. Touches: looks at the names of
the files in this folder; imports the one that was asked for.

A module here defines ``open_runner(slots, stop) -> Runner``; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader import plugins
from grader.pipeline.runner import Runner, Slot, Stop
from grader.types import GraderError, Message

LOCAL = "local"


def known() -> tuple[str, ...]:
    """Give the names of all runners."""
    return plugins.names(__path__)


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
        module = plugins.imported(__name__, __path__, name)
    except plugins.BrokenModuleError as error:
        raise _broken(error.file, error.error) from error
    if not callable(getattr(module, "open_runner", None)):
        file = plugins.file_of(__path__, name)
        raise _broken(file, "open_runner(slots, stop) -> Runner")
    runner: Runner = module.open_runner(slots, stop)
    return runner


def _broken(file: str, error: str) -> GraderError:
    return GraderError(Message("pipeline.broken_runner", {"file": file, "error": error}))
