"""What does the full room cost a notebook? The same small notebook with it and without, in turn.

    python benchmarks/room_overhead.py [--runs N]

A run is everything that grading does for a notebook: a kernel, a driver, one cell, the end of both,
in the full room and at level none, whose processes have a supervisor but no room. Its seconds of
imports hide a room's milliseconds on a busy machine; so a program that does nothing is started too:
in the full room, at level none, and bare. A notebook takes two rooms, its evaluation a third.
Beside them: the self-test, once in a batch, and one look at a room's memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

from grader.environment import cores
from grader.execute.execute import execute
from grader.execute.run import Run
from grader.room import Room, RoomSpec, open_room
from grader.room.selftest import examine
from grader.submission import Cell, Notebook
from grader.types import Engine, Outcome

GOAL_MILLISECONDS = 250
ROOMS = 3  # kernel, driver, evaluation
RUNS = 12
EMPTY = 3  # times as many programs that do nothing
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


def bare_seconds() -> float:
    """The same program, started by nobody but us."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
    return time.perf_counter() - began


def selftest_seconds(room: Room) -> float:
    """Seconds of the test that shows a level to hold."""
    began = time.perf_counter()
    examine(room, room.isolation.level)
    return time.perf_counter() - began


def look_seconds(room: Room, looks: int = 20) -> float:
    """Seconds of one look at the memory of a small program."""
    source = "import time; print(1, flush=True); time.sleep(600)"
    process = room.start(
        RoomSpec(argv=(sys.executable, "-I", "-c", source)), stdout=subprocess.PIPE
    )
    try:
        if process.stdout is None or process.stdout.readline() != b"1\n":
            raise RuntimeError("the program did not begin")
        began = time.perf_counter()
        for _ in range(looks):
            process.memory_mb()
        return (time.perf_counter() - began) / looks
    finally:
        process.kill()


def in_turn(ways: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Measure each way once, then each again: what disturbs disturbs all of them."""
    for once in ways.values():
        once()  # the disk's cache
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, once in ways.items():
            found[name].append(once())
    return found


def difference(found: Mapping[str, list[float]], without: str) -> float:
    """Milliseconds that the full room adds: the median over the pairs."""
    pairs = zip(found["full"], found[without], strict=True)
    return round(1000 * statistics.median(full - other for full, other in pairs), 1)


def middle(times: list[float]) -> float:
    """Median in milliseconds."""
    return round(1000 * statistics.median(times), 1)


def measure(runs: int = RUNS) -> dict[str, object]:
    """Give the figures."""
    rooms = {level: open_room(level) for level in LEVELS}
    empty = in_turn(
        {level: partial(empty_seconds, room) for level, room in rooms.items()}
        | {"bare": bare_seconds},
        EMPTY * runs,
    )
    notebook = in_turn(
        {level: partial(notebook_seconds, room) for level, room in rooms.items()}, runs
    )
    value = ROOMS * difference(empty, "bare")
    return {
        "name": "full rooms of a notebook",
        "unit": "ms",
        "value": round(value, 1),
        "goal": GOAL_MILLISECONDS,
        "ratio": round(value / GOAL_MILLISECONDS, 2),
        "runs": runs,
        "notebook": {level: middle(times) for level, times in notebook.items()},
        "notebook_fastest": {level: round(1000 * min(t), 1) for level, t in notebook.items()},
        "notebook_difference": difference(notebook, "none"),
        "empty_runs": EMPTY * runs,
        "empty": {way: middle(times) for way, times in empty.items()},
        "selftest": {
            level: middle([selftest_seconds(room) for _ in range(runs)])
            for level, room in rooms.items()
        },
        "look": {level: middle([look_seconds(room)]) for level, room in rooms.items()},
        "cores": len(cores()),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--runs", type=int, default=RUNS)
    print(json.dumps(measure(options.parse_args().runs), indent=1))
