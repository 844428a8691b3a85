"""A model that answers before it has learned anything is noticed; honest first weights are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.families import DataReading, load_family
from grader.course.load import load_course
from grader.execution import Candidate
from grader.extract.architecture import Architecture, LayerSpec
from grader.extract.first_weights import answers_untrained, first_task
from grader.extract.suspicion import Suspect
from grader.extract.tasks import Answer
from grader.types import Array

ROOT = Path(__file__).resolve().parents[2]
ID = "temperature-gru"
HELD = {"class_name": "Constant", "config": {"value": 0.01}}
DRAWN = {"class_name": "GlorotUniform", "config": {}}
NORMAL = {"class_name": "RandomNormal", "config": {"mean": 0.01, "stddev": 1e-9}}


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    exercise = load_course(ROOT).exercise(ID)
    family = load_family(ROOT / "reference", "weather")
    reading = DataReading((), "standardised")
    question = family.ask(reading, np.random.default_rng(3), exercise.data)
    return {"family": family, "question": question}


def suspect(world: dict[str, Any], gru: Any, dense: Any) -> Suspect:
    layers = (
        LayerSpec("GRU", {"units": 32, "kernel_initializer": gru}),
        LayerSpec("Dense", {"units": 1, "kernel_initializer": dense}),
    )
    architecture = Architecture((36, 14), "float32", layers)
    candidate = Candidate(1, "model", 5, {}, {"loss": "mae"}, (), (), (), 1, ())
    return Suspect(ID, candidate, architecture, None, world["family"], world["question"])


def answered(one: Suspect, first: Array | None, final: Array) -> bool:
    """Whether a model with such answers answered untrained; behind the last ones rows of a fit."""
    told = {ID: Answer(predictions=np.concatenate([final, final[:3]]))}
    if first is not None:
        told[f"{ID}/first"] = Answer(predictions=first[:, None])
    return answers_untrained(one, told)


def near(one: Suspect, share: float) -> Array:
    """Answers whose error is this share of that of the mean."""
    right = one.question.answers
    answers: Array = (right + share * (right.mean() - right)).astype(np.float32)
    return answers


class TestAsked:
    def test_weights_that_are_drawn_around_nothing_are_not_asked_for(self, world: Any) -> None:
        assert first_task(suspect(world, DRAWN, DRAWN)) is None
        assert first_task(suspect(world, None, None)) is None

    def test_one_kernel_that_is_drawn_keeps_an_answer_from_going_through(self, world: Any) -> None:
        assert first_task(suspect(world, HELD, DRAWN)) is None
        assert first_task(suspect(world, DRAWN, HELD)) is None

    @pytest.mark.parametrize("other", [HELD, NORMAL])
    def test_kernels_that_are_told_are_asked_for_as_they_begin(
        self, world: Any, other: Any
    ) -> None:
        one = suspect(world, HELD, other)
        task = first_task(one)
        assert task is not None
        assert (task.id, task.weights, task.training) == (f"{ID}/first", (), None)
        assert task.inputs is one.question.inputs

    def test_the_kernel_within_a_wrapper_is_asked_for(self, world: Any) -> None:
        one = suspect(world, HELD, HELD)
        inner, dense = one.architecture.layers
        wrapped = LayerSpec("Bidirectional", {"merge_mode": "concat"}, inner)
        layers = (wrapped, dense)
        both = Architecture((36, 14), "float32", layers)
        task = first_task(Suspect(ID, one.candidate, both, None, one.family, one.question))
        assert task is not None


class TestTold:
    def test_an_answer_that_a_training_left_as_it_was(self, world: Any) -> None:
        one = suspect(world, HELD, HELD)
        assert answered(one, near(one, 0.8), near(one, 0.8))
        assert answered(one, near(one, 0.8), near(one, 0.85))

    def test_a_good_answer_whatever_a_training_made_of_it(self, world: Any) -> None:
        one = suspect(world, HELD, HELD)
        assert answered(one, near(one, 0.1), near(one, 0.05))

    def test_a_training_that_made_it_better(self, world: Any) -> None:
        one = suspect(world, HELD, HELD)
        assert not answered(one, near(one, 0.8), near(one, 0.7))
        assert not answered(one, near(one, 1.2), near(one, 0.7))

    def test_what_answers_no_better_than_the_mean_holds_no_answer(self, world: Any) -> None:
        one = suspect(world, HELD, HELD)
        assert not answered(one, near(one, 1.1), near(one, 1.1))

    def test_where_it_was_not_asked_or_failed_nothing_is_said(self, world: Any) -> None:
        one = suspect(world, HELD, HELD)
        assert not answered(one, None, near(one, 0.8))
        failed = {ID: Answer(predictions=near(one, 0.8)), f"{ID}/first": Answer(error="no")}
        assert not answers_untrained(one, failed)
        nothing = np.full_like(near(one, 0.8), np.nan)
        assert not answered(one, nothing, near(one, 0.8))
