"""The first hint names the mistake: one test per mistake, with the smallest evidence of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.execute.transcript import _LeftOut
from grader.score.hints import MOST, REASONS, diagnose
from grader.score.hints_runs import LEFT_OUT
from grader.score.score import score
from grader.text.words import Words
from grader.types import (
    CellError,
    Check,
    Evidence,
    Finding,
    LayerFact,
    LeftOut,
    Message,
    ModelFacts,
    OtherModel,
    Outcome,
    RunFacts,
    TrainingFacts,
    Verdict,
)

ROOT = Path(__file__).resolve().parents[2]
RATES = ("diagnose.rate_zero", "diagnose.rate_tiny", "diagnose.rate_huge")
THRESHOLD = Threshold("mse", "lower", 0.01, 0.045, "jax", "cpu", None, None, "test")


@pytest.fixture(scope="module")
def gru() -> Exercise:
    return load_course(ROOT).exercise("multiplication-gru")


def fact(layer: ExpectedLayer, **config: Any) -> LayerFact:
    return LayerFact(layer.cls, {**layer.config, **config}, layer.output_shape, layer.params)


def model(layers: list[LayerFact], **changes: Any) -> ModelFacts:
    total = sum(layer.params for layer in layers)
    return replace(ModelFacts(tuple(layers), total, (100, 2), 6, "model", rebuilt=True), **changes)


def trained(losses: tuple[float, ...] = (0.1, 0.001), **changes: Any) -> TrainingFacts:
    facts = TrainingFacts(
        fits=1,
        epochs=100,
        changed=True,
        finite=True,
        history={"loss": losses},
        compile={"loss": "mse", "optimizer": "Adam", "learning_rate": 0.001},
        cell=7,
        epochs_asked=100,
        rows=2048,
        batch_size=None,
        updates=6400,
        target_kind="real",
    )
    return replace(facts, **changes)


def finding(name: str = "data.target", fraction: float = 1.0) -> Finding:
    hint = Message("multiplication.target_sum_hint") if fraction < 1 else None
    return Finding(name, fraction, "", "", Message("multiplication.target_right"), hint)


def sound(exercise: Exercise, **changes: Any) -> Evidence:
    facts = Evidence(
        exercise=exercise.id,
        runs=RunFacts(Outcome.FINISHED, cells=9, failed=(), stopped_at=None),
        model=model([fact(layer) for layer in exercise.layers]),
        data=(finding(),),
        layout="mark-number",
        training=trained(),
        metrics={"mse": 0.001},
        controls={"mean": {"mse": 0.049}},
    )
    return replace(facts, **changes)


def with_layer(exercise: Exercise, number: int, **config: Any) -> Evidence:
    layers = [fact(layer) for layer in exercise.layers]
    layers[number] = fact(exercise.layers[number], **config)
    return sound(exercise, model=model(layers))


def hints(evidence: Evidence, exercise: Exercise) -> list[Message]:
    return list(score(evidence, exercise, THRESHOLD).hints)


def checks_of(evidence: Evidence, exercise: Exercise) -> list[Check]:
    return list(score(evidence, exercise, THRESHOLD).checks)


def first(evidence: Evidence, exercise: Exercise) -> Message:
    return hints(evidence, exercise)[0]


def ids(evidence: Evidence, exercise: Exercise) -> list[str]:
    return [message.id for message in hints(evidence, exercise)]


def failing(*errors: tuple[int, str, str]) -> RunFacts:
    failed = tuple((cell, CellError(name, value, "")) for cell, name, value in errors)
    return RunFacts(Outcome.FINISHED, 9, failed, None)


class TestOrder:
    def test_sound_work_gets_no_hints(self, gru: Exercise) -> None:
        assert hints(sound(gru), gru) == []

    def test_what_then_why_then_the_exercises_own_hint(self, gru: Exercise) -> None:
        told = ids(with_layer(gru, 0, units=15), gru)
        assert told == ["diagnose.units", "diagnose.units.why", "course.inline"]

    def test_no_more_than_five_and_each_once(self, gru: Exercise) -> None:
        layers = [fact(layer, units=7, activation="relu", x=1) for layer in gru.layers]
        told = hints(
            sound(gru, model=model(layers), data=(finding(fraction=0), finding("data.rows", 0))),
            gru,
        )
        assert len(told) <= MOST
        assert len({(m.id, repr(m.args)) for m in told}) == len(told)

    def test_the_exercises_hints_about_other_things_stay_out(self, gru: Exercise) -> None:
        broken = sound(gru, training=None, data=(), runs=failing((3, "KeyError", "'x'")))
        assert "course.inline" not in ids(replace(broken, metrics={}), gru)

    def test_the_same_evidence_gives_the_same_hints(self, gru: Exercise) -> None:
        evidence = with_layer(gru, 1, return_sequences=True)
        assert hints(evidence, gru) == hints(evidence, gru)


class TestStructure:
    def test_another_recurrent_layer(self, gru: Exercise) -> None:
        layers = [fact(layer) for layer in gru.layers]
        layers[:2] = [replace(layer, cls="LSTM") for layer in layers[:2]]
        told = first(sound(gru, model=model(layers)), gru)
        assert told == Message(
            "diagnose.layer_type", {"number": 1, "got": "LSTM", "expected": "GRU"}
        )

    def test_one_wrong_layer_is_named_by_its_place(self, gru: Exercise) -> None:
        layers = [fact(layer) for layer in gru.layers]
        layers[1] = replace(layers[1], cls="SimpleRNN")
        assert first(sound(gru, model=model(layers)), gru).args["number"] == 2

    def test_units(self, gru: Exercise) -> None:
        told = first(with_layer(gru, 0, units=15), gru)
        args = {"number": 1, "layer": "GRU", "got": "15", "expected": "30"}
        assert told == Message("diagnose.units", args)

    def test_missing_return_sequences(self, gru: Exercise) -> None:
        told = first(with_layer(gru, 0, return_sequences=False), gru)
        assert told == Message("diagnose.missing_sequences", {"number": 1, "layer": "GRU"})

    def test_extra_return_sequences(self, gru: Exercise) -> None:
        told = first(with_layer(gru, 1, return_sequences=True), gru)
        assert told == Message("diagnose.extra_sequences", {"number": 2, "layer": "GRU"})

    def test_return_sequences_come_before_units(self, gru: Exercise) -> None:
        told = ids(with_layer(gru, 1, return_sequences=True, units=5), gru)
        assert told[:2] == ["diagnose.extra_sequences", "diagnose.units"]

    def test_missing_layer(self, gru: Exercise) -> None:
        layers = [fact(gru.layers[1]), fact(gru.layers[2])]
        told = first(sound(gru, model=model(layers)), gru)
        assert told == Message("diagnose.missing_layer", {"layer": "GRU", "asked": 3, "have": 2})

    def test_extra_layer(self, gru: Exercise) -> None:
        layers = [fact(layer) for layer in gru.layers]
        layers.insert(2, LayerFact("Dropout", {"rate": 0.2}, (30,), 0))
        told = first(sound(gru, model=model(layers)), gru)
        args = {"number": 3, "layer": "Dropout", "asked": 3, "have": 4}
        assert told == Message("diagnose.extra_layer", args)

    def test_activation_of_the_last_layer(self, gru: Exercise) -> None:
        told = first(with_layer(gru, 2, activation="relu"), gru)
        assert (told.id, told.args["got"]) == ("diagnose.last_activation", "relu")

    def test_softmax_over_a_single_unit(self, gru: Exercise) -> None:
        assert first(with_layer(gru, 2, activation="softmax"), gru).id == "diagnose.softmax_single"

    def test_input_shape(self, gru: Exercise) -> None:
        layers = [replace(fact(layer), params=1) for layer in gru.layers]
        told = first(sound(gru, model=model(layers, input_shape=(2, 100))), gru)
        args = {"got": "(2, 100)", "expected": "(100, 2)"}
        assert told == Message("diagnose.input_swapped", args)

    def test_the_order_of_the_axes_is_explained_only_where_it_differs(self, gru: Exercise) -> None:
        layers = [replace(fact(layer), params=1) for layer in gru.layers]
        swapped = ids(sound(gru, model=model(layers, input_shape=(2, 100))), gru)
        wider = ids(sound(gru, model=model(layers, input_shape=(100, 3))), gru)
        assert swapped[1] == "diagnose.input_swapped.why"
        assert wider[0] == "diagnose.input_shape"
        assert not [key for key in wider if key.startswith("diagnose.input") and "why" in key]

    def test_a_size_left_open_is_no_wrong_input_shape(self, gru: Exercise) -> None:
        layers = [replace(fact(layer), params=1) for layer in gru.layers]
        told = ids(sound(gru, model=model(layers, input_shape=(None, 2))), gru)
        assert "diagnose.input_shape" not in told

    def test_parameters_that_no_other_difference_explains(self, gru: Exercise) -> None:
        layers = [replace(fact(layer), params=layer.params - 1) for layer in gru.layers]
        told = first(sound(gru, model=model(layers)), gru)
        assert told == Message("diagnose.params", {"expected": 8671, "got": 8668})

    def test_biases_that_are_missing_are_named(self, gru: Exercise) -> None:
        """Without those of its second layer it has as many parameters as the older form, 8491."""
        first_layer, second, dense = gru.layers
        usual = fact(first_layer, reset_after=True)
        bare = replace(fact(second, reset_after=True, use_bias=False), params=5400)
        found = sound(gru, model=model([usual, bare, fact(dense)]))
        values = {"got": "False", "expected": "True", "setting": "use_bias"}
        told = Message("diagnose.setting", {"number": 2, "layer": "GRU", **values})
        assert [one for one in hints(found, gru) if one.id.startswith("diagnose")] == [told]

    def test_a_gru_of_the_older_form_is_named_where_no_form_asks_for_it(self) -> None:
        """The exercise says nothing of ``reset_after``, and the parameters differ by nothing else."""
        course = load_course(ROOT)
        exercise = course.exercise("temperature-gru")
        first_layer, dense = exercise.layers
        older = replace(fact(first_layer, reset_after=False), params=4512)
        evidence = sound(exercise, model=model([older, fact(dense)], input_shape=(36, 14)))
        values = {"got": "False", "expected": "True", "setting": "reset_after"}
        told = Message("diagnose.setting", {"number": 1, "layer": "GRU", **values})
        assert [one for one in hints(evidence, exercise) if one.id.startswith("diagnose")] == [told]
        (check,) = (one for one in checks_of(evidence, exercise) if one.id == "structure.layer-1")
        assert "reset_after=False" in check.got

    def test_a_hint_counts_layers_as_the_checks_do(self) -> None:
        """Of a model that lacks its second layer the third is the fourth that is asked for."""
        exercise = load_course(ROOT).exercise("temperature-conv1d-gru")
        layers = [fact(layer) for layer in exercise.layers]
        place = next(i for i, layer in enumerate(layers) if layer.cls == "GRU")
        layers[place] = replace(layers[place], config={**layers[place].config, "dropout": 0.0})
        del layers[1]
        evidence = sound(exercise, model=model(layers, input_shape=(36, 14)))
        (told,) = (one for one in hints(evidence, exercise) if one.args.get("setting") == "dropout")
        missed = [
            one for one in checks_of(evidence, exercise) if one.id.startswith("structure.lay")
        ]
        asked = [one.message.args["number"] for one in missed if one.expected.startswith("GRU(")]
        assert [told.args["number"]] == asked == [place + 1]

    def test_a_model_without_readable_layers(self, gru: Exercise) -> None:
        told = first(sound(gru, model=model([], rebuilt=False), metrics={}), gru)
        assert told.id == "diagnose.not_a_chain"

    def test_a_layer_of_ones_own_with_a_known_name(self, gru: Exercise) -> None:
        layers = [LayerFact(layer.cls, {}, (), 0) for layer in gru.layers]
        told = ids(sound(gru, model=model(layers, rebuilt=False), metrics={}), gru)
        assert told[0] == "diagnose.not_a_chain"

    def test_the_older_form_of_the_gru_gets_its_note_and_no_blame(self, gru: Exercise) -> None:
        older = gru.accept[0]
        evidence = sound(gru, model=model([fact(layer) for layer in older.layers]))
        assert score(evidence, gru, THRESHOLD).verdict is Verdict.ACCEPTED
        assert hints(evidence, gru) == [older.note]

    def test_a_wrong_layer_comes_before_the_error_that_it_causes(self, gru: Exercise) -> None:
        evidence = with_layer(gru, 2, units=2)
        runs = failing((7, "ValueError", "Incompatible shapes for subtract: (32,), (32, 2)"))
        told = ids(replace(evidence, runs=runs, training=None, data=(), metrics={}), gru)
        assert told[:2] == ["diagnose.units", "diagnose.target_shape_unknown"]


class TestData:
    def test_the_familys_hint_comes_first(self, gru: Exercise) -> None:
        told = ids(sound(gru, data=(finding("data.target", 0.0),)), gru)
        assert told[0] == "multiplication.target_sum_hint"

    def test_shuffling_apart_is_named_first(self, gru: Exercise) -> None:
        apart = Message("source.shuffled_apart", {"cell": 4})
        told = hints(sound(gru, data=(finding("data.target", 0.0),), hints=(apart,)), gru)
        assert told[0] == apart


class TestTraining:
    def test_never_fitted(self, gru: Exercise) -> None:
        told = first(sound(gru, training=trained(fits=0, epochs=0, changed=False), data=()), gru)
        assert told == Message("diagnose.never_fitted", {"name": "model"})

    def test_weights_changed_by_hand_are_no_training(self, gru: Exercise) -> None:
        told = first(sound(gru, training=trained(fits=0, epochs=0), data=()), gru)
        assert told.id == "diagnose.never_fitted"

    def test_a_trained_model_of_nearly_the_same_name(self, gru: Exercise) -> None:
        other = OtherModel("mdoel", 5, 100, ("GRU", "Dense"))
        told = first(sound(gru, training=None, data=(), others=(other,)), gru)
        args = {"name": "model", "other": "mdoel", "cell": 5}
        assert told == Message("diagnose.misspelt_model", args)

    @pytest.mark.parametrize(
        ("one", "other"), [("model2", "model1"), ("model_b", "model_a"), ("gru_model", "rnn_model")]
    )
    def test_names_that_are_meant_to_differ_are_not_misspelt(
        self, gru: Exercise, one: str, other: str
    ) -> None:
        named = model([fact(layer) for layer in gru.layers], name=one)
        trained_one = OtherModel(other, 5, 100, ("GRU", "Dense"))
        told = first(sound(gru, model=named, training=None, data=(), others=(trained_one,)), gru)
        assert told.id == "diagnose.trained_elsewhere"

    @pytest.mark.parametrize(
        "error", [("KeyError", "3"), ("ValueError", "Expected shape (None, 4), but input has …")]
    )
    def test_a_later_error_does_not_hide_that_another_model_was_trained(
        self, gru: Exercise, error: tuple[str, str]
    ) -> None:
        other = OtherModel("mdoel", 5, 100, ("GRU", "Dense"))
        runs = failing((9, *error))
        evidence = sound(gru, training=None, data=(), others=(other,), runs=runs, metrics={})
        assert score(evidence, gru, THRESHOLD).verdict is Verdict.RUNTIME_ERROR
        assert first(evidence, gru).id == "diagnose.misspelt_model"

    def test_an_error_before_the_model_was_built_is_no_consequence_of_its_name(
        self, gru: Exercise
    ) -> None:
        other = OtherModel("mdoel", 5, 100, ("GRU", "Dense"))
        evidence = sound(gru, training=None, data=(), others=(other,), metrics={})
        runs = failing((2, "FileNotFoundError", "[Errno 2] No such file or directory: 'a.csv'"))
        assert first(replace(evidence, runs=runs), gru).id == "diagnose.no_file"

    def test_a_loop_of_ones_own_is_named_in_place_of_a_missing_fit(self, gru: Exercise) -> None:
        loop = Message("source.own_loop", {"cell": 7, "how": "train_on_batch"})
        training = trained(fits=0, epochs=0, own_updates=60, own_epochs=1)
        grade = score(sound(gru, training=training, data=(), hints=(loop,)), gru, THRESHOLD)
        assert grade.verdict is Verdict.UNTRAINED
        assert grade.hints[0] == loop
        assert "diagnose.never_fitted" not in [message.id for message in grade.hints]
        assert grade.flags == ("trained_without_fit",)

    def test_a_loop_that_updated_nothing_is_not_what_trained_the_model(self, gru: Exercise) -> None:
        """Its name stands in the code; the weights came from elsewhere."""
        loop = Message("source.own_loop", {"cell": 7, "how": "GradientTape"})
        evidence = sound(gru, training=trained(fits=0, epochs=0), data=(), hints=(loop,))
        grade = score(replace(evidence, flags=("no_training_seen",)), gru, THRESHOLD)
        assert grade.verdict is Verdict.UNTRAINED
        assert grade.hints[0].id == "diagnose.never_fitted"
        assert loop not in grade.hints
        assert grade.flags == ("no_training_seen",)

    def test_another_model_was_trained(self, gru: Exercise) -> None:
        other = OtherModel("rnn", 5, 100, ("SimpleRNN", "Dense"))
        told = first(sound(gru, training=None, data=(), others=(other,)), gru)
        assert (told.id, told.args["other"]) == ("diagnose.trained_elsewhere", "rnn")

    def test_another_model_that_was_not_trained_either_explains_nothing(
        self, gru: Exercise
    ) -> None:
        other = OtherModel("rnn", 5, 0, ("SimpleRNN", "Dense"))
        evidence = sound(gru, training=None, data=(), others=(other,))
        assert first(evidence, gru).id == "diagnose.never_fitted"

    def test_fit_in_a_comment_explains_an_untrained_model(self, gru: Exercise) -> None:
        comment = Message("source.fit_commented_out", {"cell": 7})
        assert first(sound(gru, training=None, data=(), hints=(comment,)), gru) == comment

    @pytest.mark.parametrize("silent", ["source.fit_commented_out", "source.never_called"])
    def test_a_training_that_never_was_goes_before_the_name_that_it_would_have_bound(
        self, gru: Exercise, silent: str
    ) -> None:
        why = Message(silent, {"cell": 7, "name": "train"})
        runs = failing((8, "NameError", "name 'verlauf' is not defined"))
        never = {"training": trained(fits=0, epochs=0, changed=False), "data": (), "metrics": {}}
        evidence = sound(gru, hints=(why,), runs=runs, **never)
        assert score(evidence, gru, THRESHOLD).verdict is Verdict.RUNTIME_ERROR
        assert ids(evidence, gru)[:2] == [silent, "diagnose.undefined_name"]

    def test_a_missing_history_is_told_as_a_missing_training(self, gru: Exercise) -> None:
        runs = failing((8, "NameError", "name 'history' is not defined"))
        never = {"training": trained(fits=0, epochs=0, changed=False), "data": (), "metrics": {}}
        told = ids(sound(gru, runs=runs, **never), gru)
        assert told[:2] == ["diagnose.never_fitted", "diagnose.undefined_name"]
        other = failing((8, "NameError", "name 'figure' is not defined"))
        assert ids(sound(gru, runs=other, **never), gru)[0] == "diagnose.undefined_name"

    def test_a_name_that_is_missing_above_the_model_is_no_consequence_of_it(
        self, gru: Exercise
    ) -> None:
        why = Message("source.fit_commented_out", {"cell": 7})
        never = {"training": trained(fits=0, epochs=0, changed=False), "data": (), "metrics": {}}
        runs = failing((1, "NameError", "name 'np' is not defined"))
        assert ids(sound(gru, hints=(why,), runs=runs, **never), gru)[0] != why.id

    def test_epochs_left_from_debugging(self, gru: Exercise) -> None:
        told = first(sound(gru, training=trained(epochs=3, epochs_asked=3)), gru)
        assert told == Message("diagnose.debug_epochs", {"run": 3, "asked": 100, "cell": 7})

    def test_few_epochs(self, gru: Exercise) -> None:
        assert (
            first(sound(gru, training=trained(epochs=8, epochs_asked=8)), gru).id
            == "diagnose.few_epochs"
        )

    def test_a_fit_that_ended_before_its_epochs(self, gru: Exercise) -> None:
        told = first(sound(gru, training=trained(epochs=4, epochs_asked=100)), gru)
        assert (told.id, told.args["wanted"]) == ("diagnose.stopped_early", 100)

    def test_an_error_within_fit_comes_before_the_missing_epochs(self, gru: Exercise) -> None:
        runs = failing((7, "MemoryError", ""))
        told = ids(sound(gru, training=trained(epochs=4, epochs_asked=100), runs=runs), gru)
        assert told[:2] == ["diagnose.memory_error", "diagnose.stopped_early"]

    def test_learning_rate_zero(self, gru: Exercise) -> None:
        still = trained(changed=False, compile={"optimizer": "Adam", "learning_rate": 0.0})
        told = first(sound(gru, training=still), gru)
        assert told == Message("diagnose.rate_zero", {"optimizer": "Adam"})

    def test_frozen_weights(self, gru: Exercise) -> None:
        assert first(sound(gru, training=trained(changed=False)), gru).id == "diagnose.frozen"

    def test_nan(self, gru: Exercise) -> None:
        losses = (0.1, math.nan, math.nan)
        told = first(sound(gru, training=trained(losses, finite=False), metrics={}), gru)
        assert told == Message("diagnose.not_finite", {"epoch": 2})

    def test_weights_that_are_no_numbers_after_losses_that_were(self, gru: Exercise) -> None:
        losses = (0.5, 0.4, 0.3, 0.2, 0.1)
        told = first(sound(gru, training=trained(losses, finite=False), metrics={}), gru)
        assert told == Message("diagnose.not_finite_weights", {"cell": 7})

    @pytest.mark.parametrize(("fault", "name"), [("changed", "frozen"), ("finite", "not_finite")])
    def test_a_training_of_which_no_fit_is_known_names_no_cell(
        self, gru: Exercise, fault: str, name: str
    ) -> None:
        told = first(sound(gru, training=trained(cell=None, **{fault: False})), gru)
        assert told.id.startswith(f"diagnose.{name}")
        assert told.args == {}


class TestAccuracy:
    """Structure, data and epochs are right, and the model is no good."""

    def low(self, exercise: Exercise, training: TrainingFacts) -> Evidence:
        return sound(exercise, training=training, metrics={"mse": 0.05})

    @pytest.mark.parametrize(
        ("rate", "name"),
        [(1e-6, "rate_tiny"), (10.0, "rate_huge"), (0.5, "rate_huge")],
    )
    def test_learning_rate(self, gru: Exercise, rate: float, name: str) -> None:
        wrong = trained((0.3, 0.2), compile={"optimizer": "Adam", "learning_rate": rate})
        told = first(self.low(gru, wrong), gru)
        assert told == Message(f"diagnose.{name}", {"rate": rate, "optimizer": "Adam"})

    @pytest.mark.parametrize("rate", [1e-4, 0.001, 0.01, 0.03])
    def test_usual_learning_rates_are_not_blamed(self, gru: Exercise, rate: float) -> None:
        usual = trained((0.3, 0.2), compile={"optimizer": "Adam", "learning_rate": rate})
        assert not [key for key in ids(self.low(gru, usual), gru) if "rate" in key]

    def test_plain_sgd(self, gru: Exercise) -> None:
        sgd = trained((0.3, 0.05), compile={"optimizer": "SGD", "learning_rate": 0.01})
        assert first(self.low(gru, sgd), gru) == Message("diagnose.plain_sgd", {"optimizer": "SGD"})

    @pytest.mark.parametrize("rate", [0.0, 1e-6, 10.0])
    def test_a_default_is_not_advised_for_an_optimizer_that_is_slow_at_its_default(
        self, gru: Exercise, rate: float
    ) -> None:
        settings = {"optimizer": "SGD", "learning_rate": rate}
        told = hints(self.low(gru, trained((0.3, 0.05), compile=settings)), gru)
        about = [one for one in told if one.id in {"diagnose.plain_sgd", *RATES}]
        assert [one.id for one in about] == [one.id for one in about if one.id in RATES]
        assert len(about) == 1
        assert "the optimizer that the exercise names" in Words("en").say(about[0])

    def test_more_epochs_are_advised_once(self, gru: Exercise) -> None:
        told = ids(self.low(gru, trained((0.05, 0.012), epochs=30, epochs_asked=30)), gru)
        assert "diagnose.fewer_epochs" in told
        assert "diagnose.still_falling" not in told

    def test_sgd_with_momentum_is_not_blamed(self, gru: Exercise) -> None:
        settings = {"optimizer": "SGD", "learning_rate": 0.01, "optimizer.momentum": 0.9}
        told = ids(self.low(gru, trained((0.3, 0.05), compile=settings)), gru)
        assert "diagnose.plain_sgd" not in told

    def test_a_loss_for_classes_on_numbers(self, gru: Exercise) -> None:
        wrong = trained((0.7, 0.69), compile={"optimizer": "Adam", "loss": "binary_crossentropy"})
        told = first(self.low(gru, wrong), gru)
        assert told == Message("diagnose.loss_crossentropy", {"loss": "binary_crossentropy"})

    def test_a_loss_for_classes_on_classes_is_not_blamed(self, gru: Exercise) -> None:
        settings = {"optimizer": "Adam", "loss": "binary_crossentropy"}
        right = trained((0.7, 0.69), compile=settings, target_kind="binary")
        assert "diagnose.loss_crossentropy" not in ids(self.low(gru, right), gru)

    def test_huge_batches(self, gru: Exercise) -> None:
        huge = trained((0.3, 0.05), batch_size=2048, updates=100)
        told = first(self.low(gru, huge), gru)
        args = {"updates": 100, "usual": 6400, "batch": 2048, "rows": 2048}
        assert told == Message("diagnose.few_updates", args)

    def test_twice_the_usual_batch_is_not_blamed(self, gru: Exercise) -> None:
        told = ids(self.low(gru, trained((0.3, 0.05), batch_size=64, updates=3200)), gru)
        assert "diagnose.few_updates" not in told

    def test_the_batch_is_not_blamed_for_epochs_that_are_missing(self, gru: Exercise) -> None:
        few = trained((0.3, 0.05), epochs=5, batch_size=128, updates=5 * 16)
        assert "diagnose.few_updates" not in ids(self.low(gru, few), gru)
        both = trained((0.3, 0.05), epochs=5, batch_size=2048, updates=5)
        assert "diagnose.few_updates" in ids(self.low(gru, both), gru)

    def test_fewer_epochs_than_asked(self, gru: Exercise) -> None:
        short = trained((0.06, 0.05), epochs=30, epochs_asked=30)
        assert first(self.low(gru, short), gru).id == "diagnose.fewer_epochs"

    def test_a_loss_that_stays_at_the_constant_answer(self, gru: Exercise) -> None:
        told = first(self.low(gru, trained((0.3, 0.05, 0.048))), gru)
        assert told == Message("diagnose.plateau", {"first": 0.3, "last": 0.048})

    def test_who_has_learned_nearly_enough_is_not_told_of_constant_answers(
        self, gru: Exercise
    ) -> None:
        nearly = replace(self.low(gru, trained((0.3, 0.05, 0.048))), metrics={"mse": 0.0101})
        assert "diagnose.plateau" not in ids(nearly, gru)

    def test_a_loss_that_jumps_at_the_end(self, gru: Exercise) -> None:
        told = first(self.low(gru, trained((0.05, 0.001, 0.04))), gru)
        assert told == Message("diagnose.late_jump", {"best": 0.001, "epoch": 2, "last": 0.04})

    def test_rows_learned_by_heart(self, gru: Exercise) -> None:
        history = {"loss": (0.05, 0.001), "val_loss": (0.05, 0.06)}
        assert first(self.low(gru, trained(history=history)), gru).id == "diagnose.overfitted"

    def test_nearly_there(self, gru: Exercise) -> None:
        assert first(self.low(gru, trained((0.05, 0.012))), gru).id == "diagnose.still_falling"


class TestRuns:
    def test_the_first_failing_cell_comes_first(self, gru: Exercise) -> None:
        errors = (3, "NameError", "name 'histroy' is not defined"), (5, "MemoryError", "")
        told = hints(sound(gru, model=None, training=None, runs=failing(*errors)), gru)
        assert [m.args["cell"] for m in told[:2]] == [3, 5]

    def test_names_that_the_first_failing_cell_did_not_define_are_consequences(
        self, gru: Exercise
    ) -> None:
        errors = (3, "MemoryError", ""), (5, "NameError", "name 'model' is not defined")
        told = ids(sound(gru, model=None, training=None, runs=failing(*errors)), gru)
        assert told == ["diagnose.memory_error"]

    def test_a_model_that_the_failing_cell_did_not_compile_is_a_consequence(
        self, gru: Exercise
    ) -> None:
        errors = (3, "ValueError", "Argument(s) not recognized: {'lr': 0.1}")
        later = (5, "ValueError", "You must call `compile()` before using the model.")
        runs = failing(errors, later)
        told = ids(sound(gru, training=None, data=(), runs=runs, metrics={}), gru)
        assert told == ["diagnose.removed", "diagnose.removed.why"]

    def test_a_misspelt_name_beside_accepted_work_is_told_once(self, gru: Exercise) -> None:
        shown = Message(
            "source.misspelt_name", {"cell": 9, "name": "histroy", "nearest": "history"}
        )
        runs = failing((9, "NameError", "name 'histroy' is not defined"))
        assert hints(sound(gru, runs=runs, hints=(shown,)), gru) == [shown]

    def test_what_the_code_shows_about_a_name_is_said_in_place_of_a_guess(
        self, gru: Exercise
    ) -> None:
        shown = Message(
            "source.misspelt_name", {"cell": 3, "name": "histroy", "nearest": "hist_gru"}
        )
        runs = failing((3, "NameError", "name 'histroy' is not defined"))
        evidence = sound(gru, model=None, training=None, runs=runs, hints=(shown,))
        assert hints(evidence, gru) == [shown]

    @pytest.mark.parametrize(("cell", "first_told"), [(7, "own_program"), (4, "time_limit")])
    def test_a_program_of_its_own_that_ran_until_the_end_is_named_first(
        self, gru: Exercise, cell: int, first_told: str
    ) -> None:
        """Where time runs out elsewhere, it is no matter of the program."""
        line = {"cell": cell, "line": "!python train.py"}
        runs = RunFacts(Outcome.TIME_LIMIT, 9, (), 7)
        evidence = Evidence(gru.id, runs, None, (), None, None, {})
        told = score(replace(evidence, hints=(Message("source.own_program", line),)), gru, None)
        assert told.hints[0].id.partition(".")[2] == first_told
        assert {hint.id for hint in told.hints} >= {"source.own_program", "diagnose.time_limit"}

    @pytest.mark.parametrize("outcome", ["time_limit", "memory_limit", "kernel_died"])
    def test_a_room_that_was_stopped(self, gru: Exercise, outcome: str) -> None:
        runs = RunFacts(Outcome(outcome), 9, (), 7)
        told = first(sound(gru, model=None, training=None, data=(), runs=runs), gru)
        assert told == Message(f"diagnose.{outcome}", {"cell": 7})

    @pytest.mark.parametrize("lang", ["en", "ko"])
    @pytest.mark.parametrize("training", [None, trained(reached=3, cell=None)], ids=["", "fit"])
    @pytest.mark.parametrize("outcome", ["time_limit", "memory_limit", "kernel_died"])
    def test_where_it_is_unknown_in_which_cell_a_room_was_stopped_no_cell_is_named(
        self, gru: Exercise, outcome: str, training: TrainingFacts | None, lang: str
    ) -> None:
        runs = RunFacts(Outcome(outcome), 9, (), None)
        told = first(sound(gru, model=None, training=training, data=(), runs=runs), gru)
        said = Words(lang).say(told)
        assert told == Message(f"diagnose.{outcome}_somewhere")
        assert Words(lang).knows(told.id)
        assert ("cell" if lang == "en" else "번 셀") not in said.partition(". ")[0]

    def test_the_cell_of_the_fit_that_never_ended_is_known_where_the_rooms_end_is_not(
        self, gru: Exercise
    ) -> None:
        runs = RunFacts(Outcome.TIME_LIMIT, 9, (), None)
        told = first(sound(gru, model=None, training=trained(reached=3), data=(), runs=runs), gru)
        slow = Message("diagnose.time_limit_slow_epochs", {"cell": 7, "reached": 3})
        assert told == slow

    @pytest.mark.parametrize(
        ("wanted", "told"),
        [
            (None, "diagnose.time_limit_slow_epochs"),
            (90, "diagnose.time_limit_slow_epochs"),
            (100, "diagnose.time_limit_slow_epochs"),
            (101, "diagnose.time_limit_in_fit"),
        ],
    )
    def test_only_who_asked_for_more_epochs_than_the_exercise_is_told_so(
        self, gru: Exercise, wanted: int | None, told: str
    ) -> None:
        assert gru.epochs == 100
        runs = RunFacts(Outcome.TIME_LIMIT, 9, (), 7)
        training = trained(changed=False, epochs=0, epochs_asked=wanted, reached=3)
        message = first(sound(gru, runs=runs, training=training, metrics={}), gru)
        assert (message.id, message.args["reached"]) == (told, 3)

    def test_a_fit_that_time_cut_off_says_how_far_it_came(self, gru: Exercise) -> None:
        runs = RunFacts(Outcome.TIME_LIMIT, 9, (), 7)
        training = trained(changed=False, epochs=0, epochs_asked=10**7, reached=1234)
        grade = score(sound(gru, runs=runs, training=training, metrics={}), gru, THRESHOLD)
        args = {"cell": 7, "reached": 1234, "wanted": 10**7}
        assert grade.hints[0] == Message("diagnose.time_limit_in_fit", args)
        told = {check.id: check.message.id for check in grade.checks}
        assert told["training.weights"] == "training.cut_off"
        assert told["training.epochs"] == "training.epochs_cut_off"

    def test_what_an_earlier_failing_cell_did_not_make_is_no_second_mistake(
        self, gru: Exercise
    ) -> None:
        errors = (3, "FileNotFoundError", "'a.csv'"), (5, "TypeError", "unsupported operand")
        follows = Message("source.consequence", {"cell": 5, "name": "X", "first": 3})
        evidence = sound(gru, model=None, training=None, data=(), metrics={})
        told = ids(replace(evidence, runs=failing(*errors), hints=(follows,)), gru)
        assert told == ["diagnose.error", "source.consequence"]

    def test_another_language_is_all_that_is_said(self, gru: Exercise) -> None:
        language = Message("source.other_language", {"language": "R"})
        runs = failing((1, "NameError", "name 'library' is not defined"), (2, "SyntaxError", ""))
        evidence = sound(gru, model=None, training=None, data=(), metrics={}, runs=runs)
        assert hints(replace(evidence, hints=(language,)), gru) == [language]

    def test_a_failing_cell_beside_accepted_work_is_explained(self, gru: Exercise) -> None:
        runs = failing((9, "FileNotFoundError", "[Errno 2] No such file or directory: 'a.csv'"))
        evidence = sound(gru, runs=runs)
        assert score(evidence, gru, THRESHOLD).verdict is Verdict.ACCEPTED
        assert ids(evidence, gru) == ["diagnose.no_file"]


class TestNotes:
    """Kind words about accepted work; they cost nothing."""

    def test_a_wrong_limit_in_the_students_own_metric(self, gru: Exercise) -> None:
        slip = Message("source.tolerance", {"cell": 9, "got": 0.4})
        evidence = sound(gru, hints=(slip,))
        assert score(evidence, gru, THRESHOLD).score == 100.0
        assert hints(evidence, gru) == [slip]

    def test_a_limit_that_is_no_slip_of_the_decimal_point_is_left_alone(
        self, gru: Exercise
    ) -> None:
        other = Message("source.tolerance", {"cell": 9, "got": 0.05})
        assert hints(sound(gru, hints=(other,)), gru) == []

    def test_settings_that_nothing_judged_are_mentioned(self, gru: Exercise) -> None:
        settings = {"optimizer": "Adam", "learning_rate": 1e-7, "loss": "mse"}
        evidence = sound(gru, training=trained(compile=settings))
        unjudged: tuple[Check, ...] = ()
        told = diagnose(evidence, gru, None, unjudged, Verdict.ACCEPTED)
        assert [message.id for message in told] == ["diagnose.rate_tiny"]

    def test_settings_with_which_the_model_became_good_are_not(self, gru: Exercise) -> None:
        settings = {"optimizer": "Adam", "learning_rate": 0.2, "loss": "mse"}
        assert hints(sound(gru, training=trained(compile=settings)), gru) == []


def test_each_lack_of_the_room_is_told_once_and_after_the_students_mistakes(gru: Exercise) -> None:
    lines = (
        LeftOut(1, 2, 3, "package", "sklearn", "No module named 'sklearn'"),
        LeftOut(4, 1, 1, "package", "sklearn", "name 'error' is not defined"),
        LeftOut(1, 3, 3, "device", "GPU", "list index out of range"),
        LeftOut(5, 1, 1, "font", "malgun.ttf", "No such file"),
    )
    runs = replace(failing((2, "ZeroDivisionError", "division by zero")), left_out=lines)
    found = [
        (one.id, one.args.get("cell"), one.args.get("line"))
        for one in hints(sound(gru, runs=runs), gru)
    ]
    assert found[1:] == [("diagnose.lacks_package", 1, 2), ("diagnose.lacks_device", 1, 3)]
    assert found[0][1] == 2


IMPORT = LeftOut(1, 2, 3, "package", "nltk", "ModuleNotFoundError: No module named 'nltk'")
LOST = LeftOut(4, 1, 1, "package", "nltk", "NameError: name 'nltk' is not defined")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": ()}, "diagnose.never_fitted"),
        ({"data": (finding(fraction=0.0),)}, "multiplication.target_sum_hint"),
    ],
)
def test_an_import_that_was_left_out_hides_no_mistake(
    gru: Exercise, changes: dict[str, Any], told: str
) -> None:
    runs = replace(failing(), left_out=(IMPORT,))
    evidence = sound(gru, training=None, metrics={}, runs=runs, **changes)
    assert score(evidence, gru, THRESHOLD).verdict is Verdict.RUNTIME_ERROR
    found = ids(evidence, gru)
    assert found.index(told) < found.index("diagnose.lacks_package")


def test_where_fit_may_be_among_what_was_left_out_nobody_is_told_to_call_it(gru: Exercise) -> None:
    runs = replace(failing(), left_out=(IMPORT, LOST))
    found = ids(sound(gru, training=None, data=(), metrics={}, runs=runs), gru)
    assert found[0] == "diagnose.lacks_package"
    assert "diagnose.never_fitted" not in found


def test_every_kind_that_is_read_has_its_hint() -> None:
    assert set(get_args(_LeftOut.model_fields["kind"].annotation)) == set(LEFT_OUT)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_lack_has_words(lang: str) -> None:
    words = Words(lang)
    assert [one for one in LEFT_OUT.values() if not words.knows(one)] == []


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_reason_has_words(lang: str) -> None:
    words = Words(lang)
    assert [one for pair in REASONS.items() for one in pair if not words.knows(one)] == []
