"""How notebooks of ours learn in their first epochs, without all that a calibration measures.

Enters: a Setup, notebooks with their Plans. Leaves: Learned. Touches: rooms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.calibration.curves import Learned, engine_asked
from grader.calibration.measure import Plan, Setup, failed, job_of, plan, reference_notebook
from grader.calibration.one_epoch import one_epoch
from grader.course.exercises import Exercise
from grader.execute.execute import execute
from grader.extract.matching import choose, read_model
from grader.extract.training import history_of
from grader.pipeline.runner import Call, Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.submission import Notebook
from grader.types import Engine, GraderError

CURVE = "reference/curve"  # names seeds; calibration has none under this name
STARTED = 4.0  # seconds that a run takes beside its training
SLOWER = 2.3  # times as long as on JAX, where nobody measured an engine


@dataclass(frozen=True)
class Trial:
    """A notebook to be run, and with which seed."""

    notebook: Notebook
    plan: Plan


def engine_for(exercise: Exercise) -> Engine:
    """Give the engine that such runs are done on: JAX, but where its losses cannot be told."""
    return engine_asked(exercise) or Engine.JAX


def trial(exercise: Exercise, name: str, number: int, epochs: int) -> Trial:
    """Describe a run of the reference solution in its first epochs.

    Args:
        exercise: whose.
        name: of the seeds; other names have other seeds.
        number: of the run; the same one has the same seed.
        epochs: that it trains for.

    Raises:
        GraderError: the notebook does not show for how many epochs it trains.
    """
    notebook = one_epoch(reference_notebook(exercise), epochs)
    return Trial(notebook, plan(exercise, name, engine_for(exercise), number))


def learn(setup: Setup, trial: Trial, slot: Slot) -> Learned:
    """Run a notebook in a room, and give the losses of the model that is the exercise's.

    Raises:
        GraderError: it trained no such model.
    """
    execution = execute(job_of(setup, trial.notebook, trial.plan, slot), setup.room)
    found = choose([read_model(one) for one in execution.candidates], setup.exercise)
    if found is None or not found.candidate.fits:
        raise failed(trial.plan)
    loss = found.candidate.compile.get("loss")
    history = history_of(found.candidate.fits)
    name = loss if isinstance(loss, str) else ""
    return Learned(trial.plan.way, trial.plan.seed, name, history)


def learn_all(
    setup: Setup, trials: Sequence[Trial], slots: Sequence[Slot]
) -> Iterator[tuple[Trial, Learned | GraderError]]:
    """Run notebooks, one per slot at a time, and give what came of each as it is done."""

    def one(asked: Trial, slot: Slot) -> tuple[Trial, Learned | GraderError]:
        try:
            return asked, learn(setup, asked, slot)
        except GraderError as error:  # a later call does it again
            return asked, error

    return LocalRunner(slots, Stop()).run(trials, Call(one))


def seconds_for(exercise: Exercise, epochs: int) -> float:
    """Say how long one such run takes on an idle core, by what calibration saw; 0: nobody knows."""
    measured = exercise.expectation
    whole = measured.reference_seconds(Engine.JAX.value) if measured is not None else None
    slower = 1.0 if engine_for(exercise) is Engine.JAX else SLOWER
    return STARTED + slower * whole * epochs / exercise.epochs if whole else 0.0
