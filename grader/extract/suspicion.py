"""Asks whether the recorded training can have made these weights.

Enters: a candidate with its architecture, what the family knows, answers of the evaluation room.
Leaves: further tasks for that room, and flags. Touches nothing.

Three questions, each answered with numbers that the judge computed: were the weights already good
when the first fit began (``pretrained``); did they become good with no fit running
(``no_training_seen``); does the claimed loss fit the loss computed anew (``history_contradicts``)?
A flag costs no points and asks a teacher to look, so each stands only where honest work can hardly
come: a model counts as good when its error is half that of always answering the mean, which no
untrained network reaches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grader.course.families import Family, Question
from grader.execution import Candidate, Fit, Jump
from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.tasks import Answer, ModelTask
from grader.types import Array, Json

PRETRAINED = "pretrained"
HISTORY_CONTRADICTS = "history_contradicts"
NO_TRAINING_SEEN = "no_training_seen"
ABOUT_CLAIMS = frozenset({PRETRAINED, HISTORY_CONTRADICTS, NO_TRAINING_SEEN})

CONTROL = "mean"  # every family's constant answer
GOOD = 0.5  # of the way from the constant answer to a perfect one
SAMPLE_ROWS = 256  # of the rows given to fit, predicted again
# The claimed loss is an epoch's average and the weights go on moving: honest ratios stay below ten,
# Adam's last jump included.
APART = 30.0
ORTHOGONAL = 1e-3  # float32 rounding in a product of 100 terms is far below
LOSSES: Mapping[str, Callable[[Array], Array]] = {
    "mse": np.square,
    "mean_squared_error": np.square,
    "mae": np.abs,
    "mean_absolute_error": np.abs,
}


@dataclass(frozen=True)
class Suspect:
    """A model that can be tried, and what is known of its training."""

    id: str
    candidate: Candidate
    architecture: Architecture
    fit: Fit | None
    family: Family
    question: Question


def inputs_with_sample(suspect: Suspect) -> Array:
    """Give the hidden inputs, followed by rows that fit was given: one room, one compilation."""
    inputs = suspect.question.inputs
    return np.concatenate([inputs, _sample(suspect)[0].astype(inputs.dtype)])


def doubts(suspect: Suspect) -> tuple[ModelTask, ...]:
    """Give the tasks that are needed to tell: none where training began from fresh weights."""
    return tuple(
        ModelTask(
            _id(suspect, side, number), suspect.architecture, weights, suspect.question.inputs
        )
        for number, jump in _doubtful(suspect)
        for side, weights in (("left", jump.left), ("found", jump.found))
        if weights
    )


def suspicions(suspect: Suspect, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """Give the flags, from the answers to ``doubts`` and to the task of the final weights.

    Args:
        suspect: the model; its own task was given ``inputs_with_sample``.
        answers: by task id.
    """
    flags = [
        PRETRAINED if _began(suspect.candidate, jump) else NO_TRAINING_SEEN
        for number, jump in _doubtful(suspect)
        if _tried(suspect, answers, "found", number)
        and not _tried(suspect, answers, "left", number)
    ]
    final = _predictions(answers.get(suspect.id))
    if final is not None and _contradicts(suspect, final[len(suspect.question.inputs) :]):
        flags.append(HISTORY_CONTRADICTS)
    return tuple(dict.fromkeys(flags))


def _doubtful(suspect: Suspect) -> list[tuple[int, Jump]]:
    """Give the changes that no fit made and that are no fresh start either."""
    candidate = suspect.candidate
    if not candidate.fits:
        jumps: tuple[Jump, ...] = (Jump((), candidate.final),)
    else:
        jumps = candidate.jumps or (Jump((), candidate.initial),)
    return [
        (number, jump)
        for number, jump in enumerate(jumps)
        if jump.found and not looks_fresh(suspect.architecture, jump.found)
    ]


def _began(candidate: Candidate, jump: Jump) -> bool:
    """Whether a fit went on from there; else the weights are the final ones."""
    return bool(candidate.fits) and not (
        bool(jump.left)
        and all(np.array_equal(a, b) for a, b in zip(jump.found, candidate.final, strict=True))
    )


def _id(suspect: Suspect, side: str, number: int) -> str:
    return f"{suspect.id}/{side}-{number}"


def _tried(suspect: Suspect, answers: Mapping[str, Answer], side: str, number: int) -> bool:
    predictions = _predictions(answers.get(_id(suspect, side, number)))
    return predictions is not None and is_good(suspect, predictions)


def _predictions(answer: Answer | None) -> Array | None:
    return None if answer is None or answer.error else answer.predictions


# --- is it good? -----------------------------------------------------------------------------


def is_good(suspect: Suspect, predictions: Array) -> bool:
    """Whether any metric is nearer to perfect than to always answering the mean."""
    answers = suspect.question.answers
    if predictions.size != answers.size or not np.isfinite(predictions).all():
        return False
    got = suspect.family.measure(predictions.reshape(answers.shape), suspect.question)
    constant = suspect.family.controls(suspect.question).get(CONTROL)
    if constant is None:
        return False
    control = suspect.family.measure(constant, suspect.question)
    return any(
        _better(got[name], control[name], direction)
        for name, direction in suspect.family.BETTER.items()
        if name in got and name in control
    )


def _better(value: float, control: float, direction: str) -> bool:
    if direction == "lower":
        return value <= GOOD * control
    return value >= control + GOOD * (1.0 - control)  # a share, perfect at 1


# --- does the history fit? -------------------------------------------------------------------


def _contradicts(suspect: Suspect, predictions: Array) -> bool:
    """Whether the claimed losses and the one computed anew are worlds apart.

    A model that carries its states from batch to batch answers otherwise when it is asked anew.
    """
    if any((layer.inner or layer).config.get("stateful") for layer in suspect.architecture.layers):
        return False
    targets = _sample(suspect)[1]
    distance = LOSSES.get(str(suspect.candidate.compile.get("loss")))
    claimed = [
        value
        for fit in suspect.candidate.fits
        for value in fit.history.get("loss", ())
        if math.isfinite(value)
    ]
    if distance is None or not claimed or predictions.size != targets.size or not targets.size:
        return False
    errors = predictions.reshape(-1).astype(np.float64) - targets.reshape(-1)
    if not np.isfinite(errors).all():
        return False
    found = float(distance(errors).mean())
    # Below a quarter of the constant answer's loss both are good, and ratios say nothing.
    notable = 0.25 * float(distance(targets - targets.mean()).mean())
    better_than_told = found < min(claimed) / APART and min(claimed) > notable
    worse_than_told = found > claimed[-1] * APART and found > notable
    return better_than_told or worse_than_told


def _sample(suspect: Suspect) -> tuple[Array, Array]:
    """Give rows and targets that fit was given; none where they have another form."""
    inputs = suspect.question.inputs
    nothing = inputs[:0], np.zeros(0)
    sample = suspect.fit.sample if suspect.fit else None
    if sample is None or sample.x is None or sample.y is None:
        return nothing
    rows = np.asarray(sample.x.rows)[:SAMPLE_ROWS]
    targets = np.asarray(sample.y.rows, dtype=np.float64)[:SAMPLE_ROWS]
    fits = rows.shape[1:] == inputs.shape[1:] and np.can_cast(rows.dtype, np.float64, "same_kind")
    if not fits or len(rows) != len(targets) or targets.size != len(rows):
        return nothing
    return rows, targets


# --- does it look untrained? -----------------------------------------------------------------


def looks_fresh(architecture: Architecture, weights: Sequence[Array]) -> bool:
    """Whether weights are as Keras initialises them: biases exact, kernels in their bounds.

    Weights of another model are no doubt of this kind: that they do not fit is said elsewhere.
    """
    shapes = [name for layer in architecture.layers for name in _weight_names(layer)]
    if len(shapes) != len(weights):
        return True
    return all(
        _is_fresh(layer, name, np.asarray(weight))
        for (layer, name), weight in zip(shapes, weights, strict=True)
    )


RECURRENT = ("SimpleRNN", "LSTM", "GRU")
WEIGHTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(RECURRENT, ("kernel", "recurrent", "bias")),
    "Dense": ("kernel", "bias"),
    "Conv1D": ("kernel", "bias"),
    "Embedding": ("embeddings",),
    "BatchNormalization": ("ones", "zeros", "zeros", "ones"),
    "LayerNormalization": ("ones", "zeros"),
    "SeparableConv1D": ("kernel", "kernel", "bias"),
}
MATRIX = 2  # axes; kernels of convolutions have more
DEFAULTS = {"kernel": "GlorotUniform", "recurrent": "Orthogonal", "bias": "Zeros"}


def _weight_names(layer: LayerSpec) -> Iterator[tuple[LayerSpec, str]]:
    if layer.inner is not None:
        yield from _weight_names(layer.inner)
        if layer.cls == "Bidirectional":
            yield from _weight_names(layer.inner)
        return
    for name in WEIGHTS.get(layer.cls, ()):
        if name != "bias" or layer.config.get("use_bias") is not False:
            yield layer, name


def _is_fresh(layer: LayerSpec, name: str, weight: Array) -> bool:
    if weight.dtype.kind != "f" or weight.size == 0 or not np.isfinite(weight).all():
        return False
    if name in ("zeros", "ones"):
        return bool((weight == (name == "ones")).all())
    kind = _initializer(layer, name)
    if name == "bias":
        return kind != "Zeros" or _is_fresh_bias(layer, weight)
    test = {"Orthogonal": _is_orthogonal, "GlorotUniform": _within_glorot}.get(kind)
    if test is None:
        return True  # another distribution: the biases and the answers tell
    return weight.ndim >= MATRIX and test(weight)


def _initializer(layer: LayerSpec, name: str) -> str:
    key = {"kernel": "kernel", "recurrent": "recurrent", "bias": "bias"}.get(name, name)
    told: Json = layer.config.get(f"{key}_initializer")
    given = told.get("class_name") if isinstance(told, dict) else None
    return str(given or DEFAULTS.get(name, ""))


def _is_fresh_bias(layer: LayerSpec, bias: Array) -> bool:
    """Zeros; the forget gate of an LSTM starts at one."""
    expected = np.zeros_like(bias)
    if layer.cls == "LSTM" and layer.config.get("unit_forget_bias", True) and bias.ndim == 1:
        units = len(bias) // 4
        expected[units : 2 * units] = 1.0
    return bool((bias == expected).all())


def _is_orthogonal(weight: Array) -> bool:
    flat = weight.reshape(-1, weight.shape[-1]).astype(np.float64)
    small = flat if flat.shape[0] <= flat.shape[1] else flat.T
    product = small @ small.T
    return bool(np.abs(product - np.eye(len(product))).max() <= ORTHOGONAL)


def _within_glorot(weight: Array) -> bool:
    receptive = math.prod(weight.shape[:-2])
    fan_in, fan_out = weight.shape[-2] * receptive, weight.shape[-1] * receptive
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return bool(np.abs(weight).max() <= limit * (1.0 + 1e-5))
