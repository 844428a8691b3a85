"""Fits in a loop are told as one, and what is told of them is bounded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from grader.kernel.probe.repeats import (
    HISTORY_ENTRIES,
    HISTORY_NUMBERS,
    LONGEST_NAME,
    METRICS,
    Repeats,
    asked_for,
    history_of,
    shortened,
)

ONE_EPOCH = {"epochs": 1, "initial_epoch": 0, "batch_size": 1, "shuffle": False}


def history(**metrics: list[Any]) -> Any:
    return SimpleNamespace(history=metrics)


def repeats(**changes: Any) -> Repeats:
    told: dict[str, Any] = {"cell": "c", "arguments": ONE_EPOCH, "left": 7, "before": {}}
    return Repeats(**told | changes)


def test_a_thousand_fits_of_one_epoch_are_a_thousand_epochs() -> None:
    told = repeats()
    for number in range(1000):
        told.add(ONE_EPOCH, 1, history(loss=[1 / (number + 1)]))
    assert (told.calls, told.epochs, told.asked) == (1000, 1000, 1000)
    assert told.history["loss"] == [1 / (number + 1) for number in range(1000)]


@pytest.mark.parametrize(
    ("changed", "goes_on"),
    [
        ({}, True),
        ({"arguments": {**ONE_EPOCH, "epochs": 9, "initial_epoch": 8}}, True),  # counted up
        ({"arguments": {**ONE_EPOCH, "batch_size": 2}}, False),
        ({"cell": "another"}, False),
        ({"found": 8}, False),  # something else changed the weights
    ],
)
def test_a_fit_goes_on_from_the_one_before_where_nothing_else_happened(
    changed: dict[str, Any], goes_on: bool
) -> None:
    begins: dict[str, Any] = {"cell": "c", "arguments": ONE_EPOCH, "found": 7} | changed
    assert repeats().goes_on(**begins) is goes_on


@pytest.mark.parametrize(
    ("arguments", "epochs"),
    [
        ({"epochs": 5}, 5),
        ({"epochs": 5, "initial_epoch": 3}, 2),
        ({"epochs": None}, None),
        ({}, None),
        ({"epochs": True}, None),
    ],
)
def test_epochs_asked_for_are_those_of_this_call(arguments: dict[str, Any], epochs: Any) -> None:
    assert asked_for(arguments) == epochs


def test_of_a_long_history_the_beginning_and_the_end_are_told() -> None:
    values = list(range(10**6))
    told = history_of(history(loss=values))["loss"]
    assert len(told) == HISTORY_ENTRIES
    assert (told[0], told[-1]) == (0, 10**6 - 1)
    assert told == sorted(set(told))


def test_of_many_metrics_the_losses_are_told_first() -> None:
    many = {f"m{n}": [0.0] for n in range(10**4)} | {"loss": [1.0], "val_loss": [2.0]}
    told = history_of(history(**many))
    assert len(told) == METRICS
    assert list(told)[:2] == ["loss", "val_loss"]


def test_all_metrics_together_are_bounded() -> None:
    told = history_of(history(**{f"m{n}": [0.5] * 10_000 for n in range(50)}))
    assert sum(map(len, told.values())) <= HISTORY_NUMBERS


def test_histories_of_a_loop_are_bounded_together() -> None:
    told = repeats()
    for number in range(50):
        told.add(ONE_EPOCH, 900, history(**{f"k{number}_{i}": [0.5] * 900 for i in range(99)}))
    assert len(told.history) == METRICS
    assert sum(map(len, told.history.values())) <= HISTORY_NUMBERS


def test_a_metrics_name_is_cut() -> None:
    (name,) = history_of(history(**{"n" * 10**7: [0.0]}))
    assert len(name) == LONGEST_NAME


@pytest.mark.parametrize("broken", [None, object(), history(loss=["low"]), history(loss=None)])
def test_a_history_that_is_none_has_no_numbers(broken: Any) -> None:
    assert history_of(broken) == {}


def test_what_is_short_is_not_cut() -> None:
    assert shortened([1, 2, 3], 3) == [1, 2, 3]
    assert shortened([1, 2, 3, 4, 5, 6], 5) == [1, 2, 3, 4, 6]
