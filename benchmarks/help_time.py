"""How long does ``grader --help`` take? Median of ten fresh processes, byte code compiled.

python benchmarks/help_time.py
"""

from __future__ import annotations

import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

GOAL_SECONDS = 0.3
RUNS = 10
PACKAGE = Path(__file__).resolve().parents[1] / "grader"


def once() -> tuple[float, float]:
    """Seconds from the start of the process to its end, and those that it computed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-m", "grader", "--help"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=PACKAGE.parent)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(runs: int = RUNS) -> dict[str, object]:
    """Give the figures."""
    compileall.compile_dir(PACKAGE, quiet=2)
    once()  # the disk's cache, as for anybody who called it today
    measured = [once() for _ in range(runs)]
    median = statistics.median(wall for wall, _ in measured)
    return {
        "name": "grader --help",
        "unit": "s",
        "value": round(median, 3),
        "goal": GOAL_SECONDS,
        "ratio": round(median / GOAL_SECONDS, 2),
        "runs": runs,
        "slowest": round(max(wall for wall, _ in measured), 3),
        "computing_seconds": round(statistics.median(cpu for _, cpu in measured), 3),
        "load": round(os.getloadavg()[0], 1),  # other work on the machine makes people wait too
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
