"""Grades the class of thirty from both systems in real rooms, and checks that all adds up.

    python -m tests.thirty --out .thirty

Enters: a folder to make. Leaves: a table of what was counted; exit code 1 where something does not
add up. Touches: that folder; starts graders, two of which it kills.

The commands are those that a teacher types; those from the zip to the file for the LMS are counted.
Some ten minutes on two cores, mostly training.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.detector_rules import dolos_takes, jplag_takes
from tests.thirty import lms
from tests.thirty import people as p
from tests.thirty.people import CLASS, EXERCISE, OTHER, SIX, Person
from tests.thirty.sums import Sums, read

EVERYBODY = (*CLASS, OTHER)
DONE, NOT_ALL_ACCEPTED, SOMETHING_MISSING = 0, 1, 3
# A stranger's grade is in no file for the LMS, which is told by the exit code.
EXPORTED = SOMETHING_MISSING
COMMANDS = 2  # from the zip to the file that the LMS takes
KILL_AFTER = 5  # records
KERNEL = "/kernel/start.py"  # in its command line
PATIENCE = 1800.0  # seconds for a killed grader's first records: reached only where none come


@dataclass
class Teacher:
    """Somebody who types commands into one folder."""

    place: Path
    course: Path
    language: str
    typed: list[str] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """Where the grades are."""
        return self.place / "out"

    def says(self, *arguments: object, code: int | Sequence[int] = DONE) -> str:
        """Type a command; it has to end so."""
        ended = subprocess.run(
            self._command(arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        wanted = [code] if isinstance(code, int) else code
        said = f"{ended.stdout}{ended.stderr}"
        self.typed.append(str(arguments[0]))
        print(f"$ grader {' '.join(map(str, arguments))}\n{said}\n", flush=True)
        assert ended.returncode in wanted, (arguments, ended.returncode, said)
        return said

    def is_killed(self, *arguments: object, records: int = 0, kernel: bool = False) -> None:
        """Type a command; kill it once so many records are there, or once a notebook runs."""
        running = subprocess.Popen(
            self._command(arguments),
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE
        while not (len(self.kept()) >= records and (not kernel or _runs_one(running.pid))):
            assert running.poll() is None, "it had ended before"
            assert time.monotonic() < deadline, "no records came"
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        print(f"$ grader {' '.join(map(str, arguments))}\n(killed)\n", flush=True)

    def kept(self) -> dict[str, str]:
        """When each record was graded, by its key."""
        found = {}
        for path in self.out.glob("results/*/record.json"):
            record = json.loads(path.read_bytes())["record"]
            found[record["key"]] = record["graded_at"]
        return found

    def _command(self, arguments: Sequence[object]) -> list[str]:
        language = ["--lang", self.language]
        return [sys.executable, "-m", "grader", *map(str, arguments), *language]

    def _environment(self) -> dict[str, str]:
        own = {
            "GRADER_COURSE": str(self.course),
            "GRADER_SECRET_FILE": str(self.place / "secret"),
            "PYTHONPATH": str(p.ROOT),
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }
        return {**os.environ, **own}


def _runs_one(grader: int) -> bool:
    """Whether a notebook's kernel is among what a grader started."""
    try:
        started = psutil.Process(grader).children(recursive=True)
        return any(KERNEL in " ".join(one.cmdline()) for one in started)
    except psutil.Error:
        return False


def from_canvas(place: Path) -> Sums:
    """Grade, with a kill in between, and export; look for pairs; decide by hand; preview."""
    submissions, gradebook = lms.canvas(place, EVERYBODY)
    course = lms.course(place / "course", gradebook, worksheet=False, some=EVERYBODY)
    teacher = Teacher(place, course, "en")
    out = teacher.out
    grade = ("grade", submissions, "--exercise", EXERCISE, "--out", out, "--jobs", 1)
    teacher.is_killed(*grade, records=KILL_AFTER)
    before = teacher.kept()
    teacher.says(*grade, code=NOT_ALL_ACCEPTED)
    assert before.items() <= teacher.kept().items(), "what a killed grader left is graded anew"
    teacher.says("export", "--format", "canvas", "--out", out, code=EXPORTED)
    assert len(teacher.typed) == COMMANDS, teacher.typed
    sums = Sums(out, EVERYBODY, {"commands from zip to Canvas' import": str(len(teacher.typed))})
    sums.states()
    sums.grades()
    sums.verdicts()
    sums.lateness()
    sums.class_page("Nothing handed in (3)")
    sums.canvas(gradebook, out / "export" / "canvas")
    _pairs(teacher, sums)
    _by_hand(teacher, sums, grade, gradebook)
    _preview(teacher, sums)
    return sums


def _pairs(teacher: Teacher, sums: Sums) -> None:
    said = teacher.says("similar", "--out", teacher.out, "--to", teacher.place / "detectors")
    first, second = (one for one in CLASS if one.kind == p.COPIED)
    page = (teacher.out / "alike.html").read_text("utf-8")
    top = page[page.index('href="#pair-1"') :].partition("</a>")[0]
    for one in (first, second):
        assert str(one.number) in top, top
    submissions, _ = jplag_takes(
        teacher.place / "detectors/submissions", teacher.place / "detectors/base-code"
    )
    found = dolos_takes(teacher.place / "detectors/info.csv")
    assert len(submissions) == len(found.names)
    sums.counted["pairs to look at"] = said.partition("Pairs to look at: ")[2].partition(".")[0]
    sums.counted["hand-ins for JPlag and Dolos"] = str(len(submissions))


def _by_hand(teacher: Teacher, sums: Sums, grade: Sequence[object], gradebook: Path) -> None:
    """An override, an excuse and another run, one of them killed: all in force, and exported."""
    out = teacher.out
    by = ("--by", "kang", "--out", out)
    usual, ill, again = (
        next(row["student"] for row in read(out / "grades.csv") if row["student"].endswith(end))
        for end in ("_1001", "_1002", "_1006")
    )
    teacher.says("override", usual, EXERCISE, "--score", 77, "--reason", "oral", *by, code=(0, 1))
    teacher.says("excuse", ill, EXERCISE, "--reason", "was ill", *by, code=(0, 1))
    teacher.says("rerun", again, EXERCISE, "--reason", "asked for it", *by, code=(0, 1))
    before = {row["student"]: row for row in read(out / "grades.csv")}
    kept = teacher.kept()
    teacher.is_killed(*grade, kernel=True)
    teacher.says(*grade, code=NOT_ALL_ACCEPTED)
    anew = {key for key, at in teacher.kept().items() if kept.get(key) != at}
    assert len(anew) == 1, f"one was to run anew: {len(anew)}"
    after = {row["student"]: row for row in read(out / "grades.csv")}
    assert after[usual]["score"] == "77.0"
    assert (after[ill]["score"], after[ill]["counts"]) == ("", "False")
    assert after[again]["score"] == before[again]["score"]  # the same seed
    teacher.says("export", "--format", "canvas", "--changed", "--out", out, code=(0, 3))
    changed = read(next((out / "export" / "canvas").glob("changed-*")) / "canvas.csv")
    there = {row["ID"]: row[lms.COLUMN] for row in changed[1:]}
    assert there == {"1001": "7.70", "1002": "EX"}, there
    sums.counted["changed by hand, exported"] = f"{len(there)}"


def _preview(teacher: Teacher, sums: Sums) -> None:
    """A rubric that changed is shown before it counts, then counts, and is remembered."""
    exercise = teacher.course / "assignments" / EXERCISE / "exercise.toml"
    text = exercise.read_text("utf-8")
    for was, now in (("structure = 40", "structure = 30"), ("data = 25", "data = 35")):
        assert text.count(was) == 1, text
        text = text.replace(was, now)
    exercise.write_text(text, "utf-8")
    before = {row["submission"]: row["found_score"] for row in read(teacher.out / "grades.csv")}
    preview = teacher.says("regrade", "--preview", "--out", teacher.out, "--format", "json", code=1)
    moves = json.loads(preview[preview.index("{") : preview.rindex("}") + 1])["moves"]
    assert moves, preview
    rows = read(teacher.out / "grades.csv")
    assert before == {row["submission"]: row["found_score"] for row in rows}, "a preview counted"
    teacher.says("regrade", "--out", teacher.out, code=NOT_ALL_ACCEPTED)
    history = (teacher.out / "history.jsonl").read_text("utf-8").splitlines()
    assert len(history) == len(moves), (len(history), len(moves))
    after = {row["submission"]: row for row in read(teacher.out / "grades.csv")}
    usual = next(row for row in after.values() if row["student"].endswith("_1001"))
    assert usual["score"] == "77.0"  # what was decided by hand stays
    sums.counted["scores a new rubric moves"] = f"{len(moves)}, as the preview said"


def from_moodle(place: Path, some: Sequence[Person] = EVERYBODY) -> Sums:
    """Grade and export in Korean, lateness by the worksheet's times."""
    submissions, worksheet = lms.moodle(place, some)
    course = lms.course(place / "course", worksheet, worksheet=True, some=some)
    teacher = Teacher(place, course, "ko")
    out = teacher.out
    teacher.says(
        *("grade", submissions, "--exercise", EXERCISE, "--out", out, "--jobs", 1),
        code=NOT_ALL_ACCEPTED,
    )
    teacher.says("export", "--format", "moodle", "--out", out, code=EXPORTED)
    assert len(teacher.typed) == COMMANDS, teacher.typed
    sums = Sums(out, some, {"commands from zip to Moodle's import": str(len(teacher.typed))})
    sums.states()
    sums.grades()
    sums.verdicts()
    sums.lateness()
    nothing = sum(one.kind == p.NOTHING for one in some)
    sums.class_page(f"아무것도 제출하지 않음({nothing}명)")
    sums.moodle(worksheet, out / "export" / "moodle")
    teacher.says("similar", "--out", out)
    return sums


SYSTEMS = {
    "canvas": from_canvas,
    "moodle": from_moodle,
    "moodle-six": lambda place: from_moodle(place, (*SIX, OTHER)),
}


def main() -> None:
    """Grade the class of one system or of both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(".thirty"))
    parser.add_argument("--only", choices=SYSTEMS, action="append")
    asked = parser.parse_args()
    for name in asked.only or ("canvas", "moodle"):
        place = asked.out.absolute() / name
        shutil.rmtree(place, ignore_errors=True)
        sums = SYSTEMS[name](place)
        print(f"{name}: all adds up")
        for what, how in sums.counted.items():
            print(f"  {what}: {how}")


if __name__ == "__main__":
    main()
