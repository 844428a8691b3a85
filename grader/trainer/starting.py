"""Starts the process of the trainer's room: what it sees, and how much it may take.

Enters: a folder with orders, a room, cores, a kernel for recurrent layers or none. Leaves: the
process. Touches: that folder, where its log goes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from grader import environment
from grader.extract.evaluate import evaluation_environment
from grader.room import Bind, Room, RoomProcess, RoomSpec
from grader.trainer.kernels import KERNEL_INSIDE, Kernel
from grader.trainer.keys import ENGINE

PACKAGE = Path(__file__).resolve().parents[1]
MEMORY_MB = 4096
FILE_MB = 1024  # a result with the weights of every epoch


def start(
    folder: Path,
    room: Room,
    cores: tuple[int, ...],
    kernel: Kernel | None,
    more: int,
    script: str = "trainer.py",
) -> RoomProcess:
    """Start it in a folder with ``in`` and ``out``; ``more`` is its stdin.

    Raises:
        GraderError: the room could not be built.
    """
    code = room.inside(PACKAGE / "evaluation", "/grader/evaluation")
    given, out = room.inside(folder / "in", "/in"), room.inside(folder / "out", "/out")
    binds, argv = _kernel_in(room, kernel)
    spec = RoomSpec(
        argv=(sys.executable, "-B", f"{code}/{script}", given, out, *argv),
        binds=(
            Bind(PACKAGE / "evaluation", "/grader/evaluation"),
            Bind(folder / "in", "/in"),
            Bind(folder / "out", "/out", writable=True),
            *binds,
        ),
        env=evaluation_environment(ENGINE, cores),
        memory_mb=MEMORY_MB,
        file_mb=FILE_MB,
        cores=cores or None,
        warm=environment.IMPORTS,
    )
    with (folder / "log").open("wb") as log:
        return room.start(spec, stdin=more, stdout=subprocess.DEVNULL, stderr=log.fileno())


def _kernel_in(room: Room, kernel: Kernel | None) -> tuple[tuple[Bind, ...], tuple[str, ...]]:
    if kernel is None:
        return (), ()
    return (Bind(kernel.folder, KERNEL_INSIDE),), (room.inside(kernel.folder, KERNEL_INSIDE),)
