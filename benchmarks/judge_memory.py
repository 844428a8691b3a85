"""How much memory does the coordinator take for a thousand results, and how long for one?

Two steps. First one notebook is graded for real, in a real room, and what its rooms wrote is kept.
Then, in a process of its own, a class of a thousand hands in that notebook and is graded by the
real pipeline, store and reports, with a FAKE room: it starts nothing and answers every run with a
copy of what was kept. So the figures are the coordinator's own; no training is in them.

    python benchmarks/judge_memory.py --results 1000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.authoring.release import full, text
from grader.cli.course import open_words
from grader.cli.kept import finish
from grader.cli.spared import Spared
from grader.collect.collect import collect
from grader.course.load import find_course, load_course
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.runner import Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.room import Room, RoomProcess, RoomSpec, open_room
from grader.types import Isolation, Level

GOAL_MB = 300
EXERCISE = "multiplication-simple-rnn"
PATIENCE = 1800.0  # seconds for the one real run, on however busy a machine
SECRET = hashlib.sha256(b"benchmark").digest()
ROOT = Path(__file__).resolve().parents[1]


def out_folder(spec: RoomSpec) -> Path | None:
    """The folder into which a driver or an evaluation writes; a kernel has none."""
    return next((bind.host for bind in spec.binds if bind.inside == "/out"), None)


def asked(spec: RoomSpec) -> str:
    """Name what a room was asked, whoever asked and whatever the seed."""
    if any("converse.py" in part for part in spec.argv):
        return "run"
    folder = next(bind.host for bind in spec.binds if bind.inside == "/in")
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    for task in request["tasks"]:
        task.pop("seed", None)
    text_of = json.dumps(request, sort_keys=True)
    return f"evaluation-{hashlib.sha256(text_of.encode()).hexdigest()[:12]}"


@dataclass
class Recorded:
    """A process of the real room; what it wrote is kept when it is over."""

    process: RoomProcess
    source: Path
    kept: Path

    def kill(self) -> None:
        """End it, and keep what it wrote."""
        self.process.kill()
        if not self.kept.exists():
            shutil.copytree(self.source, self.kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.process, name)


@dataclass(frozen=True)
class RecordingRoom:
    """The real room, with a copy of what comes out of it."""

    room: Room
    kept: Path

    def start(self, spec: RoomSpec, **streams: Any) -> Any:
        """Start it for real."""
        process = self.room.start(spec, **streams)
        source = out_folder(spec)
        return process if source is None else Recorded(process, source, self.kept / asked(spec))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.room, name)


@dataclass
class Ended:
    """Stands for a process; one that writes is over at once, a kernel waits to be killed."""

    code: int | None
    pid: int = 0
    stdin: None = None
    stdout: None = None
    stderr: None = None

    def poll(self) -> int | None:
        """Give the exit code."""
        return self.code

    def wait(self, timeout: float | None = None) -> int | None:
        """Give the exit code at once."""
        del timeout
        return self.code

    def memory_mb(self) -> float:
        """Nothing runs."""
        return 0.0

    def memory_ran_out(self) -> bool:
        """Nothing runs."""
        return False

    def kill(self) -> None:
        """End what stands for a kernel."""
        self.code = -9 if self.code is None else self.code


@dataclass(frozen=True)
class FakeRoom:
    """Starts nothing; answers with what a real room once answered."""

    kept: Path
    isolation: Isolation = field(default_factory=lambda: Isolation(Level.FULL, ("fake",)))
    complaints: tuple[str, ...] = ()

    def start(self, spec: RoomSpec, **_streams: Any) -> Any:
        """Copy the answer into the folder where it is expected."""
        folder = out_folder(spec)
        if folder is None:
            return Ended(None)
        shutil.copytree(self.kept / asked(spec), folder, dirs_exist_ok=True)
        return Ended(0)

    def inside(self, _host: Path, inside: str) -> str:
        """Give the name that a real room would use."""
        return inside


def hand_in(folder: Path, students: int) -> Path:
    """Write the reference as the notebook of every student, each with a comment of their own."""
    course = load_course(find_course(ROOT))
    exercise = course.exercise(EXERCISE)
    assert exercise.reference_path is not None
    source = text(full(exercise.reference_path / "solution.py", exercise))
    notebook = json.loads(source)
    for number in range(students):
        name = f"student{number:04d}"
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        lines = "".join(first["source"]).splitlines(keepends=True)
        body = "".join(line for line in lines if not line.startswith("# handed in by"))
        first["source"] = f"# handed in by {name}\n{body}"
        place = folder / name
        place.mkdir(parents=True)
        (place / f"{EXERCISE}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return folder


def grade(folder: Path, out: Path, room: Any, jobs: int) -> dict[str, Any]:
    """Collect, grade, store and report; give figures."""
    course = load_course(find_course(ROOT))
    words = open_words(course, "en")
    began = time.monotonic()
    collected = collect([folder], exercise_ids=course.exercises, owed=None)
    with Store(out) as store:
        settings = Settings(secret=SECRET, jobs=jobs, engine="jax", timeout=PATIENCE)
        grader = Grader(course, room, store, settings)
        runner = LocalRunner(slots(jobs), Stop())
        records = [
            record
            for graded in grader.grade_all(collected.submissions, runner)
            for record in graded.records
        ]
        graded_at, peak_of_grading = time.monotonic(), peak_mb()
        finish(course, words, store, records, "json", Spared(store.out))
    return {
        "results": len(records),
        "verdicts": Counter(record.grade.verdict.value for record in records),
        "peak_mb_grading": peak_of_grading,
        "peak_mb": peak_mb(),
        "seconds_per_result": round((graded_at - began) / max(1, len(records)), 4),
        "seconds_reports": round(time.monotonic() - graded_at, 2),
    }


def peak_mb() -> float:
    """Most memory that this process ever held, in MiB; getrusage would count its parent too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def measure(results: int, jobs: int) -> dict[str, Any]:
    """Record one real run, then grade the class in a fresh process."""
    with tempfile.TemporaryDirectory(prefix="judge-memory-") as name:
        place = Path(name)
        kept = place / "kept"
        kept.mkdir()
        room = RecordingRoom(open_room("auto"), kept)
        sink = sys.stdout
        sys.stdout = (place / "one.json").open("w", encoding="utf-8")
        try:
            real = grade(hand_in(place / "one", 1), place / "real", room, 1)
        finally:
            sys.stdout.close()
            sys.stdout = sink
        hand_in(place / "class", results)
        command = [sys.executable, __file__, "--fake", str(place), "--jobs", str(jobs)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
        found = json.loads((place / "figures.json").read_text(encoding="utf-8"))
    return {
        "name": f"coordinator's peak for {results} results",
        "unit": "MiB",
        "value": found["peak_mb"],
        "goal": GOAL_MB,
        "ratio": round(found["peak_mb"] / GOAL_MB, 2),
        "room": "fake: answers with a copy of one real run",
        "exercise": EXERCISE,
        "one_real_run_seconds": real["seconds_per_result"],
        **found,
    }


def main() -> None:
    """Measure, or be the fresh process that is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--fake", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fake is None:
        print(json.dumps(measure(given.results, given.jobs), indent=1))
        return
    found = grade(
        given.fake / "class", given.fake / "out", FakeRoom(given.fake / "kept"), given.jobs
    )
    (given.fake / "figures.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
