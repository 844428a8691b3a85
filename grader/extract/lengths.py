"""Sequences longer or shorter than the exercise's own: a size, and no mistake of the model's.

Enters: an exercise, the shape of a student's input, what the family found. Leaves: the exercise at
the student's own length, what is said of it, the question that the model is asked. Touches nothing.

Longer sequences show at least what the exercise's own show, so the model is asked at its own
length. Shorter ones may make the exercise easier, so the model is asked at the exercise's, which a
network that reads step by step can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grader.course.exercises import Exercise
from grader.course.families import DataReading, Family, Looks, Question
from grader.execution import Fit
from grader.extract.architecture import Architecture
from grader.types import Finding, Message, Scalar

SHAPE = "data.shape"  # every family's first question


@dataclass(frozen=True)
class Other:
    """A length that is not the exercise's own."""

    name: str
    got: int
    usual: int
    enough: int

    @property
    def shorter(self) -> bool:
        """Whether the exercise's own is longer."""
        return self.got < self.usual

    @property
    def args(self) -> dict[str, Scalar]:
        """For messages."""
        return {"got": self.got, "usual": self.usual, "enough": self.enough}


def is_known(exercise: Exercise, shape: Sequence[int | None]) -> bool:
    """Whether an input has the exercise's lengths, in any profile; axes may be swapped."""
    forms = (exercise, *exercise.elsewhere)
    if sorted(map(str, shape)) in [sorted(map(str, one.input_shape)) for one in forms]:
        return True
    return any(
        one.form.read(shape) is not None and not other_lengths(one, one.sized(shape))
        for one in forms
    )


def other_lengths(exercise: Exercise, own: Exercise) -> tuple[Other, ...]:
    """Give the lengths in which the student's sizes differ from the exercise's."""
    usual, got = exercise.lengths, own.lengths
    return tuple(
        Other(size.name, got[size.name], usual[size.name], size.enough)
        for size in exercise.form.free
        if size.name in usual and got.get(size.name) not in (None, usual[size.name])
    )


def told(data: DataReading, others: Sequence[Other]) -> DataReading:
    """Say that a length is another one; too short a one fails the question about the shape."""
    short = [other for other in others if other.got < other.enough]
    if any(one.id == SHAPE and one.fraction < 1.0 for one in data.findings):
        return data  # what is wrong is more than a length, and is said
    notes = tuple(
        Message("data.length_shorter" if other.shorter else "data.length_longer", other.args)
        for other in others
        if other not in short
    )
    findings = tuple(
        _too_short(short[0]) if short and one.id == SHAPE else one for one in data.findings
    )
    return replace(data, findings=findings, notes=(*notes, *data.notes))


def examined(
    family: Looks, exercise: Exercise, shape: Sequence[int | None], fit: Fit
) -> DataReading:
    """Say what the data are that a fit was given: of the exercise, or else what is wrong.

    Args:
        family: what looks at the exercise's data.
        exercise: at its own lengths.
        shape: of the model's input, without the batch axis.
        fit: with the sample that was seen.
    """
    own = exercise.sized(shape)
    return told(family.examine(fit.sample, own.data), other_lengths(exercise, own))


def _too_short(other: Other) -> Finding:
    message = Message("data.length_too_short", other.args)
    hint = Message("data.length_too_short_hint", other.args)
    return Finding(SHAPE, 0.0, f"≥ {other.enough}", str(other.got), message, hint)


def asked_at(exercise: Exercise, own: Exercise) -> Exercise:
    """Give the exercise at the length of its hidden questions: never a shorter one than its own."""
    return exercise if any(one.shorter for one in other_lengths(exercise, own)) else own


def question_for(
    family: Family, data: DataReading, exercise: Exercise, hidden_seed: int
) -> Question:
    """Draw the hidden question at an exercise's length, in the student's layout."""
    return family.ask(data, np.random.default_rng(hidden_seed), exercise.data)


def fits_in(question: Question, shape: Sequence[int | None]) -> bool:
    """Whether a model of this input shape takes the question's inputs."""
    rows = question.inputs.shape[1:]
    return len(rows) == len(shape) and all(
        size in (None, there) for size, there in zip(shape, rows, strict=True)
    )


def of_any_length(architecture: Architecture, exercise: Exercise) -> Architecture:
    """Leave the lengths of the input open: the same layers, for sequences of any length."""
    extents = exercise.form.input_shape
    if len(extents) != len(architecture.input_shape):
        return architecture
    sizes = zip(extents, architecture.input_shape, strict=True)
    shape = tuple(None if extent in exercise.lengths else size for extent, size in sizes)
    return replace(architecture, input_shape=shape)
