"""Classes in a round and waiting, with real kernels, drivers and trainer's rooms.

Sixty notebooks of twenty programs take some minutes: ``make class-of-sixty``. The demo's twelve,
good and bad, take a quarter of an hour: ``make demo-both-ways``. One notebook in a round is in
``test_trainings_real.py``.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from grader import environment
from grader.collect.collect import collect
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.runner import Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.report.trained import trained_lines
from grader.submission import Cell, Notebook, Submission
from grader.text.words import Words
from grader.trainer.kept import usual_folder
from grader.types import Record, Verdict
from tests.support.class_of_sixty import ROOT, without_times
from tests.support.notebook_runs import room

pytestmark = pytest.mark.real
SECRET = b"s" * 32
EXERCISE = "sequence-prediction"
DEMO_EPOCHS = int(os.environ.get("DEMO_EPOCHS", "0"))
OUT_OF_TIME = 150.0  # seconds: one of the demo's never ends
STUDENTS, PROGRAMS = int(os.environ.get("STUDENTS", "0")), int(os.environ.get("PROGRAMS", "20"))


def _submission(number: int) -> Submission:
    """The textbook's notebook for so many epochs, and something of the student's own."""
    path = ROOT / f"reference/{EXERCISE}/submissions/accepted/textbook.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(one["source"]) for one in cells if one["cell_type"] == "code"]
    epochs = 100 + number % PROGRAMS
    sources = [one.replace("epochs=100", f"epochs={epochs}") for one in sources]
    sources[-1] += f"\nprint('student{number:02d}')"
    student, digest = f"student{number:02d}", f"{number:064x}"
    made = Notebook(tuple(Cell(n, s) for n, s in enumerate(sources, 1)), EXERCISE, digest)
    where = f"{student}/{EXERCISE}.ipynb"
    return Submission(where, student, Path(where), (EXERCISE,), made, None, digest)


def _demo(course: Course, folder: Path) -> list[Submission]:
    """The class of ``make demo``, for so many epochs of its hundred."""
    listed = (ROOT / "Makefile").read_text(encoding="utf-8").partition("DEMO :=")[2]
    names = re.findall(r"(\S+)/submissions/(\w+)/(\w+)\.ipynb", listed.partition("\n\n")[0])
    found = []
    for exercise, verdict, name in names:
        student = f"{exercise}-{name}"
        path = folder / student / f"{exercise}.ipynb"
        path.parent.mkdir(parents=True)
        source = ROOT / f"reference/{exercise}/submissions/{verdict}/{name}.ipynb"
        text = source.read_text(encoding="utf-8")
        path.write_text(text.replace("epochs=100", f"epochs={DEMO_EPOCHS}"), encoding="utf-8")
        asked = {"exercise_ids": course.exercises, "owed": (exercise,)}
        (one,) = collect((path,), **asked).submissions  # type: ignore[arg-type]
        found.append(replace(one, name=student, student=student))
    return found


def _graded(
    folder: Path, batch: Sequence[Submission], *, in_a_round: bool, timeout: float | None = None
) -> tuple[dict[str, Record], int, float]:
    """Grade a class with a cache of its own; gives records, trainings, seconds."""
    course = replace(load_course(ROOT), asks_trainer=True)
    jobs = len(environment.cores())
    settings = Settings(SECRET, jobs=jobs, round=in_a_round, timeout=timeout)
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patched, Store(folder / "out") as store:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        grader = Grader(course, room(), store, settings)
        done = list(grader.grade_all(batch, LocalRunner(slots(jobs), Stop())))
        grader.judges.close()
        trained = len(list(usual_folder().glob("*.npz")))
    seconds = time.monotonic() - began
    return {r.student: r for one in done for r in one.records}, trained, seconds


@pytest.mark.skipif(not STUDENTS, reason="some minutes: make class-of-sixty")
def test_a_class_of_twenty_programs_is_trained_twenty_times_and_graded_alike_either_way(
    tmp_path: Path,
) -> None:
    found = []
    for in_a_round in (True, False):
        folder = tmp_path / str(in_a_round)
        folder.mkdir()
        batch = [_submission(number) for number in range(STUDENTS)]
        records, trained, seconds = _graded(folder, batch, in_a_round=in_a_round)
        print(f"in a round: {in_a_round}, {trained} trainings, {seconds:.0f} s")
        print(*trained_lines([*records.values()], Words("en")), sep="\n")
        assert trained == min(PROGRAMS, STUDENTS)
        assert len(records) == STUDENTS
        assert {one.grade.verdict for one in records.values()} == {Verdict.ACCEPTED}
        found.append({name: without_times(one) for name, one in records.items()})
    assert found[0] == found[1]


@pytest.mark.skipif(not DEMO_EPOCHS, reason="a quarter of an hour: make demo-both-ways")
def test_the_demos_class_has_the_same_records_either_way(tmp_path: Path) -> None:
    course, found = load_course(ROOT), []
    for in_a_round in (True, False):
        folder = tmp_path / str(in_a_round)
        batch = _demo(course, folder / "handed-in")
        records, trained, seconds = _graded(
            folder, batch, in_a_round=in_a_round, timeout=OUT_OF_TIME
        )
        print(f"in a round: {in_a_round}, {trained} trainings, {seconds:.0f} s")
        assert len(records) == len(batch) == 12
        assert trained == 7, "five of the demo's notebooks order nothing"
        found.append({name: without_times(one) for name, one in records.items()})
    for name, one in found[0].items():
        assert one == found[1][name], name
