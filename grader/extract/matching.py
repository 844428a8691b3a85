"""How much a model resembles what an exercise asks for, and which exercises a notebook holds.

Enters: candidates and exercises. Leaves: resemblances from 0 to 1, and choices. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.forms import accepted_forms, align
from grader.extract.architecture import Architecture, read_architecture
from grader.extract.keras_config import NotRebuildableError, class_names
from grader.types import Candidate, Json, Message

NEAR = 0.5  # below this a model is rather another exercise's than a wrong answer to this one


@dataclass(frozen=True)
class ModelReading:
    """A candidate with its architecture, or the reason why it has none that can be rebuilt."""

    candidate: Candidate
    architecture: Architecture | None
    obstacle: Message | None
    names: tuple[str, ...]  # layer classes in order, for people

    @property
    def trained(self) -> bool:
        """Whether a fit ran at least one epoch, or the weights moved otherwise."""
        return any(fit.ended and fit.epochs_run for fit in self.candidate.fits) or moved(
            self.candidate
        )


def moved(candidate: Candidate) -> bool:
    """Whether the last weights differ from the first ones."""
    return len(candidate.initial) == len(candidate.final) and any(
        a.shape != b.shape or bool((a != b).any())
        for a, b in zip(candidate.initial, candidate.final, strict=True)
    )


def read_model(candidate: Candidate) -> ModelReading:
    """Read the architecture of a candidate, kindly where it cannot be."""
    try:
        architecture = read_architecture(candidate.config)
    except NotRebuildableError as error:
        return ModelReading(candidate, None, error.message, class_names(candidate.config))
    names = tuple(layer.title for layer in architecture.layers)
    return ModelReading(candidate, architecture, None, names)


def _sized(reading: ModelReading, exercise: Exercise) -> Exercise:
    """Give the exercise at the sizes that this model's input shows, where it leaves some free."""
    return exercise.sized(reading.architecture.input_shape) if reading.architecture else exercise


def resemblance(reading: ModelReading, exercise: Exercise) -> float:
    """Give 1.0 for exactly the model that is asked for, 0.0 for one without a common layer."""
    forms = accepted_forms(_sized(reading, exercise))
    return max(_resemblance(reading, form.layers) for form in forms)


def _resemblance(reading: ModelReading, layers: Sequence[ExpectedLayer]) -> float:
    longest = max(len(layers), len(reading.names))
    if longest == 0:
        return 0.0
    total = 0.0
    places = align(reading.names, [layer.cls for layer in layers])
    for place, layer in zip(places, layers, strict=True):
        if place is None:
            continue
        specs = reading.architecture.layers if reading.architecture else ()
        settings: Mapping[str, Json] = specs[place].settings if place < len(specs) else {}
        same = [settings.get(key) == value for key, value in layer.config.items()]
        total += 0.5 + 0.5 * (sum(same) / len(same) if same else 1.0)
    return total / longest


def exercises_held(
    readings: Sequence[ModelReading], exercises: Sequence[Exercise]
) -> tuple[Exercise, ...]:
    """Give the exercises whose very model the notebook holds, else the nearest one, else none."""
    held = tuple(
        exercise
        for exercise in exercises
        if any(
            resemblance(reading, exercise) == 1.0 and not _is_theirs(reading, exercise, exercises)
            for reading in readings
        )
    )
    if held:
        return held
    scored = [
        (resemblance(reading, exercise), -exercise.order, exercise)
        for reading in readings
        for exercise in exercises
    ]
    best = max(scored, key=lambda entry: entry[:2], default=None)
    return (best[2],) if best is not None and best[0] > 0 else ()


def _is_theirs(reading: ModelReading, exercise: Exercise, others: Sequence[Exercise]) -> bool:
    """Whether a model is exactly what another exercise asks for, and that says more about it.

    A GRU with dropout is also a GRU: it belongs to the exercise that asks for the dropout.
    """
    own = _settings_met(reading, exercise)
    return any(_settings_met(reading, other) > own for other in others if other.id != exercise.id)


def _settings_met(reading: ModelReading, exercise: Exercise) -> int:
    """Give how many settings an exactly met exercise names, -1 where it is not exactly met."""
    forms = accepted_forms(_sized(reading, exercise))
    exact = [form.layers for form in forms if _resemblance(reading, form.layers) == 1.0]
    return max((sum(len(layer.config) for layer in layers) for layers in exact), default=-1)


def choose(
    readings: Sequence[ModelReading],
    exercise: Exercise,
    others: Sequence[Exercise] = (),
) -> ModelReading | None:
    """Choose the model that stands for an exercise: the best fit, the last trained one of equals.

    Args:
        readings: every model of the notebook.
        exercise: the one to find a model for.
        others: exercises that the same notebook may answer too; a model that is rather theirs, or
            that resembles this exercise little, is not taken for an attempt at this one.
    """
    scored = []
    for reading in readings:
        likeness = resemblance(reading, exercise)
        if others and (likeness < NEAR or _is_theirs(reading, exercise, others)):
            continue
        scored.append((round(likeness, 6), reading.trained, reading.candidate.order, reading))
    best = max(scored, key=lambda entry: entry[:3], default=None)
    return best[3] if best else None
