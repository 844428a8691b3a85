"""The recurrent kernel in a room: where it is seen there, and what the room said of it.

Enters: a room, the kernel's folder; what the room left. Leaves: a place to bind, an argument; what
is wrong with the kernel. Touches: reads the room's folder.

Whether there is a kernel, and which, is the trainer's affair (``grader/trainer/kernels.py``).
"""

from __future__ import annotations

import json
from pathlib import Path

from grader.arrays import BadArraysError, read_bounded
from grader.room import Bind, Room
from grader.room.within_reach import within_reach

KERNEL_INSIDE = "/grader/recurrent"
SAID_BYTES = 2000


def kernel_in(room: Room, folder: Path | None) -> tuple[tuple[Bind, ...], tuple[str, ...]]:
    """Give what is bound into a room, read-only, and the argument that names it there.

    Raises:
        GraderError: the room's user could not get to it, and nothing can be written.
    """
    if folder is None:
        return (), ()
    found = within_reach(room, folder)
    return (Bind(found, KERNEL_INSIDE),), (room.inside(found, KERNEL_INSIDE),)


def wrong_with_it(out: Path, otherwise: str) -> str:
    """Give what a room says is wrong with the kernel, or ""; ``otherwise`` where it is silent."""
    try:
        match json.loads(read_bounded(out / "kernel", SAID_BYTES)):
            case str() as said:
                return said
    except (OSError, BadArraysError, ValueError, RecursionError):
        pass
    return otherwise
