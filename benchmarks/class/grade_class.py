"""Grades one class with ours, plain nbclient, nbgrader and otter; prints times and draws a chart.

    python benchmarks/class/grade_class.py short      twelve notebooks, 15 epochs, three rounds
    python benchmarks/class/grade_class.py full       six with all their epochs, three rounds
    python benchmarks/class/grade_class.py thirty     thirty with eight distinct trainings
    python benchmarks/class/grade_class.py thirty_apart        the same, nobody's trainings alike
    python benchmarks/class/grade_class.py styles     thirty that do a reference's work, ten styles
    python benchmarks/class/grade_class.py styles_apart        the same, nobody's trainings alike
    python benchmarks/class/grade_class.py imports    notebooks that only build a model

One machine, the same TensorFlow and byte code for all; in every round all systems, one after the
other. Each figure is written as it comes (``PLACE/<set>/<round>/<system>.json``); what is there
already is not run again. Memory is the largest sum of proportional set sizes (PSS) of all its
processes, looked at once a second; processor time is everything the machine did meanwhile, so
nothing else should run. What is told are medians over the rounds and ratios to ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import chart
from notebooks import (
    Handed,
    a_class_in_ten_styles,
    a_class_of_thirty,
    builders,
    the_class,
)
from systems import NEEDS_VENV, SYSTEMS, Plan, compile_all, make_venv, surroundings

from grader import environment

GOALS = {"nbgrader": 10.0, "nbclient": 7.0}  # times as long as with our own trainer
OURS = ("ours", "trainer", "trainer_keras")
Figures = dict[str, Any]


@dataclass(frozen=True)
class ClassSet:
    """What is graded, by whom, and how often."""

    students: Sequence[Handed]
    rounds: int
    systems: Sequence[str]


def class_sets() -> dict[str, ClassSet]:
    """Give the sets by name."""
    whole = the_class(None)
    return {
        "short": ClassSet(the_class(15), 3, tuple(SYSTEMS)),
        "full": ClassSet(
            whole[::2], 3, ("ours", "trainer", "trainer_keras", "nbclient", "nbgrader")
        ),
        "imports": ClassSet(builders(whole[::2]), 3, ("ours", "nbgrader")),
        "thirty": ClassSet(a_class_of_thirty(alike=True), 3, ("trainer",)),
        "thirty_apart": ClassSet(a_class_of_thirty(alike=False), 3, ("trainer",)),
        "styles": ClassSet(a_class_in_ten_styles(None, alike=True), 3, ("trainer",)),
        "styles_apart": ClassSet(a_class_in_ten_styles(None, alike=False), 3, ("trainer",)),
        "styles_trial": ClassSet(a_class_in_ten_styles(2, alike=True), 1, ("trainer",)),
        "trial": ClassSet(the_class(2)[::4], 1, tuple(SYSTEMS)),
    }


def main() -> None:
    """Run what is missing, then tell."""
    sets = class_sets()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("set", choices=sets)
    parser.add_argument("--place", type=Path, default=Path(".grader/bench-class"))
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, help="only these")
    parser.add_argument("--chart", type=Path, help="where to draw the chart (SVG or PNG)")
    given = parser.parse_args()
    chosen, place = sets[given.set], given.place.absolute() / given.set
    if given.systems:
        chosen = replace(chosen, systems=given.systems)
    if set(chosen.systems) & set(NEEDS_VENV):
        make_venv()
    compile_all()
    for number in range(1, chosen.rounds + 1):
        for name in chosen.systems:
            measured(name, chosen.students, place / str(number))
        found = medians(place, chosen)
        show(found, number)
    if given.chart:
        chart.draw(found, given.chart)


def measured(name: str, students: Sequence[Handed], place: Path) -> None:
    """Grade the class with one system and keep the figures."""
    kept = place / f"{name}.json"
    if kept.exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-class-") as folder:
        work = Path(folder)
        figures = timed(SYSTEMS[name](students, work))
        shutil.copy(work / "log", place / f"{name}.log")
    figures |= {"system": name, "notebooks": len(students), **machine()}
    kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def medians(place: Path, chosen: ClassSet) -> dict[str, Figures]:
    """Give each system's median round, by its time, with the times of all rounds."""
    found = {}
    for name in chosen.systems:
        rounds = [json.loads(path.read_text()) for path in sorted(place.glob(f"*/{name}.json"))]
        if rounds:
            seconds = [one["seconds"] for one in rounds]
            middle = statistics.median_low(seconds)
            found[name] = {**rounds[seconds.index(middle)], "rounds": seconds}
    return found


def machine() -> dict[str, Any]:
    """On what it was measured."""
    return {
        "cores": len(environment.cores()),
        "platform": platform.platform(),
        "versions": environment.versions(),
    }


def timed(plan: Plan) -> dict[str, Any]:
    """Run the commands; give seconds, processor seconds, memory and exit codes."""
    codes: list[int] = []
    peak = Peak()
    busy, began = busy_seconds(), time.monotonic()
    with (plan.place / "log").open("w") as log:
        for command in plan.commands:
            env = surroundings(command, plan.course, plan.cache)
            process = subprocess.Popen(command, cwd=plan.place, stdout=log, stderr=log, env=env)
            with peak.of(process.pid):
                codes.append(process.wait())
    return {
        "seconds": round(time.monotonic() - began, 1),
        "processor_seconds": round(busy_seconds() - busy, 1),
        "peak_mb": round(peak.mb),
        "exit_codes": codes,
    }


class Peak:
    """The most memory that a process and its descendants held together."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._stop = threading.Event()

    def of(self, pid: int) -> Peak:
        """Watch a process as long as the block lasts."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid, self._stop), daemon=True)
        return self

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self, pid: int, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            self.mb = max(self.mb, sum(pss_mb(one) for one in family(pid)))


def family(pid: int) -> list[int]:
    """A process and everything below it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
    found = {pid}
    while more := {one for one, above in parents.items() if above in found} - found:
        found |= more
    return sorted(found)


def pss_mb(pid: int) -> float:
    """Memory of a process, with what it shares divided among those who share it."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def busy_seconds() -> float:
    """Processor seconds that the machine has worked since it started."""
    numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = numbers[3] + numbers[4]
    return (sum(numbers) - idle) / os.sysconf("SC_CLK_TCK")


def _ratio(one: Figures, base: Figures | None) -> str:
    return f"{one['seconds'] / base['seconds']:.1f}" if base else ""


def show(found: dict[str, Figures], rounds: int) -> None:
    """Print the table."""
    print(f"\nmedians of {rounds}, {next(iter(found.values()))['notebooks']} notebooks")
    columns = (
        ("seconds", 9),
        ("each", 7),
        ("to ours", 9),
        ("to trainer", 11),
        ("goal", 6),
        ("CPU s", 9),
        ("peak MB", 9),
    )
    print(" " * 14 + "".join(f"{name:>{width}}" for name, width in columns), " rounds")
    for name, one in found.items():
        ratios = [_ratio(one, found.get(base)) for base in ("ours", "trainer")]
        goal = f"{GOALS[name]:.0f}" if name in GOALS else ""
        each = one["seconds"] / one["notebooks"]
        print(
            f"{name:<14}{one['seconds']:>9}{each:>7.1f}{ratios[0]:>9}{ratios[1]:>11}{goal:>6}"
            f"{one['processor_seconds']:>9}{one['peak_mb']:>9}  {one['rounds']}"
        )
        if any(one["exit_codes"]):
            meaning = ", 1: some not accepted" if name in OURS else ""
            print(f"{'':<14}exit codes {one['exit_codes']}{meaning}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
