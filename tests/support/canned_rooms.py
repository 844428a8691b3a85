"""The pipeline's rooms replaced by canned answers: what each run gives, what each model answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.exercises import Course
from grader.execution import ArraySample, Candidate, CellRun, Execution, Fit, FitSample
from grader.extract.tasks import Answer, LayerAnswer, ModelTask
from grader.pipeline import attempts, grader
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.runner import Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.submission import Cell, Notebook, Submission
from grader.types import Engine, Isolation, Level, Outcome, Record

ROOT = Path(__file__).resolve().parents[2]
GRU, LSTM = "multiplication-gru", "multiplication-lstm"
SLOT = Slot((0,))
ISOLATION = Isolation(Level.FULL, ("filesystem",))


class NoRoom:
    """Stands where a room would: nothing is started in these tests."""

    isolation = ISOLATION


def _gru(units: int, sequences: bool) -> dict[str, Any]:
    settings = {"units": units, "return_sequences": sequences, "activation": "tanh"}
    return {"class_name": "GRU", "config": {**settings, "reset_after": True}}


CONFIG: dict[str, Any] = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 100, 2]}},
            _gru(30, True),
            _gru(30, False),
            {"class_name": "Dense", "config": {"units": 1, "activation": "linear"}},
        ]
    },
}


LAYERS = (LayerAnswer((100, 30), 3060), LayerAnswer((30,), 5580), LayerAnswer((1,), 31))


def _data(rows: int = 64) -> FitSample:
    rng = np.random.default_rng(0)
    x = np.zeros((rows, 100, 2))
    x[:, :, 1] = rng.random((rows, 100))
    y = np.zeros(rows)
    for row in range(rows):
        places = rng.choice(100, 2, replace=False)
        x[row, places, 0] = 1
        y[row] = x[row, places, 1].prod()
    return FitSample(
        ArraySample((2560, 100, 2), "float64", x, {}), ArraySample((2560,), "float64", y, {})
    )


def execution(seed: int = 1, **changes: Any) -> Execution:
    fit = Fit(3, _data(), 100, 100, {"loss": (0.05, 0.002)}, finished=True, arguments={})
    candidate = Candidate(
        model=1,
        name="model",
        cell=3,
        config=CONFIG,
        compile={"optimizer": "Adam", "loss": "mse", "learning_rate": 0.001},
        fits=(fit,),
        initial=(np.zeros(3, dtype=np.float32),),
        final=(np.ones(3, dtype=np.float32),),
        order=1,
    )
    made = Execution(
        outcome=Outcome.FINISHED,
        cells=(CellRun(3, "ok", 1.0, "", None),),
        candidates=(candidate,),
        engine=Engine.JAX,
        device="cpu",
        seed=seed,
        attempt=1,
        isolation=ISOLATION,
        seconds=1.0,
    )
    return replace(made, **changes)


Ran = list[tuple[Engine, int]]


class World:
    """Canned rooms: what each run gives, and how far predictions are off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: Ran = []
        self.trained: list[int] = []
        self.tasks: list[ModelTask] = []
        self.give: Callable[[Any], Execution] = lambda _run: execution()
        self.error: Callable[[int], float] = lambda _number: 0.001
        self.begins_at = -1.0  # what a model that no fit moved answers
        monkeypatch.setattr(attempts, "execute", self._execute)
        monkeypatch.setattr(attempts, "evaluate", self._evaluate)
        monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW, Engine.JAX))
        self.asked = 0
        self.limits: list[float] = []  # seconds of each room
        self.old_api: list[bool] = []
        self.trainer: list[bool] = []

    def _execute(self, run: Any, _room: object, **how: Any) -> Execution:
        # What a run left is never read by ourselves.
        assert isinstance(how["read"].func.__self__, Judges)
        self.ran.append((run.engine, run.seed))
        self.old_api.append(run.old_api)
        self.trainer.append(how["trainer"] is not None)
        made = self.give(run)
        return replace(
            made, engine=run.engine, seed=run.seed, attempt=run.attempt, fixes_seeds=run.fixes_seeds
        )

    def _evaluate(self, tasks: Sequence[ModelTask], _room: object, **how: Any) -> dict[str, Answer]:
        self.asked += 1
        self.limits.append(how["timeout"])
        self.tasks += tasks
        answers = {}
        for task in tasks:
            if task.training is not None:
                assert task.seed is not None
                self.trained.append(task.seed)
            assert task.inputs is not None
            marks, numbers = task.inputs[..., 0], task.inputs[..., 1]
            right = np.where(marks == 1, numbers, 1).prod(axis=1)
            off = np.sqrt(self.error(self.asked))
            predictions = (right + off).astype(np.float32)[:, None]
            if task.id.endswith("/slope"):
                predictions[:] = self.begins_at
            answers[task.id] = Answer(LAYERS, 8671, predictions)
        return answers


def submission(source: str = "model.fit(X, Y)", name: str = "kim") -> Submission:
    notebook = Notebook((Cell(3, source),), GRU, f"{hash(source):064x}"[-64:])
    return Submission(f"{name}/{GRU}.ipynb", name, Path("x"), (GRU,), notebook, None, "a" * 64)


def grade(course: Course, out: Path, submission: Submission, **settings: Any) -> grader.Graded:
    with Store(out) as store:
        grader = Grader(course, NoRoom(), store, Settings(b"s" * 32, **settings))  # type: ignore[arg-type]
        return grader.grade_one(submission, SLOT)


def grade_all(course: Course, out: Path, *submissions: Submission) -> dict[str, Record]:
    with Store(out) as store:
        grader = Grader(course, NoRoom(), store, Settings(b"s" * 32))  # type: ignore[arg-type]
        runner = LocalRunner((SLOT,), Stop())
        done = list(grader.grade_all(submissions, runner))
        kept = {record.student: record for record in store.latest()}
    assert kept == {one.submission.student: one.records[0] for one in done}
    return kept
