"""Whether a loss has a slope where a model's weights are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grader.execution import ArraySample, Candidate, Fit, FitSample
from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.slope import ROWS, has_no_slope, slope_task
from grader.extract.tasks import Answer
from grader.types import Array

DENSE = Architecture((3,), "float32", (LayerSpec("Dense", {"units": 1}),))
WEIGHTS = (np.ones((3, 1), np.float32),)


def candidate(loss: str, targets: Any, **compiled: Any) -> Candidate:
    y = np.asarray(targets)
    x = np.zeros((len(y), 3), np.float32)
    parts = (ArraySample(one.shape, str(one.dtype), one, {}) for one in (x, y))
    fit = Fit(4, FitSample(*parts), 5, 5, {}, True, {})
    return Candidate(1, "model", 4, {}, {"loss": loss, **compiled}, (fit,), WEIGHTS, WEIGHTS, 1)


def stuck(loss: str, predictions: Any, targets: Any = None, **compiled: Any) -> bool:
    given: Array = np.asarray(predictions, np.float32)
    wanted = np.zeros(len(given)) if targets is None else targets
    return has_no_slope(candidate(loss, wanted, **compiled), Answer(predictions=given))


@pytest.mark.parametrize("loss", ["binary_crossentropy", "sparse_categorical_crossentropy"])
def test_where_every_answer_is_cut_off_nothing_changes_the_loss(loss: str) -> None:
    assert stuck(loss, [[-0.5], [-0.1], [1.5]])
    assert not stuck(loss, [[-0.5], [0.1], [1.5]])


def test_of_classes_the_share_of_the_right_one_decides() -> None:
    right = [[0.0, 1.0], [1.0, 0.0]]
    assert stuck("categorical_crossentropy", [[2.0, -1.0], [-1.0, 3.0]], right)
    assert not stuck("categorical_crossentropy", [[2.0, -1.0], [1.0, 3.0]], right)
    assert not stuck("categorical_crossentropy", [[2.0, -1.0]], [[1.0]])
    assert stuck("categorical_crossentropy", [[0.0, 0.0]], [[0.0, 1.0]])
    assert not stuck("categorical_crossentropy", [[2.0, -1.0]], [[0.0, 0.0]])  # of no class


@pytest.mark.parametrize("loss", ["mse", "mean_absolute_error", "own"])
def test_other_losses_have_a_slope_everywhere(loss: str) -> None:
    assert not stuck(loss, [[-0.5], [-0.1]])


def test_of_logits_none_are_cut_off() -> None:
    assert not stuck("binary_crossentropy", [[-0.5]], **{"loss.from_logits": True})


def test_of_what_was_not_answered_nothing_is_known() -> None:
    model = candidate("binary_crossentropy", [0.0])
    for answer in (Answer(), Answer(error="no"), Answer(predictions=np.full((1, 1), np.nan))):
        assert not has_no_slope(model, answer)


def test_it_is_asked_with_the_weights_it_has_on_rows_that_fit_was_given() -> None:
    task = slope_task("conv", DENSE, candidate("mse", np.zeros(2 * ROWS)))
    assert task is not None
    assert (task.id, task.exercise, task.weights) == ("conv/slope", "conv", WEIGHTS)
    assert task.inputs is not None
    assert len(task.inputs) == ROWS
    assert task.training is None


def test_of_weights_or_rows_that_were_not_seen_nothing_is_asked() -> None:
    model = candidate("mse", [0.0])
    assert slope_task("conv", DENSE, replace(model, final=())) is None
    unseen = replace(model.fits[0], sample=FitSample(None, None))
    assert slope_task("conv", DENSE, replace(model, fits=(unseen,))) is None
    assert slope_task("conv", DENSE, replace(model, fits=())) is None
