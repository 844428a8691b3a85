"""Grades one class with ours, plain nbclient, nbgrader and otter; prints times and draws a chart.

    python benchmarks/class/grade_class.py [--epochs 2] [--systems ours,nbclient] [--place DIR]

One run, one machine, the same TensorFlow and byte code for all. Each system's figures are written
as they come (``DIR/<system>.json``); what is there already is not run again. Memory is the largest
sum of proportional set sizes (PSS) of all its processes, looked at once a second; processor time is
everything the machine did meanwhile, so nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import chart
from notebooks import the_class
from systems import NEEDS_VENV, SYSTEMS, Plan, compile_all, make_venv, surroundings

from grader import environment

LEAST = 12
GOALS = {"nbgrader": 10.0, "nbclient": 4.0}


def main() -> None:
    """Run what is missing, then tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, help="cut every training; for trying it out only")
    parser.add_argument("--notebooks", type=int, help="the first few only; for trying it out")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--place", type=Path, default=Path(".grader/bench-class"))
    parser.add_argument("--chart", type=Path, help="where to draw the chart (SVG or PNG)")
    given = parser.parse_args()
    place = given.place.absolute()
    place.mkdir(parents=True, exist_ok=True)
    chosen = given.systems.split(",")
    if set(chosen) & set(NEEDS_VENV):
        make_venv()
    compile_all()
    for name in chosen:
        measured(name, place, given.epochs, given.notebooks)
    found = {n: json.loads(f.read_text()) for n in SYSTEMS if (f := place / f"{n}.json").exists()}
    show(found)
    if given.chart:
        chart.draw(found, given.chart)


def measured(name: str, place: Path, epochs: int | None, most: int | None) -> None:
    """Grade the class with one system and keep the figures."""
    kept = place / f"{name}.json"
    if kept.exists():
        return
    work = place / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    students = the_class(epochs)[:most]
    plan = SYSTEMS[name](students, work)
    figures = timed(plan)
    figures |= {"system": name, "notebooks": len(students), "epochs": epochs, **machine()}
    kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """On what it was measured."""
    return {
        "cores": len(environment.cores()),
        "system": platform.platform(),
        "versions": environment.versions(),
    }


def timed(plan: Plan) -> dict[str, Any]:
    """Run the commands; give seconds, processor seconds, memory and exit codes."""
    codes: list[int] = []
    peak = Peak()
    busy, began = busy_seconds(), time.monotonic()
    with (plan.place / "log").open("w") as log:
        for command in plan.commands:
            env = surroundings(command)
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


def show(found: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'':<10}{'seconds':>9}{'ratio':>8}{'goal':>6}{'CPU s':>9}{'peak MB':>9}  exit codes")
    own = found.get("ours", {}).get("seconds")
    for name, one in found.items():
        ratio = f"{one['seconds'] / own:.1f}" if own else ""
        goal = f"{GOALS[name]:.0f}" if name in GOALS else ""
        codes = ",".join(map(str, sorted(set(one["exit_codes"]))))
        print(
            f"{name:<10}{one['seconds']:>9}{ratio:>8}{goal:>6}"
            f"{one['processor_seconds']:>9}{one['peak_mb']:>9}  {codes}"
        )
    if any(one["epochs"] or one["notebooks"] < LEAST for one in found.values()):
        print("Trainings or the class were cut: these figures are a trial.", file=sys.stderr)


if __name__ == "__main__":
    main()
