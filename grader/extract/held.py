"""Which exercises a notebook holds that names none: its layers, its inputs and its data decide.

Enters: readings, exercises, a way to ask whose data a model was given. Leaves: a Held. Touches:
loads families.

Layers alone say little: every spam filter is an Embedding, an LSTM and a Dense. A model of exactly
the asked layers counts at a length that the course knows; any other one needs the exercise's data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from grader.course.exercises import Course, Exercise
from grader.course.families import are_own
from grader.course.looking import looks_at
from grader.execution import Fit
from grader.extract.apart import Care, Unjudged
from grader.extract.lengths import is_known
from grader.extract.matching import NEAR, ModelReading, is_theirs, resemblance, telling_fit
from grader.types import Message

EXACT = 1.0
ON_ITS_DATA = 0.6  # of a model that was given the exercise's data, whatever its layers are
ELSEWHERE = 0.4  # what layers count for on other data, and again for another kind of input

# True: the exercise's data; False: others; None: nothing was seen of them.
Whose: TypeAlias = Callable[[ModelReading, Exercise], bool | None]


@dataclass(frozen=True)
class Nearest:
    """The model and the exercise that are nearest to each other, and how near, from 0 to 1."""

    reading: ModelReading
    exercise: Exercise
    nearness: float


@dataclass(frozen=True)
class Held:
    """The exercises of a notebook; where none is held exactly, the nearest pair, if any is."""

    exercises: tuple[Exercise, ...]
    nearest: Nearest | None = None


def whose_data(course: Course, care: Care) -> Whose:
    """Give what says whether a model was given an exercise's data; each is looked at once."""
    seen: dict[tuple[int, str], bool | None] = {}

    def look(fit: Fit, exercise: Exercise) -> bool | None:
        looks = looks_at(course, exercise)
        if isinstance(looks, Message):
            return None
        return are_own(looks, looks.examine(fit.sample, exercise.data))

    def whose(reading: ModelReading, exercise: Exercise) -> bool | None:
        fit = telling_fit(reading.candidate)
        if fit is None or fit.sample.x is None or exercise.family is None:
            return None
        own = exercise.sized(reading.input_shape)
        key = (id(fit.sample), json.dumps([exercise.family, dict(own.data)], sort_keys=True))
        if key not in seen:
            found = care.do(exercise.id, partial(look, fit, own))
            seen[key] = None if isinstance(found, Unjudged) else found
        return seen[key]

    return whose


def unseen(reading: ModelReading, exercise: Exercise) -> bool | None:
    """Say of no data whose they are."""
    del reading, exercise
    return None


def exercises_held(
    readings: Sequence[ModelReading], exercises: Sequence[Exercise], whose: Whose = unseen
) -> Held:
    """Give the exercises whose very model the notebook holds, else the nearest one, else none.

    Args:
        readings: every model of the notebook.
        exercises: those of the course.
        whose: says whether a model was given an exercise's data.
    """
    exact = tuple(
        exercise
        for exercise in exercises
        if any(_is_the_very(reading, exercise, exercises, whose) for reading in readings)
    )
    if exact:
        return Held(exact)
    pairs = [
        Nearest(reading, exercise, nearness(reading, exercise, whose))
        for reading in readings
        for exercise in exercises
    ]
    best = max(pairs, key=_rank, default=None)
    if best is None or best.nearness == 0.0:
        return Held(())
    return Held((best.exercise,) if best.nearness >= NEAR else (), best)


def nearness(reading: ModelReading, exercise: Exercise, whose: Whose = unseen) -> float:
    """Give 1.0 for the asked model on its data, less for other layers, inputs and data."""
    likeness, fits = resemblance(reading, exercise), _fits(reading, exercise)
    theirs = whose(reading, exercise) if fits is not False else False
    if theirs:
        return ON_ITS_DATA + (1.0 - ON_ITS_DATA) * likeness
    if theirs is False and not (likeness == EXACT and is_known(exercise, reading.input_shape)):
        likeness *= ELSEWHERE
    return likeness * (ELSEWHERE if fits is False else 1.0)


def _rank(pair: Nearest) -> tuple[float, int, bool, int]:
    candidate = pair.reading.candidate
    return round(pair.nearness, 6), -pair.exercise.order, pair.reading.trained, candidate.order


def _is_the_very(
    reading: ModelReading, exercise: Exercise, exercises: Sequence[Exercise], whose: Whose
) -> bool:
    if resemblance(reading, exercise) < EXACT or is_theirs(reading, exercise, exercises):
        return False
    return nearness(reading, exercise, whose) == EXACT


def _fits(reading: ModelReading, exercise: Exercise) -> bool | None:
    """Whether the input is one of the exercise's, at any length; None where there is none yet."""
    shape = reading.input_shape
    if not shape:
        return None
    return exercise.form.read(shape) is not None or is_known(exercise, shape)
