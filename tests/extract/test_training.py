"""What the fits of a model are said to have done to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.execution import ArraySample, Candidate, Fit, FitSample
from grader.extract.matching import read_model
from grader.extract.training import training_facts, updates_of

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


def test_updates_of_a_data_set_are_those_of_the_batches_that_were_drawn() -> None:
    """One update an epoch is that, however the repeated training would cut its rows."""
    x = ArraySample((1000, 3), "float32", np.zeros((4, 3), np.float32), {})
    drawn = FitSample(x, x, kind="drawn", batch=1000)
    of_it = candidate(replace(fit(20), sample=drawn))
    assert updates_of(of_it) == 20
    assert updates_of(candidate(replace(fit(20), sample=replace(drawn, batch=None)))) == 20 * 32
    assert updates_of(candidate(replace(fit(20), sample=replace(drawn, kind="dataset")))) is None
