"""What a class takes on given machines: hours of cores and GPUs, and the time until all is done.

Enters: durations of exercises, how many students, machines. Leaves: Plan. Touches nothing.

Every notebook's seconds are drawn from those recorded for its exercise, with a fixed seed, so that
the same question has the same answer. Work that several hand in alike, and attempts that were not
recorded, are not foreseen.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from grader.pipeline.durations import Durations
from grader.pipeline.simulation import (
    HOUR,
    Machines,
    Simulated,
    SimulatedJob,
    one_queue,
    own_parts,
)

SEED = 20_000_103


@dataclass(frozen=True)
class PlannedExercise:
    """One exercise for the whole class."""

    durations: Durations
    hours: float  # of one place to work at


@dataclass(frozen=True)
class Plan:
    """A class on machines: given out as they become free, and in parts of their own."""

    exercises: tuple[PlannedExercise, ...]
    notebooks: int
    one_queue: Simulated
    own_parts: Simulated

    @property
    def hours(self) -> float:
        """Hours of one place: of a core and, where notebooks run on GPUs, of a GPU."""
        return math.fsum(one.hours for one in self.exercises)


def plan(durations: Sequence[Durations], students: int, machines: Machines) -> Plan:
    """Draw a class and grade it on imagined machines: a notebook per student and exercise."""
    draw = random.Random(SEED)  # noqa: S311 - a simulation
    drawn = [[draw.choice(one.seconds) for _ in range(students)] for one in durations]
    jobs = [
        SimulatedJob(one.usual, seconds)
        for one, each in zip(durations, drawn, strict=True)
        for seconds in each
    ]
    exercises = tuple(
        PlannedExercise(one, math.fsum(each) / HOUR)
        for one, each in zip(durations, drawn, strict=True)
    )
    draw.shuffle(jobs)  # a class is not sorted by exercise, nor are the parts of --shard
    return Plan(exercises, len(jobs), one_queue(jobs, machines), own_parts(jobs, machines))
