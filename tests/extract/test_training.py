"""What the fits of a model are said to have done to it."""

from __future__ import annotations

import numpy as np

from grader.extract.matching import read_model
from grader.extract.training import training_facts
from grader.types import Candidate, Fit, FitSample

UNSEEN = FitSample(None, None)


def fit(epochs: int, *, ended: bool = True) -> Fit:
    return Fit(3, UNSEEN, 100, epochs, {}, finished=ended, arguments={}, ended=ended)


def candidate(*fits: Fit) -> Candidate:
    weights = (np.zeros(2, np.float32),)
    return Candidate(1, "model", 3, {}, {}, fits, weights, weights, 1)


def test_epochs_are_those_of_the_fits_that_ended() -> None:
    facts = training_facts(read_model(candidate(fit(5), fit(40, ended=False))), fit(5))
    assert (facts.fits, facts.epochs, facts.reached) == (2, 5, 40)


def test_a_training_that_ended_was_cut_off_nowhere() -> None:
    assert training_facts(read_model(candidate(fit(5), fit(7))), fit(7)).reached is None


def test_a_model_that_a_fit_began_to_train_is_not_yet_a_trained_one() -> None:
    assert not read_model(candidate(fit(40, ended=False))).trained
    assert read_model(candidate(fit(40))).trained
