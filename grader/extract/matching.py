"""How much a model resembles what an exercise asks for, and which of several stands for it.

Enters: candidates and exercises. Leaves: resemblances from 0 to 1, and choices. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.forms import accepted_forms, align
from grader.execution import Candidate, Fit
from grader.extract.architecture import (
    Architecture,
    LayerSpec,
    UnbuiltError,
    read_architecture,
    read_layers,
)
from grader.extract.keras_config import NotRebuildableError, class_names
from grader.extract.suspicion import looks_fresh
from grader.types import Json, Message

NEAR = 0.5  # below this a model is rather another exercise's than a wrong answer to this one


@dataclass(frozen=True)
class ModelReading:
    """A candidate with its architecture, or the reason why it has none that can be rebuilt.

    One that was never built has its layers and, once an exercise has given it an input shape, an
    architecture; it has no weights, and ``obstacle`` says so.
    """

    candidate: Candidate
    architecture: Architecture | None
    obstacle: Message | None
    names: tuple[str, ...]  # layer classes in order, for people
    layers: tuple[LayerSpec, ...] = ()  # none where they cannot be read

    @property
    def trained(self) -> bool:
        """Whether a fit ran at least one epoch, or the weights moved otherwise."""
        return any(fit.ended and fit.epochs_run for fit in self.candidate.fits) or self.moved

    @property
    def moved(self) -> bool:
        """Whether the last weights differ from the first ones.

        TensorFlow makes a model that has no input shape in the first step that it compiles. Where
        that is a step of the notebook's own, nobody saw the weights before it: then updates were
        counted, and the weights are not as any layer starts with.
        """
        if moved(self.candidate) or not self.candidate.own_updates or self.architecture is None:
            return moved(self.candidate)
        return not looks_fresh(self.architecture, self.candidate.final)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Give the input's shape without the batch axis; what is left open as the data show it."""
        return self.shape_for(data_shape(telling_fit(self.candidate)))

    def shape_for(self, given: tuple[int, ...]) -> tuple[int | None, ...]:
        """Give the input's shape where rows of this one are given, without the batch axis."""
        if self.architecture is None:
            return given
        shape = self.architecture.input_shape
        if len(given) != len(shape):
            return shape
        return tuple(
            there if size is None else size for size, there in zip(shape, given, strict=True)
        )

    def built_for(self, exercise: Exercise) -> ModelReading:
        """Give a model that was never built the shape of its data, where they are such data.

        Else the shape of the exercise's own: so where Keras noted the shape of data that its layers
        do not take, as ``fit`` failed over them.
        """
        if not self.layers or not (self.architecture is None or self._is_half_built(exercise)):
            return self
        shape = exercise.sized(data_shape(telling_fit(self.candidate))).input_shape
        try:
            read = read_architecture(self.candidate.config, shape, noted=False)
        except NotRebuildableError as error:
            return replace(self, obstacle=error.message)
        return replace(self, architecture=read, obstacle=self.obstacle or UnbuiltError().message)

    def _is_half_built(self, exercise: Exercise) -> bool:
        """Whether no layer has weights, and the input that is noted has other axes."""
        candidate, read = self.candidate, self.architecture
        if read is None or candidate.bare or candidate.raised or candidate.final:
            return False
        return len(read.input_shape) != len(exercise.input_shape)


def moved(candidate: Candidate) -> bool:
    """Whether the last weights differ from the first ones."""
    return len(candidate.initial) == len(candidate.final) and any(
        a.shape != b.shape or bool((a != b).any())
        for a, b in zip(candidate.initial, candidate.final, strict=True)
    )


def telling_fit(candidate: Candidate) -> Fit | None:
    """Give the fit that shaped the model: the longest whose data were seen.

    Of equals the one that shows most of its rows, the last of those: there is no room for all.

    Where there was none, what ``train_on_batch`` was given stands for it.
    """
    if not candidate.fits and candidate.own_sample is not None:
        return Fit(candidate.cell, candidate.own_sample, None, 0, {}, True, {}, calls=0)
    fits = [fit for fit in candidate.fits if fit.sample.x is not None] or list(candidate.fits)
    return max(reversed(fits), key=_telling, default=None)


def _telling(fit: Fit) -> tuple[int, int]:
    return fit.ended * fit.epochs_run, 0 if fit.sample.x is None else len(fit.sample.x.rows)


def data_shape(fit: Fit | None) -> tuple[int, ...]:
    """Give the shape of one row that fit was given; nothing where none was seen."""
    return fit.sample.x.shape[1:] if fit is not None and fit.sample.x is not None else ()


def read_model(candidate: Candidate) -> ModelReading:
    """Read the architecture of a candidate, kindly where it cannot be."""
    config = candidate.config
    try:
        architecture = read_architecture(config)
    except UnbuiltError as error:
        layers = read_layers(config)
        names = tuple(layer.title for layer in layers)
        return ModelReading(candidate, None, error.message, names, layers)
    except NotRebuildableError as error:
        return ModelReading(candidate, None, error.message, class_names(config))
    names = tuple(layer.title for layer in architecture.layers)
    return ModelReading(candidate, architecture, None, names, architecture.layers)


def models_of(readings: Sequence[ModelReading]) -> Sequence[ModelReading]:
    """Leave out layers of which no model could be made, where there are models."""
    return [one for one in readings if not one.candidate.raised] or readings


def resemblance(reading: ModelReading, exercise: Exercise) -> float:
    """Give 1.0 for exactly the model that is asked for, 0.0 for one without a common layer."""
    forms = accepted_forms(exercise.sized(reading.input_shape))
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
        specs = reading.layers
        settings: Mapping[str, Json] = specs[place].settings if place < len(specs) else {}
        same = [settings.get(key) == value for key, value in layer.config.items()]
        total += 0.5 + 0.5 * (sum(same) / len(same) if same else 1.0)
    return total / longest


def is_theirs(reading: ModelReading, exercise: Exercise, others: Sequence[Exercise]) -> bool:
    """Whether a model is exactly what another exercise asks for, and that says more about it.

    A GRU with dropout is also a GRU: it belongs to the exercise that asks for the dropout.
    """
    own = _settings_met(reading, exercise)
    return any(_settings_met(reading, other) > own for other in others if other.id != exercise.id)


def _settings_met(reading: ModelReading, exercise: Exercise) -> int:
    """Give how many settings an exactly met exercise names, -1 where it is not exactly met."""
    forms = accepted_forms(exercise.sized(reading.input_shape))
    exact = [form.layers for form in forms if _resemblance(reading, form.layers) == 1.0]
    return max((sum(len(layer.config) for layer in layers) for layers in exact), default=-1)


def fitted_instead(
    readings: Sequence[ModelReading],
    chosen: ModelReading,
    exercise: Exercise,
    others: Sequence[Exercise] = (),
) -> ModelReading | None:
    """Give the model that fit was called on where it was not called on the one that is meant.

    Its data are the notebook's. Of several the likest; arguments as of ``choose``.
    """
    fitted = [
        one
        for one in readings
        if one is not chosen and any(fit.sample.x is not None for fit in one.candidate.fits)
    ]
    return choose(fitted, exercise, others)


def choose(
    readings: Sequence[ModelReading],
    exercise: Exercise,
    others: Sequence[Exercise] = (),
) -> ModelReading | None:
    """Choose the model that stands for an exercise: the best fit, the last trained one of equals.

    Layers of which no model could be made stand for it only where no model does.

    Args:
        readings: every model of the notebook.
        exercise: the one to find a model for.
        others: exercises that the same notebook may answer too; a model that is rather theirs, or
            that resembles this exercise little, is not taken for an attempt at this one.
    """
    scored = []
    for reading in readings:
        likeness = resemblance(reading, exercise)
        if others and (likeness < NEAR or is_theirs(reading, exercise, others)):
            continue
        candidate = reading.candidate
        rank = (not candidate.raised, round(likeness, 6), reading.trained, candidate.order)
        scored.append((rank, reading))
    best = max(scored, key=lambda entry: entry[0], default=None)
    return best[1] if best else None
