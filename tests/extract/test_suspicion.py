"""Weights that the recorded training cannot have made are noticed; honest ones are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.families import DataReading, load_family
from grader.course.load import load_course
from grader.execution import ArraySample, Candidate, Fit, FitSample, Jump
from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.suspicion import (
    APART,
    Suspect,
    doubts,
    inputs_with_sample,
    looks_fresh,
    suspicions,
)
from grader.extract.tasks import Answer

ROOT = Path(__file__).resolve().parents[2]
ID = "multiplication-lstm"
LSTM = Architecture(
    (100, 2),
    "float32",
    (
        LayerSpec("LSTM", {"units": 3, "return_sequences": False}),
        LayerSpec("Dense", {"units": 1, "activation": "linear"}),
    ),
)
Weights = tuple[np.ndarray, ...]


def fresh(seed: int = 0) -> Weights:
    """As Keras initialises LSTM(3) on 2 features and Dense(1)."""
    rng = np.random.default_rng(seed)

    def glorot(*shape: int) -> np.ndarray:
        limit = np.sqrt(6 / sum(shape))
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    square, _ = np.linalg.qr(rng.normal(size=(12, 3)))
    bias = np.zeros(12, np.float32)
    bias[3:6] = 1.0
    return glorot(2, 12), square.T.astype(np.float32), bias, glorot(3, 1), np.zeros(1, np.float32)


def used(seed: int = 1) -> Weights:
    """As after training: nothing is where it began."""
    rng = np.random.default_rng(seed)
    return tuple((w + rng.normal(0, 0.3, w.shape)).astype(np.float32) for w in fresh(seed))


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    exercise = load_course(ROOT).exercise(ID)
    family = load_family(ROOT / "reference", "multiplication")
    question = family.ask(
        DataReading((), "mark-number"),
        np.random.default_rng(3),
        {**exercise.data, "hidden_rows": 200},
    )
    x, y = family.training(np.random.default_rng(4), {**exercise.data, "train_rows": 300})
    return {"family": family, "question": question, "x": x, "y": y}


def fit(world: dict[str, Any], losses: tuple[float, ...] = (0.05, 0.001)) -> Fit:
    x, y = world["x"], world["y"]
    sample = FitSample(
        ArraySample((2560, *x.shape[1:]), "float32", x, {}),
        ArraySample((2560,), "float32", y, {}),
    )
    return Fit(5, sample, len(losses), len(losses), {"loss": losses}, finished=True, arguments={})


def suspect(
    world: dict[str, Any], jumps: tuple[Jump, ...], final: Weights, *fits: Fit, **changes: Any
) -> Suspect:
    candidate = Candidate(
        1,
        "model",
        5,
        {},
        {"loss": "mse"},
        fits,
        jumps[0].found if jumps else final,
        final,
        1,
        jumps,
    )
    return Suspect(
        ID,
        replace(candidate, **changes),
        LSTM,
        fits[-1] if fits else None,
        world["family"],
        world["question"],
    )


def answers(one: Suspect, *good: str, error: float = 0.01) -> dict[str, Answer]:
    """Answers of E: the named tasks predict well, the others always the mean."""
    inputs = inputs_with_sample(one)
    right = np.concatenate(
        [one.question.answers, one.fit.sample.y.rows[:256] if one.fit else np.zeros(0)]
    )
    found = {}
    for name in (ID, *(task.id for task in doubts(one))):
        rows = len(inputs) if name == ID else len(one.question.inputs)
        value = right[:rows] + error if name in good else np.full(rows, 0.25)
        found[name] = Answer(predictions=value.astype(np.float32)[:, None])
    return found


class TestFresh:
    def test_weights_as_keras_makes_them(self) -> None:
        assert looks_fresh(LSTM, fresh())

    def test_trained_weights(self) -> None:
        assert not looks_fresh(LSTM, used())

    @pytest.mark.parametrize("place", range(5))
    def test_a_single_trained_array_is_enough(self, place: int) -> None:
        weights = list(fresh())
        weights[place] = used()[place] + 3
        assert not looks_fresh(LSTM, weights)

    def test_another_bias_initializer_is_no_doubt(self) -> None:
        dense = Architecture(
            (2,),
            "float32",
            (
                LayerSpec(
                    "Dense",
                    {"bias_initializer": {"class_name": "RandomNormal", "config": {"stddev": 1}}},
                ),
            ),
        )
        assert looks_fresh(dense, (np.zeros((2, 3), np.float32), np.ones(3, np.float32)))

    def test_weights_of_another_model_say_nothing(self) -> None:
        assert looks_fresh(LSTM, used()[:2])

    @pytest.mark.parametrize("shape", [(0,), (0, 0), (2, 0), (), (5,)])
    @pytest.mark.parametrize("place", [0, 1])
    def test_weights_that_no_layer_has_are_not_fresh(
        self, place: int, shape: tuple[int, ...]
    ) -> None:
        weights = list(fresh())
        weights[place] = np.zeros(shape, np.float32)
        assert not looks_fresh(LSTM, weights)


class TestDoubts:
    def test_an_honest_training_costs_no_further_task(self, world: dict[str, Any]) -> None:
        assert doubts(suspect(world, (Jump((), fresh()),), used(), fit(world))) == ()

    def test_a_start_that_is_not_fresh_is_tried(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), used()),), used(2), fit(world))
        assert [task.id for task in doubts(one)] == [f"{ID}/found-0"]

    def test_a_change_between_fits_is_tried_on_both_sides(self, world: dict[str, Any]) -> None:
        jumps = (Jump((), fresh()), Jump(used(), used(2)))
        one = suspect(world, jumps, used(3), fit(world))
        assert [task.id for task in doubts(one)] == [f"{ID}/left-1", f"{ID}/found-1"]

    def test_starting_over_from_fresh_weights_is_no_doubt(self, world: dict[str, Any]) -> None:
        jumps = (Jump((), fresh()), Jump(used(), fresh(2)))
        assert doubts(suspect(world, jumps, used(3), fit(world))) == ()

    def test_no_hidden_answer_is_in_a_task(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), used()),), used(2), fit(world))
        (task,) = doubts(one)
        assert task.inputs is one.question.inputs
        assert task.training is None


class TestSuspicions:
    def test_an_honest_training(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), fresh()),), used(), fit(world))
        assert suspicions(one, answers(one, ID)) == ()

    def test_weights_that_were_good_before_the_first_fit(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), used()),), used(2), fit(world))
        assert suspicions(one, answers(one, ID, f"{ID}/found-0")) == ("pretrained",)

    def test_odd_weights_that_were_no_good_before_the_first_fit(
        self, world: dict[str, Any]
    ) -> None:
        one = suspect(world, (Jump((), used()),), used(2), fit(world))
        assert suspicions(one, answers(one, ID)) == ()

    def test_weights_put_in_between_two_fits(self, world: dict[str, Any]) -> None:
        jumps = (Jump((), fresh()), Jump(used(), used(2)))
        one = suspect(world, jumps, used(3), fit(world))
        assert suspicions(one, answers(one, ID, f"{ID}/found-1")) == ("pretrained",)

    def test_weights_put_in_after_the_last_fit(self, world: dict[str, Any]) -> None:
        jumps = (Jump((), fresh()), Jump(used(), used(2)))
        one = suspect(world, jumps, used(2), fit(world))
        assert suspicions(one, answers(one, ID, f"{ID}/found-1")) == ("no_training_seen",)

    def test_the_best_weights_put_back_after_a_good_fit(self, world: dict[str, Any]) -> None:
        jumps = (Jump((), fresh()), Jump(used(), used(2)))
        one = suspect(world, jumps, used(2), fit(world))
        told = answers(one, ID, f"{ID}/left-1", f"{ID}/found-1")
        assert suspicions(one, told) == ()

    def test_good_weights_without_any_fit(self, world: dict[str, Any]) -> None:
        one = suspect(world, (), used(), initial=fresh())
        assert suspicions(one, answers(one, ID, f"{ID}/found-0")) == ("no_training_seen",)

    def test_untrained_weights_without_any_fit(self, world: dict[str, Any]) -> None:
        one = suspect(world, (), fresh())
        assert suspicions(one, answers(one)) == ()

    def test_a_task_that_failed_is_no_proof(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), used()),), used(2), fit(world))
        told = {**answers(one, ID), f"{ID}/found-0": Answer(error="no such layer")}
        assert suspicions(one, told) == ()


class TestHistory:
    def test_a_claimed_loss_far_below_the_real_one(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), fresh()),), used(), fit(world, (0.05, 1e-5)))
        assert suspicions(one, answers(one)) == ("history_contradicts",)

    def test_a_model_that_carries_its_states_answers_otherwise(self, world: dict[str, Any]) -> None:
        told = suspect(world, (Jump((), fresh()),), used(), fit(world, (0.05, 1e-5)))
        first, *rest = LSTM.layers
        stateful = replace(first, config={**first.config, "stateful": True})
        for layer in (stateful, LayerSpec("Bidirectional", {}, stateful)):
            one = replace(told, architecture=replace(LSTM, layers=(layer, *rest)))
            assert suspicions(one, answers(one)) == ()

    def test_a_model_far_better_than_any_claimed_epoch(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), fresh()),), used(), fit(world, (0.05, 0.049)))
        assert suspicions(one, answers(one, ID)) == ("history_contradicts",)

    def test_adams_last_jump_is_no_contradiction(self, world: dict[str, Any]) -> None:
        claimed = 0.001
        error = float(np.sqrt(claimed * APART / 3))
        one = suspect(world, (Jump((), fresh()),), used(), fit(world, (0.05, claimed)))
        assert suspicions(one, answers(one, ID, error=error)) == ()

    def test_between_two_good_losses_a_ratio_says_nothing(self, world: dict[str, Any]) -> None:
        one = suspect(world, (Jump((), fresh()),), used(), fit(world, (0.05, 1e-7)))
        assert suspicions(one, answers(one, ID)) == ()

    def test_a_loss_of_ones_own_is_not_computed_anew(self, world: dict[str, Any]) -> None:
        one = suspect(
            world, (Jump((), fresh()),), used(), fit(world, (0.05, 1e-5)), compile={"loss": "mine"}
        )
        assert suspicions(one, answers(one)) == ()

    def test_rows_of_another_shape_are_not_tried(self, world: dict[str, Any]) -> None:
        odd = replace(
            fit(world),
            sample=FitSample(
                ArraySample((5, 7), "float32", np.zeros((5, 7)), {}),
                ArraySample((5,), "float32", np.zeros(5), {}),
            ),
        )
        one = suspect(world, (Jump((), fresh()),), used(), odd)
        assert len(inputs_with_sample(one)) == len(one.question.inputs)
