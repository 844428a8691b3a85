"""Training a student's model anew: the task that follows from what the notebook claims."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.exercises import Exercise
from grader.course.families import load_family
from grader.course.load import load_course
from grader.evaluation.allowed import LOSSES, OPTIMIZERS
from grader.execution import ArraySample, Candidate, Fit, FitSample
from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.retraining import (
    canonical_question,
    retraining,
    stuck_by_the_book,
    with_asked_activation,
)
from grader.extract.tasks import ModelTask, Training
from grader.types import Evidence, LayerFact, ModelFacts, Scalar, TrainingFacts
from tests.support.builders import evidence

COURSE = load_course(Path(__file__).parents[2])
SEQUENCE = COURSE.exercise("sequence-prediction")
assert COURSE.reference is not None
assert SEQUENCE.family is not None
FAMILY = load_family(COURSE.reference, SEQUENCE.family)
QUESTION = canonical_question(FAMILY, SEQUENCE, 3)[1]
ARCHITECTURE = Architecture((4, 1), "float32", (LayerSpec("Dense", {"units": 1}),))


def fit(epochs: int = 100, **arguments: Scalar) -> Fit:
    return Fit(2, FitSample(None, None), epochs, epochs, {}, True, arguments)


def candidate(*fits: Fit, **compiled: Any) -> Candidate:
    given = {"loss": "mse", "optimizer": "Adam"} | compiled
    return Candidate(1, "model", 2, {}, given, fits, (), (), 1)


def task(one: Candidate, seed: int = 5) -> ModelTask | None:
    return retraining(ARCHITECTURE, one, SEQUENCE, FAMILY, seed, QUESTION)


def training(one: Candidate) -> Training:
    found = task(one)
    assert found is not None
    assert found.training is not None
    return found.training


def test_the_task_trains_the_students_architecture_on_the_exercises_data() -> None:
    found = task(candidate(fit()))
    assert found is not None
    assert found.training is not None
    assert found.architecture is ARCHITECTURE
    assert found.weights == ()
    assert found.inputs is QUESTION.inputs
    x, y = FAMILY.training(np.random.default_rng(5), SEQUENCE.data)
    np.testing.assert_array_equal(found.training.x, x)
    np.testing.assert_array_equal(found.training.y, y)
    assert found.seed == 5


def test_the_answers_stay_with_the_judge() -> None:
    found = task(candidate(fit()))
    assert found is not None
    assert not any(value is QUESTION.answers for value in vars(found).values())


def test_plain_settings_of_the_optimizer_are_carried_over() -> None:
    compiled: dict[str, Any] = {
        "optimizer": "SGD",
        "learning_rate": 0.02,
        "optimizer.learning_rate": 0.01,
        "optimizer.momentum": 0.9,
        "optimizer.nesterov": True,
        "optimizer.name": "sgd",
        "optimizer.loss_scale_factor": None,
        "optimizer.weight_decay": "some",
        "optimizer.gradient_accumulation_steps": 4,
    }
    found = training(candidate(fit(), **compiled))
    assert found.optimizer == "SGD"
    assert dict(found.options) == {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True}


def test_a_rate_that_was_scheduled_is_the_one_seen_last() -> None:
    assert training(candidate(fit(), learning_rate=0.003)).options == {"learning_rate": 0.003}


def test_a_rate_that_falls_with_the_updates_does_so_again() -> None:
    falling: dict[str, Any] = {"learning_rate": 0.01, "optimizer.decay": 0.001}
    assert training(candidate(fit(), **falling)).options == {"learning_rate": 0.01, "decay": 0.001}


@pytest.mark.parametrize(("rate", "decay"), [(None, 0.1), (0.01, -0.1), (0.01, "much"), (0.01, 0)])
def test_a_decay_that_cannot_be_is_left_out(rate: Any, decay: Any) -> None:
    found = training(candidate(fit(), learning_rate=rate, **{"optimizer.decay": decay}))
    assert "decay" not in found.options


@pytest.mark.parametrize("rate", [0.0, -1.0, "fast", None])
def test_a_rate_that_cannot_be_is_left_to_keras(rate: Any) -> None:
    assert training(candidate(fit(), learning_rate=rate)).options == {}


@pytest.mark.parametrize(
    ("claimed", "expected"), [(64, 64), (None, 32), (0, 32), (-1, 32), (True, 32), (2.5, 32)]
)
def test_the_batch_size_is_the_students_or_keras_own(claimed: Scalar, expected: int) -> None:
    assert training(candidate(fit(batch_size=claimed))).batch_size == expected


@pytest.mark.parametrize(
    ("claimed", "expected"), [(0.2, 0.2), (None, 0.0), (0, 0.0), (1.0, 0.0), (-0.5, 0.0)]
)
def test_the_validation_split_is_a_share_or_nothing(claimed: Scalar, expected: float) -> None:
    assert training(candidate(fit(validation_split=claimed))).validation_split == expected


def test_settings_come_from_the_longest_fit_and_epochs_from_all() -> None:
    found = training(candidate(fit(5, batch_size=8), fit(40, batch_size=16), fit(1, batch_size=4)))
    assert (found.batch_size, found.epochs) == (16, 46)


def test_a_retraining_never_lasts_longer_than_the_exercise_asks() -> None:
    assert training(candidate(fit(10**9))).epochs == SEQUENCE.epochs


@pytest.mark.parametrize(
    ("updates", "expected"), [(900, (450, None)), (3, (1, None)), (1, (1, 1)), (None, (50, None))]
)
def test_a_retraining_of_a_proven_one_makes_as_many_updates(
    updates: int | None, expected: tuple[int, int | None]
) -> None:
    """Six rows in batches of three: two updates are an epoch of the exercise's own data."""
    told = candidate(fit(50, batch_size=3))
    found = retraining(ARCHITECTURE, told, SEQUENCE, FAMILY, 5, QUESTION, updates=updates)
    assert found is not None
    assert found.training is not None
    assert len(found.training.x) == 6
    assert (found.training.epochs, found.training.steps) == expected


def test_without_an_epoch_there_is_still_one() -> None:
    assert training(candidate(fit(0))).epochs == 1


@pytest.mark.parametrize("optimizer", ["Mine", "", None, "os.system", "adam"])
def test_an_optimizer_that_is_not_listed_is_not_retrained(optimizer: Any) -> None:
    assert task(candidate(fit(), optimizer=optimizer)) is None


@pytest.mark.parametrize("loss", ["my_loss", None, "", "MSE"])
def test_a_loss_that_is_not_listed_is_not_retrained(loss: Any) -> None:
    assert task(candidate(fit(), loss=loss)) is None


def test_a_model_without_a_fit_is_not_retrained() -> None:
    assert task(candidate()) is None


def test_a_loss_on_logits_is_trained_on_logits() -> None:
    name = "sparse_categorical_crossentropy"
    assert training(candidate(fit(), loss=name, **{"loss.from_logits": True})).from_logits
    assert not training(candidate(fit(), loss=name, **{"loss.from_logits": False})).from_logits
    assert task(candidate(fit(), loss="mse", **{"loss.from_logits": True})) is None


def test_the_usual_losses_and_optimizers_are_listed() -> None:
    """As the probe tells them: the class of an optimizer, the name of a loss."""
    assert {"Adam", "RMSprop", "SGD"} <= OPTIMIZERS
    assert {"mse", "mae", "mean_squared_error", "binary_crossentropy"} <= LOSSES


def test_the_hidden_question_follows_its_seed_alone() -> None:
    again = canonical_question(FAMILY, SEQUENCE, 3)[1]
    np.testing.assert_array_equal(again.inputs, QUESTION.inputs)
    np.testing.assert_array_equal(again.answers, QUESTION.answers)


def test_without_named_layouts_the_question_is_asked_in_the_canonical_one() -> None:
    bare = replace(SEQUENCE, data={k: v for k, v in SEQUENCE.data.items() if k != "layouts"})
    assert canonical_question(FAMILY, bare, 3)[0].layout == "canonical"


# --- a textbook's slip that leaves some models stuck: nobody loses a point for that ----------


STUCK = TrainingFacts(1, 5, changed=False, finite=True, history={}, compile={}, cell=3)


@pytest.fixture
def conv1d() -> Exercise:
    return COURSE.exercise("sentiment-conv1d")


def facts(exercise: Exercise, activation: str) -> ModelFacts:
    wanted = [
        *exercise.layers[:-1],
        replace(exercise.layers[-1], config={"activation": activation}),
    ]
    layers = tuple(LayerFact(e.cls, e.config, e.output_shape, e.params) for e in wanted)
    return ModelFacts(layers, exercise.total_params, exercise.input_shape, 3, "model", rebuilt=True)


def trained(exercise: Exercise, training: TrainingFacts | None, activation: str) -> Evidence:
    return replace(evidence(), model=facts(exercise, activation), training=training)


def test_a_fit_that_moved_nothing_without_the_sigmoid_is_the_books_doing(conv1d: Exercise) -> None:
    assert stuck_by_the_book(trained(conv1d, STUCK, "linear"), conv1d)


@pytest.mark.parametrize(
    "training",
    [
        None,
        replace(STUCK, changed=True),
        replace(STUCK, finite=False),
        replace(STUCK, epochs=0),
    ],
)
def test_other_ways_not_to_learn_are_the_students(
    conv1d: Exercise, training: TrainingFacts | None
) -> None:
    assert not stuck_by_the_book(trained(conv1d, training, "linear"), conv1d)


def test_with_the_activation_that_was_asked_for_nothing_is_excused(conv1d: Exercise) -> None:
    assert not stuck_by_the_book(trained(conv1d, STUCK, "sigmoid"), conv1d)


def test_where_no_activation_is_asked_for_nothing_is_excused(conv1d: Exercise) -> None:
    free = replace(conv1d.layers[-1], config={"units": 1})
    open_end = replace(conv1d, layers=(*conv1d.layers[:-1], free))
    assert not stuck_by_the_book(trained(conv1d, STUCK, "linear"), open_end)


def test_only_the_last_activation_is_put_right(conv1d: Exercise) -> None:
    first = LayerSpec("Conv1D", {"filters": 32, "activation": "relu"})
    dense = {"units": 1, "activation": "linear"}
    given = Architecture((200,), "int32", (first, LayerSpec("Dense", dense)))
    put_right = LayerSpec("Dense", {**dense, "activation": "sigmoid"})
    assert with_asked_activation(given, conv1d) == replace(given, layers=(first, put_right))


def test_a_repeated_data_set_is_cut_into_batches_as_large_as_its_own() -> None:
    drawn = FitSample(None, None, kind="drawn", batch=3)
    found = task(candidate(replace(fit(), sample=drawn)))
    assert found is not None
    assert found.training is not None
    assert found.training.batch_size == 3
    rows = ArraySample((40, 4, 1), "float32", np.zeros((40, 4, 1), np.float32), {})
    loop = replace(candidate(), own_updates=100, own_sample=replace(drawn, x=rows, y=rows))
    found = task(loop)
    assert found is not None
    assert found.training is not None
    assert found.training.batch_size == 3
