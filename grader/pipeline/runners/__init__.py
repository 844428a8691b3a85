"""Where jobs run: one module per runner, named as ``--runner`` names it.

Enters: a runner's name, slots, a way to stop. Leaves: the Runner. Touches: looks at the names of
the files in this folder; imports the one that was asked for.

A module here defines ``open_runner(slots, stop) -> Runner``; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader import plugins
from grader.pipeline.runner import Runner, Slot, Stop

LOCAL = "local"


_FOLDER = plugins.Folder(__name__, "pipeline.no_runner", "pipeline.broken_runner")
known, require = _FOLDER.names, _FOLDER.require


def open_runner(name: str, slots: Sequence[Slot], stop: Stop) -> Runner:
    """Open a runner by its name.

    Raises:
        GraderError: there is none of that name, or its module is not one.
    """
    module = _FOLDER.load(name)
    if not callable(getattr(module, "open_runner", None)):
        raise _FOLDER.incomplete(name, "open_runner(slots, stop) -> Runner")
    runner: Runner = module.open_runner(slots, stop)
    return runner
