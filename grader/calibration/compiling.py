"""Fills the cache of compiled programs from the references, once per machine.

Enters: a course and a room. Leaves: how many compiled programs each exercise added. Touches: rooms;
the cache folder of this user.

A reference for one epoch compiles what most notebooks of its exercise compile, and so does its
evaluation: once where the notebook trains by itself, once where our own room trains for it. Nothing
of a student's is run here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from grader.calibration.measure import reference_notebook
from grader.calibration.on_trainer import trainer
from grader.calibration.one_epoch import one_epoch
from grader.course.data import room_files
from grader.course.exercises import Course, Exercise
from grader.execute.execute import execute
from grader.execute.run import Run
from grader.extract.evaluate import evaluate
from grader.extract.extract import extract
from grader.pipeline.runner import Slot
from grader.room import Room
from grader.room.xla_cache import cache_folder, entries, filling
from grader.types import Engine, GraderError

SECONDS = 60.0  # for one reference; what was compiled until then stays
MEMORY_MB = 4096


@dataclass(frozen=True)
class Filled:
    """What one exercise's reference added to the cache."""

    exercise: str
    added: int


def fill(course: Course, room: Room, slot: Slot) -> Iterator[Filled]:
    """Run every reference for an epoch in rooms that compile into the cache."""
    for exercise in course.exercises.values():
        if exercise.reference_path is None:
            continue
        before = entries(cache_folder())
        with suppress(GraderError), filling(room) as compiling:
            _compile(course, exercise, compiling, slot)
        yield Filled(exercise.id, entries(cache_folder()) - before)


def _compile(course: Course, exercise: Exercise, room: Room, slot: Slot) -> None:
    run = Run(
        notebook=one_epoch(reference_notebook(exercise)),
        engine=Engine.JAX,
        seed=1,
        attempt=1,
        timeout=SECONDS,
        memory_mb=MEMORY_MB,
        cores=slot.cores,
        files=room_files(course, (exercise,)),
    )
    with trainer(room, slot.cores, run.seed) as begin:
        execute(replace(run, engine=Engine.TENSORFLOW), room, trainer=begin, again=False)
    extract(
        execute(run, room, again=False),
        (exercise.id,),
        course,
        lambda tasks: evaluate(tasks, room, engine=Engine.JAX, cores=slot.cores),
        lambda _: 1,
    )
