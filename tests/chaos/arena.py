"""A class of small notebooks, a grader that can be struck, and what has to be true in the end.

Enters: how many students, how the grader is started. Leaves: an Arena. Touches: one folder, which
is also the grader's temporary directory; starts graders.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import nbformat
import psutil

ROOT = Path(__file__).resolve().parents[2]
EXERCISE = "sequence-prediction"
SAMPLES = ROOT / "reference" / EXERCISE / "submissions"
LIMITS = ("--timeout", "400", "--memory", "2500")  # no machine is so slow
UNGRADED = 3
GONE_SECONDS = 300.0  # how long the rooms of a killed grader may take to vanish
GROUPS = Path("/sys/fs/cgroup")


def _sample(path: str) -> str:
    """A sample that trains twelve epochs in place of a hundred: enough for all its points."""
    return (SAMPLES / path).read_text(encoding="utf-8").replace("epochs=100", "epochs=12")


def _kills_itself() -> str:
    source = "import signal\nsignal.raise_signal(signal.SIGKILL)"
    cells = [nbformat.v4.new_code_cell(source, id="kill")]
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))


# Mostly sound; the others show that a kill neither takes points nor gives any.
KINDS = {
    "sound": _sample("accepted/textbook.ipynb"),
    "steps": _sample("accepted/nine_windows.ipynb"),
    "units": _sample("wrong_architecture/five_units.ipynb"),
    "deadly": _kills_itself(),
}
TURNS = ("sound", "steps", "sound", "units", "sound", "sound", "steps", "sound", "deadly", "sound")


@dataclass
class Arena:
    """One class, one OUT folder, one temporary directory."""

    place: Path
    students: int
    isolation: str = "auto"
    jobs: int = 1
    coordinators: list[int] = field(default_factory=list)
    seen: dict[int, psutil.Process] = field(default_factory=dict)
    graded_at: dict[str, str] = field(default_factory=dict)  # records that a killed grader left

    def __post_init__(self) -> None:
        for folder in ("tmp", "class", "unharmed"):
            (self.place / folder).mkdir(parents=True)
        for number in range(self.students):
            kind = TURNS[number % len(TURNS)]
            _hand_in(self.place / "class" / f"{kind}{number:03d}", _own(KINDS[kind], number))
        for kind, text in KINDS.items():
            _hand_in(self.place / "unharmed" / f"{kind}000", text)

    @property
    def out(self) -> Path:
        """Where the records of the struck grader are."""
        return self.place / "out"

    def start(self, folder: str = "class") -> subprocess.Popen[str]:
        """Start ``grader grade`` as anybody would."""
        out = self.out if folder == "class" else self.place / f"out-{folder}"
        command = [
            *(sys.executable, "-m", "grader", "grade", str(self.place / folder)),
            *("--out", str(out), "--format", "json", "--lang", "en", *LIMITS),
            *("--isolation", self.isolation, "--jobs", str(self.jobs)),
        ]
        environment = {
            **os.environ,
            "GRADER_COURSE": str(ROOT),
            "GRADER_SECRET_FILE": str(self.place / "secret"),
            "TMPDIR": str(self.place / "tmp"),
        }
        printed = (self.place / f"{folder}.json").open("w")
        said = (self.place / f"{folder}.txt").open("a")
        with printed, said:
            running = subprocess.Popen(
                command, env=environment, stdout=printed, stderr=said, text=True
            )
        self.coordinators.append(running.pid)
        return running

    def results(self, folder: str = "class") -> list[dict[str, Any]]:
        """What the last grader printed."""
        text = (self.place / f"{folder}.json").read_text(encoding="utf-8")
        found: list[dict[str, Any]] = json.loads(text)["results"]
        return found

    def done(self) -> int:
        """How many records there are."""
        return sum(1 for _ in self.out.glob("results/*/record.json"))

    def remember(self) -> None:
        """Note what is graded, right after a grader's death: it may never be graded again."""
        self.graded_at |= {
            one["key"]: _when(one)
            for one in self._records()
            if one["grade"]["verdict"] != "grader_error"
        }

    def _records(self) -> list[dict[str, Any]]:
        return [
            json.loads(path.read_text())["record"]
            for path in self.out.glob("results/*/record.json")
        ]

    def family(self, coordinator: int) -> list[psutil.Process]:
        """Everything that a grader has started, remembered for the end."""
        try:
            found = psutil.Process(coordinator).children(recursive=True)
        except psutil.Error:
            found = []
        self.seen.update({process.pid: process for process in found})
        return found

    def outlived(self) -> list[psutil.Process]:
        """Those of them that are still there a while after their grader's end."""
        deadline = time.monotonic() + GONE_SECONDS
        while (left := [one for one in self.seen.values() if one.is_running()]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.05)
        return left

    def truth(self) -> dict[str, tuple[str, float]]:
        """Verdict and score of each kind where nobody was killed."""
        running = self.start("unharmed")
        running.wait()
        return {one["student"][:-3]: _outcome(one) for one in self.results("unharmed")}

    def pace(self) -> float:
        """Seconds that a submission takes where nobody is killed; known once the truth is."""
        return fmean(one["seconds"] for one in self.results("unharmed"))

    def complaints(self, truth: dict[str, tuple[str, float]]) -> list[str]:
        """Everything that is not as it would have been without kills; nothing where all held."""
        return [
            *self._of_results(truth),
            *self._of_files(),
            *(f"still running: {one.pid} {one.name()}" for one in self.outlived()),
            *(f"left: {path}" for path in (self.place / "tmp").iterdir()),
            *self._of_machine(),
        ]

    def _of_results(self, truth: dict[str, tuple[str, float]]) -> Iterator[str]:
        found: dict[str, list[tuple[str, float]]] = {}
        for one in self.results():
            found.setdefault(one["student"], []).append(_outcome(one))
        for folder in sorted((self.place / "class").iterdir()):
            wanted = truth.get(folder.name[:-3], ("never handed in", 0.0))
            got = found.pop(folder.name, [])
            if got != [wanted]:
                yield f"{folder.name}: {got}, not once {wanted}"
        yield from (f"{student}: nobody handed that in" for student in found)

    def _of_files(self) -> Iterator[str]:
        records = self._records()
        students = sorted(one["student"] for one in records)
        if students != sorted(path.name for path in (self.place / "class").iterdir()):
            yield f"{len(records)} records of {len(set(students))} students"
        for one in records:
            if self.graded_at.get(one["key"], _when(one)) != _when(one):
                yield f"{one['student']} was graded again"
        yield from (f"not finished: {path.name}" for path in self.out.glob("journal/*"))
        yield from (f"half written: {path}" for path in self.out.glob("*/*/.*"))
        with (self.out / "grades.csv").open(encoding="utf-8-sig") as file:
            rows = len(list(csv.DictReader(file)))
        pages = len(list(self.out.glob("feedback/*.html")))
        if (rows, pages) != (self.students, self.students):
            yield f"{rows} rows in grades.csv, {pages} pages of feedback"

    def _of_machine(self) -> Iterator[str]:
        mounted = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        yield from (f"mounted: {line}" for line in mounted if str(self.place) in line)
        for pid in self.coordinators:
            yield from (f"left: {group}" for group in GROUPS.glob(f"**/grader-room-{pid}-*"))


def _own(text: str, number: int) -> str:
    """Like the others', but nobody's copy: the same code is run once for all."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(f"number = {number}", id="own"))
    return str(nbformat.writes(notebook))


def _hand_in(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / f"{EXERCISE}.ipynb").write_text(text, encoding="utf-8")


def _outcome(result: dict[str, Any]) -> tuple[str, float]:
    return result["verdict"], result["score"]


def _when(record: dict[str, Any]) -> str:
    return f"{record['graded_at']} after {record['seconds']} s"
