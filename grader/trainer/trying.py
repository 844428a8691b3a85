"""Tries a GPU in a trainer's room: does it compute what a core computes?

Enters: a GPU, a room, cores. Leaves: what is wrong with it. Touches: a folder and a room process,
both gone when this returns. What is compared stands in ``evaluation/accelerator_check.py``.
"""

from __future__ import annotations

import json
import os
import time

from grader.arrays import BadArraysError, read_bounded
from grader.gpus.gpus import Gpu
from grader.room import Room
from grader.room.workplace import workplace
from grader.trainer.starting import start
from grader.trainer.waiting import Over, never
from grader.trainer.workroom import tail

CHECK_SECONDS = 300.0  # for importing, compiling four programs, and a few updates
POLL_SECONDS = 0.05
SAID_BYTES = 2000
LONGEST_WHY = 200


def tried(gpu: Gpu, room: Room, cores: tuple[int, ...], over: Over = never) -> str:
    """Try a GPU in a trainer's room: what is wrong with it, or "" where it computes as cores do.

    Where ``over`` ends it, what it gives is no word about the GPU.
    """
    with workplace("in", "out") as folder, open(os.devnull, "rb") as nothing:  # noqa: PTH123
        more, script = nothing.fileno(), "accelerator_check.py"
        process = start(folder, room, cores, None, more, script, gpu)
        until = time.monotonic() + CHECK_SECONDS
        try:
            while (code := process.poll()) is None:
                if time.monotonic() > until or over():
                    return f"{CHECK_SECONDS:.0f} s"
                time.sleep(POLL_SECONDS)
        finally:
            process.kill()
        try:
            said = json.loads(read_bounded(folder / "out" / "accelerator", SAID_BYTES))
        except (OSError, BadArraysError, ValueError, RecursionError):
            said = None
        last = last_line(tail(folder / "log"))
    return said[:LONGEST_WHY] if isinstance(said, str) else last or f"code {code}"


def last_line(log: str) -> str:
    """Give the last words of a program that ended."""
    return (log.splitlines() or [""])[-1].strip()[:LONGEST_WHY]
