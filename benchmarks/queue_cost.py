"""How does the coordinator take ten thousand submissions: time and disk for each, memory for all?

One notebook is graded for real and what its rooms wrote is kept (``judge_memory.py``). Then a class
of ten thousand hands in that notebook, each with a comment of their own, and the real pipeline,
store and reports grade them with a FAKE room that answers every run with a copy of what was kept.
Each step runs in a process of its own, so that its peak of memory is its own:

    grade     everything is new
    resume    everything is graded already: what a grader costs that was killed just before the end
    regrade   the evidence of a thousand is scored anew

Of the processor time, what it takes to look at a notebook's code, to read its evidence and to score
it is the judge's (its processes', what it takes to talk to them, the fake room's copying), and what
it takes to keep the evidence is told too; the rest is the coordinator's: collecting, grouping,
keys, journal, threads, records.

    python benchmarks/queue_cost.py --results 10000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import judge_memory as one
from judge_memory import FakeRoom, RecordingRoom, hand_in, peak_mb

from grader.collect.collect import collect
from grader.course.load import find_course, load_course
from grader.pipeline.attempts import Attempts
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.regrade import regrade
from grader.pipeline.runner import Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.room import open_room

GOAL_MS, GOAL_MB, GOAL_REGRADE_SECONDS = 2.0, 300, 5.0
REGRADED = 1000


class Shares:
    """Whose processor time it is: watched methods take theirs out of what called them."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._guard = threading.Lock()
        self._thread = threading.local()

    def watch(self, owner: Any, name: str, share: str) -> None:
        """Count what a method takes for one share."""
        real = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            outer = getattr(self._thread, "share", None)
            self._thread.share = share
            began = time.thread_time()
            try:
                return real(*args, **kwargs)
            finally:
                taken = time.thread_time() - began
                self._thread.share = outer
                with self._guard:
                    self.seconds[share] += taken
                    if outer is not None:
                        self.seconds[outer] -= taken

        setattr(owner, name, watched)


def grade(folder: Path, out: Path, room: Any, jobs: int) -> dict[str, Any]:
    """Collect, grade and keep; without reports."""
    course = load_course(find_course(one.ROOT))
    shares = Shares()
    shares.watch(Judges, "look", "judge")
    shares.watch(Attempts, "run", "judge")
    shares.watch(Store, "save_execution", "evidence")
    began, cpu = time.monotonic(), time.process_time()
    collected = collect([folder], exercise_ids=course.exercises, owed=None)
    collected_at = time.monotonic()
    with Store(out) as store:
        opened_at = time.monotonic()
        settings = Settings(secret=one.SECRET, jobs=jobs, engine="jax", timeout=one.PATIENCE)
        judges = Judges(out)
        grader = Grader(course, room, store, settings, judges)
        done = reused = 0
        for graded in grader.grade_all(collected.submissions, LocalRunner(slots(jobs), Stop())):
            done += 1
            reused += graded.reused
    ended = time.monotonic()
    judges.close()
    of_judges = resource.getrusage(resource.RUSAGE_CHILDREN)  # nothing else is started here
    there = of_judges.ru_utime + of_judges.ru_stime
    return {
        "submissions": done,
        "reused": reused,
        "collect_ms": each(collected_at - began, done),
        "open_store_s": round(opened_at - collected_at, 2),
        "grade_ms": each(ended - opened_at, done),
        "cpu_ms": each((used := time.process_time() - cpu) + there, done),
        "judge_cpu_ms": each(shares.seconds["judge"] + there, done),
        "evidence_cpu_ms": each(shares.seconds["evidence"], done),
        "coordinator_cpu_ms": each(used - sum(shares.seconds.values()), done),
        "seconds": round(ended - began, 1),
        "peak_mb": peak_mb(),
        "judge_peak_mb": round(of_judges.ru_maxrss / 1024),
        "disk_kb": round(disk_bytes(out) / 1024 / max(1, done), 1),
    }


def grade_again(out: Path) -> dict[str, Any]:
    """Score a thousand kept records anew and keep what comes out."""
    course = load_course(find_course(one.ROOT))
    with Store(out) as store:
        records = store.latest()[:REGRADED]
        began = time.monotonic()
        for record in regrade(course, records, one.SECRET):
            store.save(record)
        seconds = time.monotonic() - began
    return {"records": len(records), "seconds": round(seconds, 2), "peak_mb": peak_mb()}


def each(seconds: float, count: int) -> float:
    """Milliseconds for each."""
    return round(1000 * seconds / max(1, count), 3)


def disk_bytes(folder: Path) -> int:
    """What a folder takes on the disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def record_once(place: Path) -> None:
    """Grade one notebook in real rooms and keep what they wrote."""
    kept = place / "kept"
    kept.mkdir(parents=True)
    one_class = hand_in(place / "one", 1)
    grade(one_class, place / "real", RecordingRoom(open_room("auto"), kept), 1)


def step(name: str, place: Path, jobs: int) -> dict[str, Any]:
    """Run one step in a fresh process."""
    command = [sys.executable, __file__, "--step", name, "--place", str(place), "--jobs", str(jobs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=one.ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def perform(name: str, place: Path, jobs: int) -> dict[str, Any]:
    """Be that process."""
    if name == "regrade":
        return grade_again(place / "out")
    return grade(place / "class", place / "out", FakeRoom(place / "kept"), jobs)


def measure(results: int, jobs: int, place: Path) -> list[dict[str, Any]]:
    """Give the figures, each beside its goal."""
    if not (place / "kept").exists():
        record_once(place)
    hand_in(place / "class", results)
    steps = {name: step(name, place, jobs) for name in ("grade", "resume", "regrade")}
    first, again, scored = steps["grade"], steps["resume"], steps["regrade"]
    seconds = round(scored["seconds"] * REGRADED / max(1, scored["records"]), 2)
    return [
        figure("coordinator per submission", first["coordinator_cpu_ms"], GOAL_MS, "ms", first),
        figure(f"coordinator's peak for {results}", first["peak_mb"], GOAL_MB, "MiB", {}),
        figure("resuming, per submission", again["coordinator_cpu_ms"], GOAL_MS, "ms", again),
        figure(f"regrading {REGRADED} results", seconds, GOAL_REGRADE_SECONDS, "s", scored),
    ]


def figure(name: str, value: float, goal: float, unit: str, more: dict[str, Any]) -> dict[str, Any]:
    """One row of the table that ``goals.py`` prints."""
    told = {"name": name, "value": value, "goal": goal, "unit": unit}
    return {**told, "ratio": round(value / goal, 2), "room": "fake", **more}


def main(words: Sequence[str] | None = None) -> None:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--place", type=Path, help="keep everything in this folder")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.step:
        print(json.dumps(perform(given.step, given.place, given.jobs)))
        return
    with tempfile.TemporaryDirectory(prefix="queue-") as name:
        print(json.dumps(measure(given.results, given.jobs, given.place or Path(name)), indent=1))


if __name__ == "__main__":
    main()
