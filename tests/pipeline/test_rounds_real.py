"""A class's trainings in a round, with real kernels, drivers and trainer's rooms.

One notebook in a round takes seconds. The class of sixty, in a round and waiting, takes most of an
hour: ``make class-of-sixty``.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader import environment
from grader.course.load import load_course
from grader.execute.execute import Run, execute
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.rounds import PutOffError, Round, TrainsOrders, Wanted
from grader.pipeline.runner import Slot, Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.pipeline.trainings import Take, Trainings
from grader.record.store import Store
from grader.report.trained import trained_lines
from grader.text.words import Words
from grader.trainer.kept import usual_folder
from grader.trainer.results import Results
from grader.types import Cell, Engine, Notebook, Record, Submission, Verdict
from tests.support.class_of_sixty import ROOT, without_times
from tests.support.notebook_runs import cell, notebook, room

pytestmark = pytest.mark.real
SECRET = b"s" * 32
EXERCISE = "sequence-prediction"
STUDENTS, PROGRAMS = int(os.environ.get("STUDENTS", "0")), int(os.environ.get("PROGRAMS", "20"))

CODE = """
import keras, numpy as np
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
X = np.random.default_rng(1).random((8, 2))
print(model.fit(X, X[:, :1], epochs=2, verbose=0).epoch)
"""


def test_a_notebook_ends_at_its_order_and_is_answered_when_it_runs_again(tmp_path: Path) -> None:
    judges, results = Judges(tmp_path), Results(tmp_path / "results")
    this = Round(results, SECRET)
    run = Run(notebook(CODE), Engine.TENSORFLOW, 1, 1, 600.0, 4096, (0,))

    def trainer(take: Take) -> Trainings:
        return Trainings(judges, room(), results, SECRET, 1, (0,), take=take)

    def ends(order: object, held: object) -> None:
        this.take(Wanted(order, 1, held))  # type: ignore[arg-type]

    try:
        with pytest.raises(PutOffError):
            execute(run, room(), read=judges.claims, trainer=lambda: trainer(ends))
        (wanted,) = this.orders()
        TrainsOrders(room(), results, SECRET, tmp_path, 0.0).train(wanted, Slot((0,)))
        ran = execute(run, room(), read=judges.claims, trainer=lambda: trainer(ends))
    finally:
        judges.close()
    assert cell(ran, 1).stdout == "[0, 1]\n"
    assert ran.trainings is not None
    (one,) = ran.trainings
    assert (bool(one.key), one.epochs, one.seconds) == (True, 2, 0.0)


# --- the class of sixty --------------------------------------------------------------------------


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


def _graded(folder: Path, *, in_a_round: bool) -> tuple[dict[str, Record], int, float]:
    """Grade the class with a cache of its own; gives records, trainings, seconds."""
    course = replace(load_course(ROOT), asks_trainer=True)
    jobs = len(environment.cores())
    settings = Settings(SECRET, jobs=jobs, round=in_a_round)
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patched, Store(folder / "out") as store:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        grader = Grader(course, room(), store, settings)
        batch = [_submission(number) for number in range(STUDENTS)]
        done = list(grader.grade_all(batch, LocalRunner(slots(jobs), Stop())))
        grader.judges.close()
        trained = len(list(usual_folder().glob("*.npz")))
    seconds = time.monotonic() - began
    return {r.student: r for one in done for r in one.records}, trained, seconds


@pytest.mark.skipif(not STUDENTS, reason="most of an hour: make class-of-sixty")
def test_a_class_of_twenty_programs_is_trained_twenty_times_and_graded_alike_either_way(
    tmp_path: Path,
) -> None:
    found = []
    for in_a_round in (True, False):
        folder = tmp_path / str(in_a_round)
        folder.mkdir()
        records, trained, seconds = _graded(folder, in_a_round=in_a_round)
        print(f"in a round: {in_a_round}, {trained} trainings, {seconds:.0f} s")
        print(*trained_lines([*records.values()], Words("en")), sep="\n")
        assert trained == min(PROGRAMS, STUDENTS)
        assert len(records) == STUDENTS
        assert {one.grade.verdict for one in records.values()} == {Verdict.ACCEPTED}
        found.append({name: without_times(one) for name, one in records.items()})
    assert found[0] == found[1]
