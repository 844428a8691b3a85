"""One accepted form per grading: points and advice speak of the same one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.score.nearest import nearest
from grader.score.score import score
from grader.types import Grade, LayerFact, Message, ModelFacts
from tests.support import builders as b

COURSE = load_course(Path(__file__).parents[2])
SEVERAL_FORMS = [one for one in COURSE.exercises.values() if one.accept]
THRESHOLD = Threshold("mse", "lower", 0.01, 0.04, "jax", "cpu", None, None, "measured")
MODELS = 1500  # per exercise: some seconds in all
OTHER_CLASSES = ("SimpleRNN", "LSTM", "GRU", "Dense", "Conv1D", "Dropout")
OTHER_VALUES = {"activation": ("linear", "relu", "softmax"), "return_sequences": (True, False)}


def models_near(exercise: Exercise, count: int) -> Iterator[ModelFacts]:
    """Draw models one to four changes away from a mixture of the exercise's accepted forms."""
    draw = random.Random(2026)
    forms = [exercise.layers, *(one.layers for one in exercise.accept)]
    for _ in range(count):
        layers = _mixed(forms, draw)
        for _ in range(draw.randint(1, 4)):
            _change(layers, forms, draw)
        yield _model(layers, exercise)


def _mixed(forms: Sequence[Sequence[ExpectedLayer]], draw: random.Random) -> list[LayerFact]:
    """Take each layer from one form or another, as somebody does who changes half a model."""
    longest = max(forms, key=len)
    chains = [draw.choice(forms) for _ in longest]
    return [_fact(chain[i]) for i, chain in enumerate(chains) if i < len(chain)]


def _fact(layer: ExpectedLayer) -> LayerFact:
    return LayerFact(layer.cls, dict(layer.config), layer.output_shape, layer.params)


def _change(
    layers: list[LayerFact], forms: Sequence[Sequence[ExpectedLayer]], draw: random.Random
) -> None:
    kind = draw.choice(("setting", "setting", "class", "params", "shape", "add", "drop"))
    at = draw.randrange(len(layers))
    layer = layers[at]
    if kind == "add":
        layers.insert(at, _fact(draw.choice(draw.choice(forms))))
    elif kind == "drop" and len(layers) > 1:
        del layers[at]
    elif kind == "class":
        layers[at] = replace(layer, cls=draw.choice(OTHER_CLASSES))
    elif kind == "params":
        layers[at] = replace(layer, params=draw.choice([0, layer.params * 2, layer.params + 1]))
    elif kind == "shape":
        layers[at] = replace(layer, output_shape=(*layer.output_shape[:-1], 7))
    elif kind == "setting" and layer.config:
        key = draw.choice(sorted(layer.config))
        value = draw.choice(OTHER_VALUES.get(key, (None, 1, 7, 10)))
        config = {**layer.config, key: value}
        if draw.random() < 0.3:  # as older forms have it: a setting that nobody wrote
            del config[key]
        layers[at] = replace(layer, config=config)


def _model(layers: list[LayerFact], exercise: Exercise) -> ModelFacts:
    total = sum(layer.params for layer in layers)
    return ModelFacts(tuple(layers), total, exercise.input_shape, 6, "model", rebuilt=True)


def single_forms(exercise: Exercise) -> Iterator[Exercise]:
    """The exercise as if it accepted one form only: each of them, the usual one first."""
    yield replace(exercise, accept=())
    for one in exercise.accept:
        total = one.total_params
        yield replace(exercise, accept=(), layers=one.layers, form=one.form, total_params=total)


def graded(model: ModelFacts, exercise: Exercise) -> Grade:
    return score(b.sound(exercise, model=model), exercise, THRESHOLD)


def advice(grade: Grade, exercise: Exercise) -> list[Message]:
    """The hints, but for the note that another form than the usual one was handed in."""
    notes = [one.note for one in exercise.accept]
    return [hint for hint in grade.hints if hint not in notes]


@pytest.mark.parametrize("exercise", SEVERAL_FORMS, ids=lambda one: one.id)
def test_points_and_advice_are_those_of_one_and_the_same_form(exercise: Exercise) -> None:
    contradictions = []
    for model in models_near(exercise, MODELS):
        grade = graded(model, exercise)
        alone = [graded(model, one) for one in single_forms(exercise)]
        if not any(
            one.checks == grade.checks and list(one.hints) == advice(grade, exercise)
            for one in alone
        ):
            contradictions.append(model)
    assert not contradictions, f"{len(contradictions)} of {MODELS}, first {contradictions[0]}"


@pytest.mark.parametrize("exercise", SEVERAL_FORMS, ids=lambda one: one.id)
def test_it_is_the_form_that_earns_most_and_the_usual_one_of_equals(exercise: Exercise) -> None:
    for model in models_near(exercise, MODELS):
        checks = graded(model, exercise).checks
        alone = [graded(model, one).checks for one in single_forms(exercise)]
        assert checks == max(alone, key=lambda one: round(sum(check.points for check in one), 6))


def test_a_model_between_two_forms_earns_what_the_better_one_gives_it() -> None:
    gru = COURSE.exercise("multiplication-gru")
    layers = [_fact(layer) for layer in gru.accept[0].layers]
    layers[1] = _fact(gru.layers[1])  # the second GRU in the usual form, the first in the older one
    compared = nearest(_model(layers, gru), gru)
    assert compared.form.layers == gru.layers
    assert compared.layers == (0.75, 1.0, 1.0)  # of four things, the count of the parameters


def test_what_stands_in_a_layers_stead_is_told_and_earns_nothing() -> None:
    """An LSTM where a GRU belongs: the student sees both, in place of a dash."""
    exercise = COURSE.exercise("temperature-conv1d-gru")
    layers = [_fact(layer) for layer in exercise.layers]
    layers[3] = replace(layers[3], cls="LSTM", params=8320)
    compared = nearest(_model(layers, exercise), exercise)
    assert compared.beside[3] == layers[3]
    assert compared.layers == (1.0, 1.0, 1.0, 0.0, 1.0)
    short = nearest(_model(layers[:3] + layers[4:], exercise), exercise)
    assert short.beside[3] is None
    assert short.beside[4] == layers[4]
