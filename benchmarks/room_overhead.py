"""What does the full room cost a notebook? The same small notebook with it and without, in turn.

    python benchmarks/room_overhead.py [--runs N]

A run is everything that grading does for a notebook: a kernel, a driver, one cell, the end of both.
Two more figures tell where the difference comes from: a program that does nothing, in and out of a
room. With fewer cores than threads the times grow, the difference hardly.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping

from grader.environment import cores
from grader.execute import Run, execute
from grader.room import Room, RoomSpec, open_room
from grader.types import Cell, Engine, Notebook, Outcome

GOAL_MILLISECONDS = 250
RUNS = 12
LEVELS = ("full", "none")
NOTEBOOK = Notebook((Cell(1, "print(sum(range(10)))"),), None, "0" * 64)


def notebook_seconds(room: Room) -> float:
    """Seconds from nothing to the claims of a notebook without a model."""
    run = Run(NOTEBOOK, Engine.JAX, seed=1, attempt=1, timeout=100, memory_mb=2000)
    began = time.perf_counter()
    execution = execute(run, room)
    took = time.perf_counter() - began
    if execution.outcome is not Outcome.FINISHED or execution.cells[0].stdout.strip() != "45":
        raise RuntimeError(f"the notebook did not run: {execution}")
    return took


def empty_seconds(room: Room) -> float:
    """Seconds from nothing to the end of a program that does nothing."""
    spec = RoomSpec(argv=(sys.executable, "-I", "-S", "-c", ""))
    began = time.perf_counter()
    process = room.start(spec)
    code = process.wait(60)
    took = time.perf_counter() - began
    process.kill()
    if code != 0:
        raise RuntimeError(f"ended with {code}")
    return took


def in_turn(
    rooms: Mapping[str, Room], once: Callable[[Room], float], runs: int
) -> dict[str, list[float]]:
    """Measure each room once, then each again: what disturbs disturbs all of them."""
    for room in rooms.values():
        once(room)  # the disk's cache
    found: dict[str, list[float]] = {level: [] for level in rooms}
    for _ in range(runs):
        for level, room in rooms.items():
            found[level].append(once(room))
    return found


def difference(found: Mapping[str, list[float]]) -> float:
    """Milliseconds that the full room adds: the median over the pairs."""
    pairs = zip(found["full"], found["none"], strict=True)
    return 1000 * statistics.median(full - none for full, none in pairs)


def middle(times: list[float]) -> float:
    """Median in milliseconds."""
    return round(1000 * statistics.median(times), 1)


def measure(runs: int = RUNS) -> dict[str, object]:
    """Give the figures."""
    rooms = {level: open_room(level) for level in LEVELS}
    empty = in_turn(rooms, empty_seconds, 3 * runs)
    notebook = in_turn(rooms, notebook_seconds, runs)
    value = difference(notebook)
    return {
        "name": "full room per notebook",
        "unit": "ms",
        "value": round(value, 1),
        "goal": GOAL_MILLISECONDS,
        "ratio": round(value / GOAL_MILLISECONDS, 2),
        "runs": runs,
        "notebook_full": middle(notebook["full"]),
        "notebook_none": middle(notebook["none"]),
        "empty_full": middle(empty["full"]),
        "empty_none": middle(empty["none"]),
        "empty_runs": 3 * runs,
        "cores": len(cores()),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--runs", type=int, default=RUNS)
    print(json.dumps(measure(options.parse_args().runs), indent=1))
