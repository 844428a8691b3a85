"""Fills the cache of compiled programs from the references, once per machine.

Enters: a course and a room. Leaves: how many compiled programs each exercise added, and what did
not run to its end. Touches: rooms; the cache folder of this user.

A reference for one epoch compiles what most notebooks of its exercise compile, and so does its
evaluation: once where the notebook trains by itself, once where our own room trains for it. Nothing
of a student's is run here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.calibration.measure import reference_notebook
from grader.calibration.on_trainer import trainer
from grader.calibration.one_epoch import one_epoch
from grader.course.data import room_files
from grader.course.exercises import Course, Exercise
from grader.execute.execute import execute
from grader.execute.run import Run
from grader.execution import Execution
from grader.extract.evaluate import evaluate
from grader.extract.extract import extract
from grader.pipeline.runner import Slot
from grader.room import Room
from grader.room.xla_cache import cache_folder, entries, filling
from grader.text.words import OUTCOMES
from grader.types import Engine, GraderError, Message, Outcome

SECONDS = 60.0  # for one reference; what was compiled until then stays
MEMORY_MB = 4096


@dataclass(frozen=True)
class Failed:
    """A run that did not come to its end: what is told of it, and why. What it compiled stays."""

    told: str
    why: Message


@dataclass(frozen=True)
class Filled:
    """What one exercise's reference added to the cache."""

    exercise: str
    added: int
    failed: tuple[Failed, ...] = ()


def fill(course: Course, room: Room, slot: Slot) -> Iterator[Filled]:
    """Run every reference for an epoch in rooms that compile into the cache."""
    for exercise in course.exercises.values():
        if exercise.reference_path is None:
            continue
        before = entries(cache_folder())
        with filling(room) as compiling:
            failed = tuple(_compile(course, exercise, compiling, slot))
        yield Filled(exercise.id, entries(cache_folder()) - before, failed)


def _compile(course: Course, exercise: Exercise, room: Room, slot: Slot) -> Iterator[Failed]:
    """Run it once in each way, whatever becomes of the other; give what failed."""
    for told, run_once in (
        ("cli.prepare_training_failed", _by_trainer),
        ("cli.prepare_notebook_failed", _by_itself),
    ):
        try:
            why = _why_ended(run_once(course, exercise, room, slot))
        except GraderError as error:
            why = error.message
        if why is not None:
            yield Failed(told, why)


def _by_trainer(course: Course, exercise: Exercise, room: Room, slot: Slot) -> Execution:
    run = _run(course, exercise, Engine.TENSORFLOW, slot)
    with trainer(room, slot.cores, run.seed) as begin:
        return execute(run, room, trainer=begin, again=False)


def _by_itself(course: Course, exercise: Exercise, room: Room, slot: Slot) -> Execution:
    execution = execute(_run(course, exercise, Engine.JAX, slot), room, again=False)
    extract(
        execution,
        (exercise.id,),
        course,
        lambda tasks: evaluate(tasks, room, engine=Engine.JAX, cores=slot.cores),
        lambda _: 1,
    )
    return execution


def _run(course: Course, exercise: Exercise, engine: Engine, slot: Slot) -> Run:
    return Run(
        notebook=one_epoch(reference_notebook(exercise)),
        engine=engine,
        seed=1,
        attempt=1,
        timeout=SECONDS,
        memory_mb=MEMORY_MB,
        cores=slot.cores,
        files=room_files(course, (exercise,)),
    )


def _why_ended(execution: Execution) -> Message | None:
    """Say what kept a run from its end; None: nothing did."""
    if execution.outcome is not Outcome.FINISHED:
        return Message(OUTCOMES[execution.outcome])
    for cell in execution.cells:
        if cell.error is not None:
            error = f"{cell.error.name}: {cell.error.value}"
            return Message("cli.prepare_cell_failed", {"cell": cell.index, "error": error})
    return None
