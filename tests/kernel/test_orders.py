"""What ``fit`` looks like to the one who calls it when the trainer takes its steps."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from grader.kernel.orders.asking import RefusedError, UnusualError, answer_of, packed
from grader.kernel.orders.data import array_of, arrays_of


def test_what_the_trainer_tells_comes_back_as_it_was() -> None:
    weights = [np.arange(3.0, dtype=np.float32), np.zeros((2, 2), dtype=np.float32)]
    arrays = {f"weight_{i:04d}": weight for i, weight in enumerate(weights)}
    arrays |= {"optimizer_0000": np.int64(7), "epoch0_weight_0000": weights[0]}
    told = {"result": "a", "epochs": [0, 1], "history": {"loss": [1.0, None]}}
    answer = answer_of(told, packed(arrays))
    assert [weight.tolist() for weight in answer.weights] == [weight.tolist() for weight in weights]
    assert answer.history["loss"][0] == 1
    assert np.isnan(answer.history["loss"][1])
    assert (answer.result, answer.epochs, answer.optimizer[0]) == ("a", (0, 1), 7)
    assert [len(each) for each in answer.each_epoch] == [1, 0]


def test_an_order_that_is_not_taken_is_trained_by_the_notebook() -> None:
    with pytest.raises(RefusedError, match="too long"):
        answer_of({"refused": {"id": "too long"}}, b"")
    with pytest.raises(UnusualError, match="not passed on: busy") as found:
        answer_of({"returned": "busy"}, b"")
    assert not isinstance(found.value, RefusedError), "the trainer has not heard of it"


def test_arrays_go_as_keras_would_take_them() -> None:
    given = {"x": np.zeros((4, 2)), "y": np.zeros(4, dtype=np.int64), "sample_weight": np.ones(4)}
    given |= {"validation_data": (np.zeros((1, 2)), np.zeros(1))}
    found = arrays_of(given, 1000)
    assert {name: str(array.dtype) for name, array in found.items()} == {
        "x": "float32",
        "y": "int64",
        "sample_weight": "float32",
        "validation_x": "float32",
        "validation_y": "float32",
    }


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "float64"])
def test_arrays_count_as_they_are_sent_and_as_they_are_trained_on(kind: str) -> None:
    given = {"x": np.zeros((20, 5), dtype=kind), "y": np.zeros(20)}
    numbers = 8 if kind == "int64" else 4
    arrays_of(given, 100 * numbers + 20 * 4)
    with pytest.raises(UnusualError, match="bytes of data"):
        arrays_of(given, 100 * numbers + 20 * 4 - 1)


@pytest.mark.parametrize(
    "value",
    [
        None,
        iter([1]),
        {"a": np.zeros(3)},
        [np.zeros(3), np.zeros(3)],
        np.array(["a"]),
        np.array([None]),
        np.float64(3),
    ],
    ids=["nothing", "generator", "named", "several", "text", "objects", "scalar"],
)
def test_what_is_no_array_is_trained_by_the_notebook(value: Any) -> None:
    with pytest.raises(UnusualError, match="x of"):
        array_of(value, "x")


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What a process saw that trained some models."""
    command = [sys.executable, "-m", "tests.support.orders_program"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return found | {"printed": done.stdout}


@pytest.mark.real
class TestFit:
    @pytest.mark.parametrize(
        ("name", "epochs", "steps", "history"),
        [
            ("plain", [0, 1], 4, ["loss", "mae"]),
            ("validated", [0, 1], 2, ["loss", "val_loss"]),
            ("stopped_early", [0, 1], 4, ["loss"]),
            ("checkpoints", [0, 1], 4, ["loss"]),
            ("scheduled", [0, 1, 2], 6, ["learning_rate", "loss"]),
            ("went_on", [0], 6, ["loss"]),
            ("functional", [0], 2, ["loss"]),
        ],
    )
    def test_the_model_is_left_as_if_it_had_been_trained_here(
        self, told: dict[str, Any], name: str, epochs: list[int], steps: int, history: list[str]
    ) -> None:
        found = told["ordered"][name]
        assert found["weights"]
        assert found["optimizer"]
        assert found["own"] == []
        assert (found["epochs"], found["steps"], found["history"]) == (epochs, steps, history)

    def test_what_is_printed_is_keras_own(self, told: dict[str, Any]) -> None:
        assert "Epoch 2/2\n2/2 - " in told["printed"]
        assert " - loss: " in told["printed"]
        assert told["ordered"]["plain"]["same"], "evaluate measures what was trained"

    def test_callbacks_find_what_they_would_find(self, told: dict[str, Any]) -> None:
        ordered = told["ordered"]
        assert ordered["stopped_early"]["best"]
        assert ordered["stopped_early"]["stop"]
        assert ordered["checkpoints"]["differ"]
        assert ordered["checkpoints"]["last"]
        assert ordered["scheduled"]["asked"] == [0, 1, 2]
        np.testing.assert_allclose(ordered["scheduled"]["rates"], [5e-4, 2.5e-4, 1.25e-4], 1e-5)
        assert ordered["not_a_number"]["epochs"] == [0]

    def test_what_is_validated_now_and_then_has_the_numbers_of_those_epochs(
        self, told: dict[str, Any]
    ) -> None:
        found = told["ordered"]["validated_at_times"]
        assert (found["alike"], found["times"]) == (True, 2)

    def test_a_later_fit_goes_on_from_what_came_of_the_first(self, told: dict[str, Any]) -> None:
        found = told["ordered"]["went_on"]
        assert found["after"]["optimizer"] == "goes_on"
        assert found["compiled"]["optimizer"] == "fresh"
        assert found["after"]["result"] != found["compiled"]["result"]
        assert found["steps_again"] == 2

    def test_the_seeds_that_layers_hold_are_told(self, told: dict[str, Any]) -> None:
        first, second, other = told["ordered"]["seeds"]
        both = [(a, b) for a, b in zip(first, second, strict=True) if a == b and a is not None]
        assert both == [(5, 5)], "what was seeded alike is alike, the rest differs"
        assert 5 not in other

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("own_callback", "a callback of class OwnCallback"),
            ("own_step", "a model of class OwnModel"),
            ("planted", "weights of SimpleRNNCell that were set"),
            ("changed_between", "weights that changed between two fits"),
            ("patched", "a model with its own compute_loss"),
            ("patched_class", "a replaced Model.compute_loss"),
            ("a_data_set", "x of class _BatchDataset"),
            ("frozen", "a layer that is not trainable"),
            ("own_loss", "loss of the notebook's own"),
            ("own_metric", "metrics of the notebook's own"),
            ("own_activation", "activation of the notebook's own"),
        ],
    )
    def test_what_no_order_can_say_is_trained_by_the_notebook(
        self, told: dict[str, Any], name: str, why: str
    ) -> None:
        assert told["here"][name] == {"asked": 0, "error": "", "why": why}

    @pytest.mark.parametrize(
        "name", ["wrong_shape", "wrong_rows", "not_compiled", "no_such_argument"]
    )
    def test_what_is_wrong_is_said_as_keras_says_it(self, told: dict[str, Any], name: str) -> None:
        with_orders, without = told["wrong"][name]
        assert with_orders.partition(":")[0] == without.partition(":")[0] != ""
        assert with_orders.splitlines()[0] == without.splitlines()[0]
        assert told["asked_in_error"] == 0
