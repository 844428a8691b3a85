"""Whose training stands for a model."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from grader.execution import FitSample, Training
from grader.extract.matching import read_model
from grader.extract.proof import (
    chain_of,
    is_unheard,
    layers_digest,
    note_of,
    proof_of,
    proven_facts,
    told_by,
    weights_digest,
    whole_passes,
)
from grader.trainer.layers import read_model as ordered
from grader.types import Array, Message, Proof
from tests.support.builders import execution, training
from tests.support.orders import dense, lstm, sequential

MODEL = sequential(lstm(), dense())
WEIGHTS = (np.ones((2, 12), np.float32), np.zeros(1, np.float32))
WHY = Message("proof.told", {"why": "own"})


def ours(key: str = "a", weights: tuple[Array, ...] = WEIGHTS, **changes: Any) -> Training:
    layers = layers_digest(ordered(MODEL).layers)
    usual = {"epochs": 2, "updates": 6, "moved": True, "history": {"loss": (0.5, 0.25)}}
    return Training(7, key, layers, weights_digest(weights), **{**usual, **changes})


def reading(config: Any = MODEL, weights: tuple[Array, ...] = WEIGHTS) -> Any:
    return read_model(execution(config=config, weights=weights).candidates[0])


def test_a_model_with_the_layers_and_the_weights_of_a_result_is_proven() -> None:
    chain = chain_of(reading(), [ours()])
    assert proof_of(reading(), chain, [ours()]) == Proof("a")


def other_weights() -> Any:
    return reading(weights=(WEIGHTS[0] * (1 + 2**-23), WEIGHTS[1]))


def other_setting() -> Any:
    config = copy.deepcopy(MODEL)
    config["config"]["layers"][1]["config"]["go_backwards"] = True
    return reading(config)


def no_weights() -> Any:
    return reading(weights=())


def no_layers() -> Any:
    return reading(sequential({"class_name": "Lambda", "config": {}}))


@pytest.mark.parametrize("shown", [other_weights, other_setting, no_weights, no_layers])
def test_a_notebook_that_shows_another_model_than_it_ordered_has_no_proof(shown: Any) -> None:
    one = shown()
    assert chain_of(one, [ours()]) == ()
    assert proof_of(one, (), [ours()]) == Proof(why=Message("proof.another"))


def test_a_claim_of_nothing_proves_no_model_without_weights() -> None:
    claims = [Training(7, why=WHY)]
    assert chain_of(no_weights(), claims) == ()
    assert proof_of(no_weights(), (), claims) == Proof(why=WHY)


def test_the_reason_is_that_of_the_cell_in_which_the_model_was_trained() -> None:
    there = Training(7, why=WHY)
    elsewhere = Training(9, why=Message("order.rates"))
    assert proof_of(other_weights(), (), [there, elsewhere]).why == WHY
    assert proof_of(other_weights(), (), [elsewhere]).why == elsewhere.why


def test_later_trainings_stand_with_those_that_they_went_on_from() -> None:
    first = ours("a", (np.zeros(3),), history={"loss": (2.0, None)}, moved=False)
    last = ours("b", before="a", updates=10, epochs=1, history={"loss": (0.125,)})
    chain = chain_of(reading(), [first, ours("c", (np.zeros(4),)), last])
    assert [one.key for one in chain] == ["a", "b"]
    facts = proven_facts(replace(training(), fits=9, updates=1), chain)
    assert (facts.fits, facts.epochs, facts.updates, facts.changed) == (2, 3, 10, True)
    assert facts.history["loss"][::2] == (2.0, 0.125)
    assert math.isnan(facts.history["loss"][1])


@pytest.mark.parametrize(
    ("devices", "told"),
    [
        (("NVIDIA T4", "cpu"), "NVIDIA T4"),
        (("cpu", "NVIDIA T4"), "NVIDIA T4"),
        (("cpu", "cpu"), "cpu"),
    ],
)
def test_a_model_that_a_device_had_a_part_in_says_so(devices: tuple[str, str], told: str) -> None:
    """A second fit goes on from what a round trained, and is done on a core."""
    first, last = devices
    begun = ours("a", (np.zeros(3),), device=first)
    chain = chain_of(reading(), [begun, ours("b", before="a", device=last)])
    assert proof_of(reading(), chain, chain) == Proof("b", device=told)


@pytest.mark.parametrize("before", ["gone", "b"])
def test_a_training_whose_beginning_is_not_known_proves_nothing(before: str) -> None:
    assert chain_of(reading(), [ours("b", before=before)]) == ()


def test_a_training_that_moved_nothing_is_known_not_to_have() -> None:
    facts = proven_facts(training(), [ours(moved=False)])
    assert facts.changed is False


def test_facts_of_a_claimed_training_stay_what_they_were() -> None:
    assert proven_facts(training(), ()) == training()


def test_it_is_said_where_trainings_are_asked_for_and_of_a_claim_why() -> None:
    told = [note_of(one) for one in (None, Proof("a"), Proof(why=WHY))]
    assert told == [(), (Message("proof.proven"),), (Message("proof.claimed"), WHY)]


def test_weights_of_any_epoch_are_a_results_where_they_were_asked_for() -> None:
    """As where a checkpoint's best ones are loaded."""
    after = (np.zeros((2, 12), np.float32), np.zeros(1, np.float32))
    trained = ours(weights=after, each_epoch=(weights_digest(WEIGHTS), weights_digest(after)))
    assert [one.key for one in chain_of(reading(), [trained])] == ["a"]
    assert chain_of(reading(), [replace(trained, each_epoch=())]) == ()


def test_a_fit_is_asked_for_or_said_to_be_done_here_before_it_begins() -> None:
    there = reading().candidate.fits[0].cell
    assert is_unheard(reading(), [])
    assert is_unheard(reading(), [Training(there + 1, why=WHY)])
    assert not is_unheard(reading(), [Training(there, why=WHY)])
    assert not is_unheard(reading(), [ours()])


def test_a_model_that_no_fit_trained_has_nothing_to_be_heard_of() -> None:
    one = reading()
    idle = replace(one.candidate, fits=())
    broken_off = replace(one.candidate, fits=(replace(one.candidate.fits[0], epochs_run=0),))
    for candidate in (idle, broken_off):
        assert not is_unheard(replace(one, candidate=candidate), [])


@pytest.mark.parametrize(
    ("changes", "asked", "passes"),
    [
        ({}, 100, 20),
        ({"samples": 640, "rows": 1280}, None, 0),
        ({"samples": 640, "rows": 320}, None, 2),
        ({"samples": 640, "rows": 32}, None, 20),
        ({"samples": 25_600, "rows": 5_376}, None, 4),
        ({"samples": 25_600, "rows": 5_376}, 1_366, 18),
        ({"samples": 1_280, "rows": 1_280, "fresh": True}, None, 20),
        ({"samples": 1_280, "rows": 1_280, "fresh": True}, 1_366, 1),
        ({"samples": 1_280, "rows": 1_280, "fresh": True}, 640, 2),
        ({"samples": 64_000, "rows": 64_000, "fresh": True}, 1_366, 20),
        ({"samples": 20 * 1_344, "rows": 1_376, "batch": 32}, 1_366, 20),  # 42 steps of 32
        ({"samples": 20 * 1_312, "rows": 1_376, "batch": 32}, 1_366, 19),
        ({"samples": 20 * 1_366, "rows": 2_000, "batch": 2_000}, 1_366, 20),
    ],
)
def test_epochs_are_worth_the_rows_that_they_went_over(
    changes: dict[str, Any], asked: int | None, passes: int
) -> None:
    """One batch of new rows is an epoch only where it is as many as the exercise trains on."""
    assert whole_passes(ours(epochs=20, **changes), asked) == passes


def test_data_of_the_longest_training_are_those_of_a_model() -> None:
    """A first fit of many epochs with one step each is not longer."""
    short, long = (FitSample(None, None, digest=number) for number in (1, 2))
    first = ours("a", epochs=90, samples=90, rows=30, sample=short)
    last = ours("b", epochs=10, sample=long)
    assert told_by([first, last]) is last
    other = replace(last, sample=short)
    assert told_by([last, other]) is other, "the last of equals"
    assert told_by([replace(last, sample=None)]) is None
