"""A class whose notebooks ask for trainings, with rooms of ours but nobody's Keras in them.

Sixty students, twenty programs in three styles each: every notebook differs, every third training
is the same. The grader, its stores and the order's whole way are real; a function answers in place
of the notebook, of the trainer's room and of the evaluation room. As a program it grades the class
into a folder and may stand still over a training, so that somebody can kill it there.
"""

from __future__ import annotations

import functools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from unittest.mock import patch

import numpy as np

from grader.course.load import load_course
from grader.execution import ArraySample, Candidate, CellRun, Execution, Fit, FitSample
from grader.extract.tasks import Answer, LayerAnswer, ModelTask
from grader.kernel.orders.asking import answer_of, packed
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings
from grader.pipeline.judges import Judges
from grader.pipeline.runner import Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.record.record_json import record_to_json
from grader.record.store import Store
from grader.submission import Cell, Notebook, Submission
from grader.trainer.devices import Devices
from grader.types import CellError, Engine, Isolation, Level, Outcome, Record
from tests.support.orders import claim, dense, lstm, optimizer, sequential
from tests.support.trainer_room import TOLD, ServingRoom, write

ROOT = Path(__file__).resolve().parents[2]
LSTM = "multiplication-lstm"
STUDENTS, PROGRAMS, SLOTS = 60, 20, 3
EPOCHS = 100
ROWS, WHOLE = 64, 2560  # of an order; of a fit that the notebook does itself, which shows all
MODEL = sequential(lstm(30, return_sequences=True), lstm(30), dense(), shape=(100, 2))
COMPILED = {**claim()["compile"], "optimizer": optimizer("Adam"), "metrics": None}
LAYERS = (LayerAnswer((100, 30), 3960), LayerAnswer((30,), 7320), LayerAnswer((1,), 31))
ISOLATION = Isolation(Level.FULL, ("filesystem",))


@functools.cache
def rows(count: int) -> dict[str, np.ndarray]:
    """What everybody trains on: two marked numbers of a hundred, and their product."""
    rng = np.random.default_rng(0)
    x = np.zeros((count, 100, 2), np.float32)
    x[:, :, 1] = rng.random((count, 100))
    y = np.zeros(count, np.float32)
    for row in range(count):
        places = rng.choice(100, 2, replace=False)
        x[row, places, 0] = 1
        y[row] = x[row, places, 1].prod()
    return {"x": x, "y": y}


DATA = rows(ROWS)


def submission(number: int, source: str) -> Submission:
    """What one student handed in; no two have the same code."""
    student = f"student{number:02d}"
    notebook = Notebook((Cell(3, f"{source}  # {student}"),), LSTM, f"{number:064x}")
    path = f"{student}/{LSTM}.ipynb"
    return Submission(path, student, Path(path), (LSTM,), notebook, None, f"{number:064x}")


def whole_class(students: int = STUDENTS, programs: int = PROGRAMS) -> list[Submission]:
    """Everybody's, in the order of their names."""
    return [submission(n, f"program {n % programs}") for n in range(students)]


class TrainersRoom(ServingRoom):
    """Draws the weights by the seed of the order. ``stands_at``: where it answers no more."""

    isolation = ISOLATION

    def __init__(self, folder: Path, stands_at: int | None = None) -> None:
        super().__init__()
        self.folder, self.stands_at = folder, stands_at
        self.lock = threading.Lock()

    @property
    def kept(self) -> int:
        """How many trainings are kept for everybody."""
        return len([*self.folder.glob("rnn-grader/trained/*.npz")])

    @property
    def trained(self) -> list[int]:
        """The seed of each training that was done."""
        noted = self.folder / "trained"
        return [int(line) for line in noted.read_text().split()] if noted.exists() else []

    def answer(self, path: Path, asked: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        with self.lock:
            if len(self.trained) == self.stands_at:
                (self.folder / "stands").touch()
                time.sleep(3600)
            with (self.folder / "trained").open("a") as noted:
                noted.write(f"{asked['seed']}\n")
        rng, epochs = np.random.default_rng(asked["seed"]), asked["fit"]["epochs"]
        shapes = [(2, 120), (30, 120), (120,), (30, 120), (30, 120), (120,), (30, 1), (1,)]
        learned = {
            f"w_{i:04d}": rng.normal(size=shape).astype(np.float32)
            for i, shape in enumerate(shapes)
        }
        loss = np.linspace(0.1, 0.001, epochs).tolist()
        told = {**TOLD, "epochs": epochs, "updates": 2 * epochs, "history": {"loss": loss}}
        write(path, told, learned | {"o_0000": np.array(2 * epochs, np.int64)})


@dataclass
class Notebooks:
    """Plays a notebook's room: its one cell asks for a training and then fails in its own words.

    ``program N`` orders the same in every run, ``unstable`` something new each time, ``claims``
    trains by itself. ``ran``: whose notebook was begun, in turn.
    """

    ran: list[str] = field(default_factory=list)
    begun: Callable[[int], None] = lambda _: None  # told how many were

    def __call__(self, run: Any, _room: object, **how: Any) -> Execution:
        (cell,) = run.notebook.cells
        self.ran.append(cell.source.partition("# ")[2])
        self.begun(len(self.ran))
        trainer = how["trainer"]()
        try:
            kind, _, number = cell.source.partition("  #")[0].partition(" ")
            seed = len(self.ran) + 1000 if kind == "unstable" else int(number or 0)
            weights = self._claimed(trainer) if kind == "claims" else self._asked(trainer, seed)
            return self._execution(run, cell, weights, trainer.trainings)
        finally:
            trainer.close()

    def _asked(self, trainer: Any, seed: int) -> tuple[np.ndarray, ...]:
        fit = {**claim()["fit"], "epochs": EPOCHS, "batch_size": 32}
        order = claim(model=MODEL, compile=COMPILED, fit=fit, seeds=[seed])
        with TemporaryDirectory() as folder:
            told, arrays = Path(folder) / "0001.order", Path(folder) / "0001.npz"
            told.write_text(json.dumps(order))
            arrays.write_bytes(packed(DATA))
            reply = trainer.train(told, arrays, 3, lambda: None)
        return answer_of(reply.told, reply.arrays).weights

    def _claimed(self, trainer: Any) -> tuple[np.ndarray, ...]:
        trainer.claimed(3, "a callback of class Own")
        return (np.ones(3, np.float32),)

    def _execution(
        self, run: Any, cell: Cell, weights: tuple[np.ndarray, ...], trainings: Any
    ) -> Execution:
        data = DATA if any(one.key for one in trainings) else rows(WHOLE)
        x, y = (ArraySample(data[n].shape, "float32", data[n], {}) for n in ("x", "y"))
        fit = Fit(3, FitSample(x, y), EPOCHS, EPOCHS, {"loss": (0.05, 0.002)}, True, {})
        model = Candidate(
            model=1,
            name="model",
            cell=3,
            config=MODEL,
            compile={"optimizer": "Adam", "loss": "mse", "learning_rate": 0.001},
            fits=(fit,),
            initial=tuple(np.zeros_like(one) for one in weights),
            final=weights,
            order=1,
        )
        error = CellError("NameError", cell.source, f"Traceback of {cell.source}")
        return Execution(
            outcome=Outcome.FINISHED,
            cells=(CellRun(3, "error", 1.0, cell.source, error),),
            candidates=(model,),
            engine=run.engine,
            device="cpu",
            seed=run.seed,
            attempt=run.attempt,
            isolation=ISOLATION,
            seconds=1.0,
            trainings=trainings,
        )


@dataclass
class Judged:
    """Plays the evaluation room: how far a model is off follows from its weights or its seed."""

    trained: list[int | None] = field(default_factory=list)  # the seeds of what was done again

    def __call__(self, tasks: Sequence[ModelTask], _room: object, **_: Any) -> dict[str, Answer]:
        return {task.id: self._answer(task) for task in tasks}

    def _answer(self, task: ModelTask) -> Answer:
        history: dict[str, tuple[float | None, ...]] = {}
        if task.training is not None:
            self.trained.append(task.seed)
            history = {"before": (1.0,), "after": (0.1,)}
        if task.inputs is None:
            return Answer(LAYERS, 11311)
        marks, numbers = task.inputs[..., 0], task.inputs[..., 1]
        right = np.where(marks == 1, numbers, 1).prod(axis=1)
        off = float(np.abs(task.weights[0]).mean()) / 1000 if task.weights else 0.001
        return Answer(LAYERS, 11311, (right + off).astype(np.float32)[:, None], history, 2.0)


@functools.cache
def judges() -> Judges:
    """The processes that judge, for all classes of this process."""
    return Judges(Path(mkdtemp()))


@dataclass
class Class:
    """The class and its grader. ``cache`` holds what was trained, ``out`` what was graded."""

    out: Path
    cache: Path
    in_a_round: bool | None
    stands_at: int | None = None
    notebooks: Notebooks = field(default_factory=Notebooks)
    judged: Judged = field(default_factory=Judged)
    stop: Stop = field(default_factory=Stop)
    devices: Devices = field(default_factory=Devices)

    def __post_init__(self) -> None:
        self.cache.mkdir(exist_ok=True)
        self.room = TrainersRoom(self.cache, self.stands_at)
        self.rooms: Any = self.room  # or those with a GPU, beside it

    def grade(self, submissions: Sequence[Submission]) -> list[Graded]:
        """Grade a batch to its end."""
        with self.grading(submissions) as done:
            return list(done)

    @contextmanager
    def grading(self, submissions: Sequence[Submission]) -> Iterator[Iterator[Graded]]:
        """Give each result as it becomes done."""
        course = replace(load_course(ROOT), asks_trainer=True)
        settings = Settings(b"s" * 32, warm=False, round=self.in_a_round)
        both = (Engine.TENSORFLOW, Engine.JAX)
        with ExitStack() as stack:
            stack.enter_context(patch("grader.pipeline.attempts.execute", self.notebooks))
            stack.enter_context(patch("grader.pipeline.attempts.evaluate", self.judged))
            stack.enter_context(patch("grader.environment.engines", lambda: both))
            stack.enter_context(patch("grader.environment.free_mb", lambda: 1e6))
            stack.enter_context(patch.dict("os.environ", {"XDG_CACHE_HOME": str(self.cache)}))
            store = stack.enter_context(Store(self.out))
            grader = Grader(
                course,
                self.rooms,
                store,
                settings,
                judges(),
                stopping=self.stop.draining.is_set,
                devices=self.devices,
            )
            slots = [Slot((number,)) for number in range(SLOTS)]
            yield grader.grade_all(submissions, LocalRunner(slots, self.stop))

    def kept(self) -> dict[str, Record]:
        """The record that counts, of each student."""
        return {one.student: one for one in Store(self.out).latest()}


def without_times(record: Record) -> bytes:
    """A record as it is kept, but for what a clock says."""
    attempts = tuple(replace(one, seconds=0.0) for one in record.attempts)
    plain = replace(record, attempts=attempts, seconds=0.0, spent=None, graded_at="")
    return record_to_json(plain, 0)


def main() -> None:
    """Grade so many students and programs into OUT, with CACHE; stand still at a training."""
    out, cache, way, students, programs, stands_at = sys.argv[1:]
    one = Class(Path(out), Path(cache), way == "round", int(stands_at))
    one.grade(whole_class(int(students), int(programs)))


if __name__ == "__main__":
    main()
