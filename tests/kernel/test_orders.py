"""What ``fit`` looks like to the one who calls it when the trainer takes its steps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from grader.kernel.orders.asking import RefusedError, UnusualError, answer_of, packed
from grader.kernel.orders.data import array_of, arrays_of
from grader.kernel.orders.fitting import Known


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


def test_it_is_known_of_which_models_the_trainer_takes_the_steps_or_took_the_last_ones() -> None:
    class Model:
        def __init__(self) -> None:
            self.weights, self.optimizer = np.zeros(2), Known()  # whatever can be referred to

        def get_weights(self) -> list[np.ndarray]:
            return [self.weights]

    model, other, known = Model(), Model(), Known()
    assert not known.holds(model)
    known.begin(model)
    assert (known.holds(model), known.holds(other)) == (True, False)
    known.end(model)
    assert not known.holds(model)
    known.note(model, "result")
    assert known.holds(model)
    model.weights = np.ones(2)
    assert not known.holds(model)


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


WRONG = """
    wrong_shape wrong_rows not_compiled no_such_argument both_weights targets_twice
    weights_beside_a_data_set a_part_of_a_data_set data_set_of_other_rows an_empty_generator
    nothing_at_all four_parts_to_check too_much_to_split words no_such_loss words_as_targets
    a_name_for_data lists_of_other_lengths weights_of_other_rows class_weights_for_a_generator
    class_weights_of_two_outputs loss_of_no_output targets_for_two targets_too_wide
    no_such_metric epochs_as_text a_word_for_a_callback
""".split()
# Here Keras trains first, or TensorFlow finds it: the trainer is asked, and refuses.
LATE = """
    no_such_word no_such_class how_often_in_words checks_of_other_rows checks_of_other_shape
    monitored_either_way without_a_loss
""".split()
SENTENCE = re.compile(r"indices\[[\d,]+\] = 9 is not in \[0, 9\)|label value of 2 .*", re.MULTILINE)


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
            ("with_weights", [0, 1], 4, ["loss", "val_loss"]),
            ("with_class_weights", [0], 2, ["loss"]),
            ("on_a_plateau", [0, 1, 2], 6, ["learning_rate", "loss"]),
            ("history_of_the_model", [0, 1], 4, ["loss"]),
            ("a_data_set", [0, 1], 4, ["loss", "val_loss"]),
            ("a_generator", [0, 1], 4, ["loss"]),
            ("a_sequence", [0, 1], 4, ["loss"]),
            ("lists", [0], 2, ["loss", "val_loss"]),
            ("fit_generator", [0, 1], 4, ["loss"]),
            ("decay", [0, 1], 4, ["loss"]),
            ("best_checkpoint", [0, 1, 2], 6, ["loss"]),
            ("stops_on_nothing", [0, 1], 4, ["learning_rate", "loss"]),
            ("written_down", [0, 1], 4, ["loss"]),
            ("a_checking_generator", [0, 1], 4, ["loss", "val_loss"]),
            ("a_check_and_a_half", [0, 1], 4, ["loss", "val_loss"]),
            ("some_of_the_checks", [0, 1], 4, ["loss", "val_loss"]),
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
        assert ordered["best_checkpoint"]["best"]
        assert ordered["a_checking_generator"]["same"]
        assert ordered["a_check_and_a_half"]["same"]
        assert ordered["some_of_the_checks"]["same"]
        assert ordered["written_down"]["lines"] == 3, "a head, and a line for each epoch"
        assert ordered["written_down"]["events"]
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
            ("loaded_before", "weights of SimpleRNNCell that were set"),
            ("on_batches_before", "weights of SimpleRNNCell that were set"),
            ("on_batches_alone", ""),
            ("by_tape_before", "weights of SimpleRNNCell that were set"),
            ("word_vectors_frozen", "a layer that is not trainable"),
            ("own_function", "the callback LambdaCallback"),
            ("looked_into", "the callback TensorBoard"),
            ("patched", "a model with its own compute_loss"),
            ("patched_class", "a replaced Model.compute_loss"),
            ("two_inputs", "x of class list"),
            ("word_vectors", "weights of Embedding that were set"),
            ("a_stopping_generator", "x of class generator"),
            ("a_callbacks_data_set", "a callback of class OwnCallback"),
            ("a_checking_generator_of_no_length", "validation_data of class generator"),
            ("checks_that_go_on", "validation data that change"),
            ("trained_and_checked_by_one", "one generator to train on and to validate with"),
            ("changing_checks", "validation data that change"),
            ("taught_by_itself", "data that are drawn from the model itself"),
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

    def test_what_is_refused_is_trained_here_on_just_what_was_drawn(
        self, told: dict[str, Any]
    ) -> None:
        refused = told["refused"]
        assert refused["asked"] == len(refused["as without"]) + len(LATE)
        assert [name for name, same in refused["as without"].items() if not same] == []

    @pytest.mark.parametrize("name", LATE)
    def test_what_is_found_while_it_trains_is_said_as_keras_says_it(
        self, told: dict[str, Any], name: str
    ) -> None:
        refused, without = told["refused"]["errors"][name]
        assert refused.splitlines()[0] == without.splitlines()[0] != ""
        assert SENTENCE.findall(refused) == SENTENCE.findall(without)
        assert bool(SENTENCE.search(without)) is name.startswith("no_such")

    def test_the_model_has_its_history_and_callbacks_their_effect(
        self, told: dict[str, Any]
    ) -> None:
        ordered = told["ordered"]
        assert ordered["history_of_the_model"]["same"]
        assert ordered["history_of_the_model"]["params"]["epochs"] == 2
        assert ordered["on_a_plateau"]["rate"] < 1e-3
        assert ordered["decay"]["told"] == 0.5

    @pytest.mark.parametrize("name", WRONG)
    def test_what_is_wrong_is_said_as_keras_says_it(self, told: dict[str, Any], name: str) -> None:
        with_orders, without = told["wrong"][name]
        assert with_orders.partition(":")[0] == without.partition(":")[0] != ""
        assert with_orders.splitlines()[0] == without.splitlines()[0]
        assert told["asked_in_error"] == 0
