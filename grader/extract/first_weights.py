"""Asks whether a model answers before it has learned: with the first weights that it is told.

Enters: a suspect, answers of the evaluation room. Leaves: a ModelTask; yes or no. Touches nothing.

Initializers hold numbers too. Whoever gives each column its coefficient of a regression as a scale,
and begins with equal weights everywhere, has that regression before the first epoch; an order for
so small a rate that nothing changes is an order like others. Kernels that are drawn around nothing
hold no answer, so only models are asked of which no kernel is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.suspicion import CONTROL, Suspect, is_good
from grader.extract.tasks import Answer, ModelTask
from grader.types import Array, Json

ANSWERS_UNTRAINED = "answers_untrained"
# Their numbers, or the middle and the spread of what is drawn, are told.
TOLD = frozenset("Constant Ones Identity RandomNormal RandomUniform TruncatedNormal".split())
LEARNED = 0.01  # of the error that a training takes away at least


def first_task(suspect: Suspect) -> ModelTask | None:
    """Have a model asked as it begins; None where its first weights can hold no answer."""
    kernels = list(_kernels(suspect.architecture))
    if not kernels or not all(one in TOLD for one in kernels):
        return None
    return ModelTask(_id(suspect), suspect.architecture, inputs=suspect.question.inputs, seed=0)


def answers_untrained(suspect: Suspect, answers: Mapping[str, Answer]) -> bool:
    """Whether a model answered from the beginning, so that no training was needed for it.

    It was good then, or better than always answering the mean and no training made it better.

    Args:
        suspect: the model.
        answers: by task id; those of its last weights may be followed by others.
    """
    first, last = _of(answers, _id(suspect), suspect), _of(answers, suspect.id, suspect)
    if first is None or last is None:
        return False
    if is_good(suspect, first):
        return True
    began, ended, constant = (
        _errors(suspect, one)
        for one in (first, last, suspect.family.controls(suspect.question)[CONTROL])
    )
    return bool(began) and all(
        began[name] < constant[name] and ended[name] > (1.0 - LEARNED) * began[name]
        for name in began
    )


def _id(suspect: Suspect) -> str:
    return f"{suspect.id}/first"


def _kernels(architecture: Architecture) -> Iterator[str]:
    """Give what each layer with a kernel draws it by; Keras' own where nothing is told."""
    for layer in architecture.layers:
        innermost = _innermost(layer)
        if {"units", "filters"} & innermost.config.keys():
            told: Json = innermost.config.get("kernel_initializer")
            yield str(told.get("class_name")) if isinstance(told, dict) else ""


def _innermost(layer: LayerSpec) -> LayerSpec:
    return layer if layer.inner is None else _innermost(layer.inner)


def _of(answers: Mapping[str, Answer], task: str, suspect: Suspect) -> Array | None:
    """Give the answers to the hidden question; None where there are none that can be read."""
    answer, right = answers.get(task), suspect.question.answers
    if answer is None or answer.error or answer.predictions is None:
        return None
    given = answer.predictions[: len(suspect.question.inputs)]
    if given.size != right.size or not np.isfinite(given).all():
        return None
    return given.reshape(right.shape)


def _errors(suspect: Suspect, answers: Array) -> dict[str, float]:
    """Give how far answers are from perfect, by every metric that the family chooses among."""
    found = suspect.family.measure(answers, suspect.question)
    return {
        name: found[name] if direction == "lower" else 1.0 - found[name]
        for name, direction in suspect.family.BETTER.items()
        if name in found
    }
