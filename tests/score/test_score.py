"""Points and verdicts: what each fact is worth, and that more that is right never earns less."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.exercises import Exercise
from grader.course.expectations import Threshold
from grader.course.load import load_course
from grader.score.checks_accuracy import accuracy_fraction
from grader.score.checks_structure import layer_text
from grader.score.score import MAX_SCORE, malformed, nothing_found, score, ungraded
from grader.text.words import Words
from grader.types import (
    CellError,
    Evidence,
    EvidenceClass,
    Finding,
    Grade,
    LayerFact,
    LeftOut,
    Message,
    ModelFacts,
    Outcome,
    RunFacts,
    TrainingFacts,
    Verdict,
)

COURSE = load_course(Path(__file__).parents[2])
LSTM = COURSE.exercise("multiplication-lstm")
SIMPLE = COURSE.exercise("multiplication-simple-rnn")
GRU = COURSE.exercise("multiplication-gru")
THRESHOLD = Threshold("mse", "lower", 0.01, 0.04, "jax", "cpu", None, None, "measured")
NO_THRESHOLD = replace(THRESHOLD, value=None, reason="overlap")
ERROR = CellError("ValueError", "seven", "")
RIGHT, WRONG = Message("data.right"), Message("data.wrong")


def layers(exercise: Exercise) -> tuple[LayerFact, ...]:
    """The layers exactly as asked for."""
    return tuple(
        LayerFact(one.cls, dict(one.config), one.output_shape, one.params)
        for one in exercise.layers
    )


def sound(exercise: Exercise = LSTM, **changes: Any) -> Evidence:
    """The smallest evidence of sound work."""
    facts: dict[str, Any] = {
        "exercise": exercise.id,
        "runs": RunFacts(Outcome.FINISHED, 5, (), None),
        "model": ModelFacts(
            layers(exercise), exercise.total_params, exercise.input_shape, 3, "model", rebuilt=True
        ),
        "data": (finding("data.target"), finding("data.rows")),
        "layout": "mark-number",
        "training": trained(exercise.epochs),
        "metrics": {"mse": 0.001},
    }
    return Evidence(**facts | changes)


def finding(name: str, fraction: float = 1.0) -> Finding:
    return Finding(name, fraction, "", "", RIGHT if fraction == 1.0 else WRONG)


def trained(epochs: int, **changes: Any) -> TrainingFacts:
    facts: dict[str, Any] = {
        "fits": 1 if epochs else 0,
        "epochs": epochs,
        "changed": epochs > 0,
        "finite": True,
        "history": {},
        "compile": {},
        "cell": 4,
    }
    return TrainingFacts(**facts | changes)


def graded(evidence: Evidence, threshold: Threshold | None = THRESHOLD) -> Grade:
    return score(evidence, COURSE.exercise(evidence.exercise), threshold)


def points(evidence: Evidence, threshold: Threshold | None = THRESHOLD) -> float:
    found = graded(evidence, threshold).score
    assert found is not None
    return found


def lost(evidence: Evidence, threshold: Threshold | None = THRESHOLD) -> dict[str, float]:
    """Points lost per evidence class."""
    found: dict[str, float] = {}
    for check in graded(evidence, threshold).checks:
        name = check.id.split(".")[0]
        found[name] = found.get(name, 0.0) + check.max_points - check.points
    return {name: round(value, 6) for name, value in found.items() if value > 1e-9}


# --- points ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda one: one.id)
@pytest.mark.parametrize("threshold", [THRESHOLD, NO_THRESHOLD, None])
def test_sound_work_earns_full_points_with_or_without_a_threshold(
    exercise: Exercise, threshold: Threshold | None
) -> None:
    grade = graded(sound(exercise), threshold)
    assert (grade.verdict, grade.score, grade.graded) == (Verdict.ACCEPTED, MAX_SCORE, True)


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda one: one.id)
@pytest.mark.parametrize("threshold", [THRESHOLD, NO_THRESHOLD, None])
@pytest.mark.parametrize(
    "changes",
    [{}, {"data": ()}, {"model": None}, {"training": None}, {"data": (), "training": None}],
    ids=str,
)
def test_points_sum_to_a_hundred_whatever_is_missing(
    exercise: Exercise, threshold: Threshold | None, changes: dict[str, Any]
) -> None:
    checks = graded(sound(exercise, **changes), threshold).checks
    assert sum(check.max_points for check in checks) == pytest.approx(MAX_SCORE)
    assert all(0.0 <= check.points <= check.max_points for check in checks)


def test_the_score_is_the_sum_of_the_checks() -> None:
    grade = graded(sound(metrics={"mse": 0.02}, data=(finding("data.target", 0.5),)))
    assert grade.score == pytest.approx(sum(check.points for check in grade.checks), abs=0.005)


def test_without_a_threshold_the_points_go_to_the_classes_about_the_model() -> None:
    with_it, without = LSTM.points_for(THRESHOLD), LSTM.points_for(NO_THRESHOLD)
    assert without[EvidenceClass.ACCURACY] == 0.0
    assert without[EvidenceClass.RUNS] == with_it[EvidenceClass.RUNS]
    for one in (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING):
        assert without[one] > with_it[one]
    assert sum(without.values()) == pytest.approx(MAX_SCORE)


def test_a_bad_metric_costs_nothing_where_there_is_no_threshold() -> None:
    for exercise in (LSTM, SIMPLE):
        assert points(sound(exercise, metrics={"mse": 9.0}), NO_THRESHOLD) == MAX_SCORE
        assert points(sound(exercise, metrics={}), NO_THRESHOLD) == MAX_SCORE


def test_a_failing_cell_beside_a_sound_exercise_costs_points_for_running_only() -> None:
    evidence = sound(runs=RunFacts(Outcome.FINISHED, 5, ((2, ERROR),), None))
    assert lost(evidence) == {"runs": pytest.approx(LSTM.points[EvidenceClass.RUNS] / 5)}
    assert graded(evidence).verdict is Verdict.ACCEPTED


def test_cells_of_which_nothing_could_be_read_earn_nothing_and_that_is_said() -> None:
    """A transcript that is too long to be read hid twenty failing cells once."""
    evidence = sound(runs=RunFacts(Outcome.FINISHED, 0, (), None))
    assert lost(evidence) == {"runs": pytest.approx(LSTM.points[EvidenceClass.RUNS])}
    (check,) = [one for one in graded(evidence).checks if one.cls is EvidenceClass.RUNS]
    assert check.message.id == "runs.untold"


def left_out(cell: int = 1, line: int = 1, statements: int = 4) -> LeftOut:
    return LeftOut(cell, line, statements, "package", "sklearn", "No module named 'sklearn'")


def without(*lines: LeftOut, **changes: Any) -> Evidence:
    """Sound work in which lines were left out."""
    return sound(runs=replace(sound().runs, left_out=lines, **changes))


def test_a_line_left_out_costs_its_share_of_its_cell_and_nothing_else() -> None:
    cells = sound().runs.cells
    evidence = without(left_out(), left_out(), left_out(line=3))  # the first needed two packages
    assert lost(evidence) == {"runs": pytest.approx(10 * 2 / 4 / cells)}
    grade = graded(evidence)
    assert grade.verdict is Verdict.ACCEPTED
    assert grade.flags == ()
    assert grade.checks[0].message.id == "runs.left_out"
    assert grade.checks[0].message.args == {"lines": 2, "what": "sklearn", "cell": 1}


def test_lines_left_out_never_cost_more_than_their_cell() -> None:
    many = [left_out(line=line, statements=statements) for line, statements in enumerate([1] * 9)]
    failed = replace(sound().runs, failed=((1, ERROR),))
    assert points(without(*many)) == points(sound(runs=failed))
    assert points(without(*many, failed=((1, ERROR),))) == points(sound(runs=failed))


def test_what_failed_where_the_room_lacked_something_is_for_a_teacher_to_see() -> None:
    evidence = replace(without(left_out()), training=trained(0))
    assert graded(evidence).verdict is Verdict.RUNTIME_ERROR
    assert graded(evidence).flags == ("room_lacks",)
    nothing = nothing_found(replace(evidence, model=None, training=None))
    assert (nothing.verdict, nothing.flags) == (Verdict.RUNTIME_ERROR, ("room_lacks",))


def test_no_model_earns_nothing_for_running() -> None:
    evidence = sound(model=None, data=(), training=None, metrics={})
    assert points(evidence) == 0.0
    assert graded(evidence).verdict is Verdict.NO_MODEL


def test_without_a_model_nothing_is_said_of_this_model() -> None:
    """An untouched stub: no fit was missing on anything."""
    grade = graded(sound(model=None, data=(), training=None, metrics={}))
    told = [check.message.id for check in grade.checks if check.id.startswith(("data", "training"))]
    assert told == ["data.no_model", "training.no_model", "training.none_run"]
    for lang in ("en", "ko"):
        for check in grade.checks:
            assert not re.search(r"this model|이 모델", Words(lang).say(check.message))


def test_steps_that_the_model_leaves_open_are_those_of_the_data() -> None:
    """``input_shape=(None, 2)``: what was fed to it is a question of the data."""
    first, *others = layers(LSTM)
    assert first.output_shape == (100, 30)
    opened = (replace(first, output_shape=(None, 30)), *others)
    model = ModelFacts(opened, LSTM.total_params, (None, 2), 3, "model", rebuilt=True)
    assert graded(sound(model=model)).verdict is Verdict.ACCEPTED
    assert points(sound(model=model)) == MAX_SCORE


@pytest.mark.parametrize("shape", [(60, 30), (None, 31), (None,), (None, 30, 1)])
def test_an_open_size_excuses_no_other_one(shape: tuple[int | None, ...]) -> None:
    first, *others = layers(LSTM)
    other = (replace(first, output_shape=shape), *others)
    model = ModelFacts(other, LSTM.total_params, (None, 2), 3, "model", rebuilt=True)
    assert graded(sound(model=model)).verdict is Verdict.WRONG_ARCHITECTURE


def test_layers_that_nobody_can_see_are_told_as_such() -> None:
    evidence = sound()
    assert evidence.model is not None
    hidden = replace(evidence, model=replace(evidence.model, layers=(), rebuilt=False))
    (told,) = [one.message for one in graded(hidden).checks if one.id == "structure.layers"]
    assert told.id == "structure.layers_unseen"


def test_of_layers_that_nobody_can_see_nothing_is_told_as_found() -> None:
    """The notebook's own count may be the asked one: "should have 11,311; it has 11,311"."""
    model = sound().model
    assert model is not None
    hidden = graded(sound(model=replace(model, layers=(), rebuilt=False)))
    told = [one for one in hidden.checks if one.cls is EvidenceClass.STRUCTURE]
    assert {one.message.id for one in told} == {
        "structure.layers_unseen",
        "structure.layer_unseen",
        "structure.total_unseen",
    }
    assert {one.got for one in told} == {"", "—"}


def test_of_layers_that_were_never_put_together_only_what_they_say_is_told() -> None:
    model = sound().model
    assert model is not None
    first, second, *others = (LayerFact(one.cls, {}, (), 0) for one in model.layers)
    read = (first, replace(second, config=dict(model.layers[1].config)), *others)
    grade = graded(sound(model=replace(model, layers=read, rebuilt=False)))
    layers_told = [one for one in grade.checks if one.id.startswith("structure.layer-")]
    assert {one.message.id for one in layers_told} == {"structure.layer_unread"}
    assert layers_told[0].got == first.cls
    assert layers_told[1].got.startswith(f"{second.cls}(30")
    assert not any("params" in one.got or "None" in one.got for one in layers_told)


def test_a_wrong_layer_costs_points_for_structure_only() -> None:
    wrong = [replace(layers(LSTM)[0], config={**layers(LSTM)[0].config, "units": 10})]
    model = sound().model
    assert model is not None
    evidence = sound(model=replace(model, layers=(*wrong, *layers(LSTM)[1:])))
    assert set(lost(evidence)) == {"structure"}


def with_layers(*changed: LayerFact) -> dict[str, Message]:
    """What is said of each layer, where the last ones are as changed."""
    model = sound().model
    assert model is not None
    kept = layers(LSTM)[: -len(changed)]
    grade = graded(sound(model=replace(model, layers=(*kept, *changed))))
    return {one.id: one.message for one in grade.checks if one.id.startswith("structure.layer-")}


class TestALayerWhoseParametersAloneDiffer:
    BEFORE, LAST = layers(LSTM)[-2:]
    FEWER = replace(BEFORE, output_shape=(7,), config={**BEFORE.config, "units": 7}, params=9)

    def test_is_said_to_be_right_where_the_layer_before_gives_other_features(self) -> None:
        told = with_layers(self.FEWER, replace(self.LAST, params=8))
        assert [one.id for one in told.values()][-2:] == ["structure.layer", "structure.layer_fed"]
        args = list(told.values())[-1].args
        assert args == {"number": len(told), "expected": 31, "got": 8, "given": 7, "asked": 30}

    def test_is_not_where_it_gives_the_same(self) -> None:
        told = with_layers(replace(self.LAST, params=8))
        assert list(told.values())[-1].id == "structure.layer"

    @pytest.mark.parametrize(
        "other",
        [
            {"config": {**LAST.config, "activation": "relu"}},
            {"config": {**LAST.config, "use_bias": False}},
            {"output_shape": (2,)},
            {"params": 31},
        ],
        ids=str,
    )
    def test_is_not_where_more_differs_or_nothing(self, other: dict[str, Any]) -> None:
        told = with_layers(self.FEWER, replace(self.LAST, **({"params": 8} | other)))
        assert list(told.values())[-1].id == "structure.layer"

    def test_earns_what_it_did(self) -> None:
        model = sound().model
        assert model is not None
        last = replace(self.LAST, params=8)
        grade = graded(sound(model=replace(model, layers=(*layers(LSTM)[:-2], self.FEWER, last))))
        (check,) = [one for one in grade.checks if one.message.id == "structure.layer_fed"]
        asked = len(LSTM.layers[-1].config) + 2  # its settings, its shape, its parameters
        assert check.points == pytest.approx(check.max_points * (asked - 1) / asked)

    @pytest.mark.parametrize(("lang", "said"), [("en", "is as expected"), ("ko", "기대한 대로")])
    def test_is_said_so_in_both_languages(self, lang: str, said: str) -> None:
        told = with_layers(self.FEWER, replace(self.LAST, params=8))
        assert said in Words(lang).say(list(told.values())[-1])


def test_the_target_weighs_more_than_the_layout() -> None:
    wrong_target = sound(data=(finding("data.target", 0.0), finding("data.rows")))
    wrong_rows = sound(data=(finding("data.target"), finding("data.rows", 0.0)))
    assert lost(wrong_target)["data"] > lost(wrong_rows)["data"] > 0


def test_an_accepted_alternative_earns_full_points() -> None:
    (alternative,) = GRU.accept
    facts = tuple(
        LayerFact(one.cls, dict(one.config), one.output_shape, one.params)
        for one in alternative.layers
    )
    model = ModelFacts(facts, alternative.total_params, GRU.input_shape, 3, "m", rebuilt=True)
    assert points(sound(GRU, model=model)) == MAX_SCORE


@pytest.mark.parametrize(
    ("epochs", "share"), [(0, 0.0), (1, 0.1), (5, 0.5), (10, 1.0), (99, 1.0), (1000, 1.0)]
)
def test_epochs_count_up_to_the_least_number(epochs: int, share: float) -> None:
    assert LSTM.min_epochs == 10
    checks = graded(sound(training=trained(epochs))).checks
    (check,) = (one for one in checks if one.id == "training.epochs")
    assert check.points == pytest.approx(share * check.max_points)


@pytest.mark.parametrize(
    "training",
    [trained(100, changed=False), trained(100, finite=False), trained(0), None],
    ids=["unchanged", "diverged", "never", "nothing"],
)
def test_training_that_moved_nothing_or_diverged_earns_nothing(
    training: TrainingFacts | None,
) -> None:
    whole = LSTM.points[EvidenceClass.TRAINING]
    assert lost(sound(training=training))["training"] == pytest.approx(whole)


@pytest.mark.parametrize(
    ("training", "weights", "epochs"),
    [
        (None, "no_model", "none_run"),
        (trained(0), "never_fitted", "no_epochs"),
        (trained(0, changed=True), "changed", "without_fit"),
        (trained(3, epochs_asked=3), "changed", "epochs"),
        (trained(3, epochs_asked=100), "changed", "epochs_broken_off"),
        (trained(0, fits=1, epochs_asked=100), "not_begun", "none_done"),
        (trained(0, fits=1, epochs_asked=0), "not_begun", "none_done"),
        # All epochs were run (softmax on one unit): to ask for as many would be false.
        (trained(100, changed=False), "unchanged", "epochs_idle"),
        (trained(100, finite=False), "not_finite", "epochs_idle"),
        (trained(0, fits=1, epochs_asked=100, reached=40), "cut_off", "epochs_cut_off"),
        (trained(20, reached=40), "changed", "epochs_fewer"),
    ],
)
def test_what_training_lacks_is_told_as_it_was(
    training: TrainingFacts | None, weights: str, epochs: str
) -> None:
    """To set the epochs that were set, or to thaw layers of a fit cut off, helps nobody."""
    told = {check.id: check.message.id for check in graded(sound(training=training)).checks}
    assert told["training.weights"] == f"training.{weights}"
    assert told["training.epochs"] == f"training.{epochs}"


def test_epochs_of_a_fit_that_was_cut_off_earn_nothing_and_change_no_verdict() -> None:
    cut_off = trained(0, fits=1, epochs_asked=100, reached=40)
    died = sound(training=cut_off, runs=RunFacts(Outcome.KERNEL_DIED, 5, (), 4), metrics={})
    assert graded(died).verdict is Verdict.RUNTIME_ERROR
    assert points(died) == points(replace(died, training=replace(cut_off, reached=None)))


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        (RunFacts(Outcome.FINISHED, 5, (), None), "runs.no_model"),
        (RunFacts(Outcome.FINISHED, 5, ((3, ERROR),), None), "runs.failed"),
        (RunFacts(Outcome.TIME_LIMIT, 5, (), 4), "runs.stopped"),
        (RunFacts(Outcome.TIME_LIMIT, 5, (), None), "runs.stopped_somewhere"),
    ],
)
def test_without_a_model_no_check_shows_points(runs: RunFacts, told: str) -> None:
    grade = graded(sound(runs=runs, model=None, training=None, data=(), metrics={}))
    assert (grade.score, sum(check.points for check in grade.checks)) == (0.0, 0.0)
    assert sum(check.max_points for check in grade.checks) == pytest.approx(MAX_SCORE)
    assert grade.checks[0].message.id == told


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (Message("source.other_language", {"language": "R"}), "source.other_language"),
        (Message("source.still_empty", {"cell": 3, "name": "model"}), "source.still_empty"),
        (Message("source.still_empty", {"cell": 3, "name": "history"}), "runs.failed"),
        (Message("source.misspelt_name", {"cell": 3, "name": "model"}), "runs.failed"),
    ],
)
def test_the_first_reason_is_the_exception_unless_it_misleads(hint: Message, told: str) -> None:
    error = CellError("NameError", "name 'model' is not defined", "")
    runs = RunFacts(Outcome.FINISHED, 5, ((3, error),), None)
    evidence = sound(runs=runs, model=None, training=None, data=(), metrics={}, hints=(hint,))
    assert graded(evidence).checks[0].message.id == told


def test_an_exceptions_full_stop_is_not_said_twice() -> None:
    runs = RunFacts(Outcome.FINISHED, 5, ((3, CellError("ValueError", "No.", "")),), None)
    assert graded(sound(runs=runs)).checks[0].message.args["error"] == "ValueError: No"


def test_a_model_that_only_its_notebook_can_run_gets_no_accuracy_without_review() -> None:
    model = sound().model
    assert model is not None
    evidence = sound(
        model=replace(model, rebuilt=False),
        metrics={},
        flags=("needs_review",),
        unmet=Message("model.custom", {"cls": "Mine"}),
    )
    grade = graded(evidence)
    assert lost(evidence)["accuracy"] == LSTM.points[EvidenceClass.ACCURACY]
    assert grade.flags == ("needs_review",)
    (check,) = (one for one in grade.checks if one.id.startswith("accuracy"))
    assert check.message.id == "accuracy.needs_review"


def test_a_missing_metric_says_why() -> None:
    why = Message("accuracy.not_finite")
    (check,) = (
        one for one in graded(sound(metrics={}, unmet=why)).checks if one.id.startswith("accuracy")
    )
    assert (check.points, check.message) == (0.0, why)


# --- accuracy --------------------------------------------------------------------------------


def test_the_fraction_is_one_at_the_threshold_and_zero_at_the_controls() -> None:
    assert accuracy_fraction(0.01, THRESHOLD) == 1.0
    assert accuracy_fraction(0.04, THRESHOLD) == 0.0
    assert accuracy_fraction(0.02, THRESHOLD) == pytest.approx(0.5)  # halfway in log
    share = replace(THRESHOLD, better="higher", value=0.9, control=0.1)
    assert accuracy_fraction(0.5, share) == pytest.approx(0.5)  # halfway


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_what_is_no_number_earns_nothing(value: float, better: str) -> None:
    assert accuracy_fraction(value, replace(THRESHOLD, better=better)) == 0.0


@given(
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1e3),
    st.none() | st.floats(0, 1e3),
    st.sampled_from(["lower", "higher"]),
)
def test_a_better_metric_never_earns_less(
    one: float, other: float, value: float, control: float | None, better: str
) -> None:
    threshold = replace(THRESHOLD, value=value, control=control, better=better)
    low, high = sorted((one, other))
    good, bad = (low, high) if better == "lower" else (high, low)
    assert 0.0 <= accuracy_fraction(bad, threshold) <= accuracy_fraction(good, threshold) <= 1.0


# --- monotony --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """What a notebook got right, one truth value or number per fact."""

    cls: tuple[bool, bool, bool]
    config: tuple[bool, bool, bool]
    shape: tuple[bool, bool, bool]
    params: tuple[bool, bool, bool]
    total: bool
    rebuilt: bool
    extra_layer: bool
    failed: int
    finished: bool
    findings: tuple[float, float]
    fitted: bool
    changed: bool
    finite: bool
    epochs: int
    mse: float | None

    def evidence(self) -> Evidence:
        made = []
        for n, asked in enumerate(layers(LSTM)):
            config = asked.config if self.config[n] else {}
            made.append(
                LayerFact(
                    asked.cls if self.cls[n] else f"Other{n}",
                    config,
                    asked.output_shape if self.shape[n] else (7,),
                    asked.params if self.params[n] else 7,
                )
            )
        if self.extra_layer:
            made.append(LayerFact("Dropout", {}, (1,), 0))
        total = LSTM.total_params if self.total else 7
        outcome = Outcome.FINISHED if self.finished else Outcome.TIME_LIMIT
        return sound(
            runs=RunFacts(outcome, 9, tuple((n + 1, ERROR) for n in range(self.failed)), None),
            model=ModelFacts(tuple(made), total, (100, 2), 3, "m", rebuilt=self.rebuilt),
            data=tuple(finding(f"data.{n}", f) for n, f in enumerate(self.findings)),
            training=trained(
                self.epochs, fits=int(self.fitted), changed=self.changed, finite=self.finite
            ),
            metrics={} if self.mse is None else {"mse": self.mse},
        )


THREE = st.tuples(st.booleans(), st.booleans(), st.booleans())
FACTS = st.builds(
    Facts,
    cls=THREE,
    config=THREE,
    shape=THREE,
    params=THREE,
    total=st.booleans(),
    rebuilt=st.booleans(),
    extra_layer=st.booleans(),
    failed=st.integers(0, 9),
    finished=st.booleans(),
    findings=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    fitted=st.booleans(),
    changed=st.booleans(),
    finite=st.booleans(),
    epochs=st.integers(0, 200),
    mse=st.none() | st.floats(1e-6, 1.0),
)


def better_ones(facts: Facts) -> list[Facts]:
    """Every way to make one fact right, or one number better."""
    found = []
    for name in ("cls", "config", "shape", "params"):
        values = getattr(facts, name)
        for n in range(3):
            right = tuple(value or n == i for i, value in enumerate(values))
            found.append(replace(facts, **{name: right}))
    flags = ("total", "rebuilt", "finished", "fitted", "changed", "finite")
    found += [replace(facts, **{name: True}) for name in flags]
    found += [
        replace(facts, extra_layer=False),
        replace(facts, failed=max(0, facts.failed - 1)),
        replace(facts, epochs=facts.epochs + 1),
        replace(facts, findings=(1.0, facts.findings[1])),
        replace(facts, findings=(facts.findings[0], min(1.0, facts.findings[1] + 0.1))),
        replace(facts, mse=0.9 * facts.mse if facts.mse is not None else 0.5),
    ]
    return found


@settings(max_examples=150, deadline=None)
@given(FACTS, st.sampled_from([THRESHOLD, NO_THRESHOLD]))
def test_making_any_one_fact_right_never_lowers_the_score(
    facts: Facts, threshold: Threshold
) -> None:
    before = points(facts.evidence(), threshold)
    for better in better_ones(facts):
        assert points(better.evidence(), threshold) >= before


@settings(max_examples=60, deadline=None)
@given(FACTS)
def test_having_a_model_at_all_never_lowers_the_score(facts: Facts) -> None:
    evidence = facts.evidence()
    assert points(evidence) >= points(replace(evidence, model=None))


@settings(max_examples=60, deadline=None)
@given(FACTS)
def test_every_score_is_between_nothing_and_all(facts: Facts) -> None:
    assert 0.0 <= points(facts.evidence()) <= MAX_SCORE


# --- verdicts --------------------------------------------------------------------------------


def with_fault(evidence: Evidence, verdict: Verdict) -> Evidence:
    """The smallest change that earns a verdict."""
    model = evidence.model
    faults: dict[Verdict, Callable[[], Evidence]] = {
        Verdict.MEMORY_LIMIT: lambda: _stopped(evidence, Outcome.MEMORY_LIMIT),
        Verdict.TIME_LIMIT: lambda: _stopped(evidence, Outcome.TIME_LIMIT),
        Verdict.RUNTIME_ERROR: lambda: replace(
            evidence,
            runs=replace(evidence.runs, failed=((2, ERROR),)),
            training=trained(0) if evidence.model else None,
        ),
        Verdict.NO_MODEL: lambda: replace(
            evidence, model=None, training=None, data=(), metrics={}, flags=()
        ),
        Verdict.WRONG_ARCHITECTURE: lambda: replace(
            evidence, model=replace(model, total_params=7) if model else None
        ),
        Verdict.WRONG_DATA: lambda: replace(
            evidence, data=(finding("data.target", 0.5),) if model else ()
        ),
        Verdict.UNTRAINED: lambda: replace(evidence, training=trained(9) if model else None),
        Verdict.LOW_ACCURACY: lambda: replace(evidence, metrics={"mse": 0.02} if model else {}),
        Verdict.SUSPICIOUS: lambda: replace(evidence, flags=("pretrained",)),
    }
    return faults[verdict]()


def _stopped(evidence: Evidence, outcome: Outcome) -> Evidence:
    return replace(evidence, runs=replace(evidence.runs, outcome=outcome, stopped_at=5))


ORDER = (
    Verdict.MEMORY_LIMIT,
    Verdict.TIME_LIMIT,
    Verdict.RUNTIME_ERROR,
    Verdict.NO_MODEL,
    Verdict.WRONG_ARCHITECTURE,
    Verdict.WRONG_DATA,
    Verdict.UNTRAINED,
    Verdict.LOW_ACCURACY,
    Verdict.SUSPICIOUS,
)


@pytest.mark.parametrize("verdict", ORDER)
def test_each_fault_alone_earns_its_verdict(verdict: Verdict) -> None:
    grade = graded(with_fault(sound(), verdict))
    assert grade.verdict is verdict
    assert grade.graded


IMPOSSIBLE = {
    (Verdict.MEMORY_LIMIT, Verdict.TIME_LIMIT),  # a room is stopped once
    (Verdict.RUNTIME_ERROR, Verdict.UNTRAINED),  # with a few epochs there is a trained model
}
PAIRS = [pair for pair in itertools.combinations(ORDER, 2) if pair not in IMPOSSIBLE]


@pytest.mark.parametrize("faults", PAIRS, ids="-".join)
def test_of_two_faults_the_first_in_the_order_is_the_verdict(
    faults: tuple[Verdict, Verdict],
) -> None:
    evidence = sound()
    for fault in reversed(faults):
        evidence = with_fault(evidence, fault)
    assert graded(evidence).verdict is faults[0]


def test_all_faults_together_give_the_first_verdict_and_so_on_down() -> None:
    remaining = [v for v in ORDER if v is not Verdict.MEMORY_LIMIT]
    while remaining:
        evidence = sound()
        for fault in reversed(remaining):
            evidence = with_fault(evidence, fault)
        assert graded(evidence).verdict is remaining[0]
        remaining.pop(0)


def test_the_order_is_that_of_the_verdicts() -> None:
    middle = [one for one in Verdict if one in ORDER]
    assert middle == list(ORDER)
    assert list(Verdict)[:2] == [Verdict.GRADER_ERROR, Verdict.MALFORMED]
    assert list(Verdict)[-1] is Verdict.ACCEPTED


def test_a_fault_of_ours_is_ungraded_and_never_zero() -> None:
    grade = ungraded(Message("pipeline.fault"))
    assert (grade.verdict, grade.score, grade.graded) == (Verdict.GRADER_ERROR, None, False)


def test_an_unreadable_notebook_is_graded_zero() -> None:
    grade = malformed(Message("collect.truncated_json"))
    assert (grade.verdict, grade.score, grade.graded) == (Verdict.MALFORMED, 0.0, True)


def test_what_was_collected_before_the_stop_still_earns_its_points() -> None:
    stopped = _stopped(sound(), Outcome.TIME_LIMIT)
    assert set(lost(stopped)) == {"runs"}
    assert graded(stopped).verdict is Verdict.TIME_LIMIT


def test_a_raising_cell_with_a_trained_model_is_judged_by_the_model() -> None:
    raised = replace(sound().runs, failed=((2, ERROR),))
    assert graded(sound(runs=raised, metrics={"mse": 0.02})).verdict is Verdict.LOW_ACCURACY


def test_a_kernel_that_died_before_training_is_a_runtime_error() -> None:
    died = _stopped(sound(training=None), Outcome.KERNEL_DIED)
    assert graded(died).verdict is Verdict.RUNTIME_ERROR


def test_a_raising_cell_without_a_model_is_a_runtime_error_worth_nothing() -> None:
    evidence = with_fault(with_fault(sound(), Verdict.NO_MODEL), Verdict.RUNTIME_ERROR)
    assert graded(evidence).verdict is Verdict.RUNTIME_ERROR
    assert points(evidence) == 0.0


def test_a_model_without_a_fit_is_untrained_not_fed_wrong_data() -> None:
    assert graded(sound(data=(), training=trained(0))).verdict is Verdict.UNTRAINED


@pytest.mark.parametrize("epochs", [LSTM.min_epochs, 99, 2000])
def test_fewer_or_more_epochs_than_asked_are_accepted(epochs: int) -> None:
    grade = graded(sound(training=trained(epochs)))
    assert (grade.verdict, grade.score) == (Verdict.ACCEPTED, MAX_SCORE)


def test_a_contradiction_costs_no_points() -> None:
    grade = graded(with_fault(sound(), Verdict.SUSPICIOUS))
    assert grade.score == MAX_SCORE
    assert grade.flags == ("pretrained",)


def test_a_flag_that_is_no_contradiction_changes_no_verdict() -> None:
    assert graded(sound(flags=("seen_before",))).verdict is Verdict.ACCEPTED


def test_a_contradiction_in_a_failed_exercise_shows_in_its_flags() -> None:
    grade = graded(with_fault(with_fault(sound(), Verdict.SUSPICIOUS), Verdict.WRONG_DATA))
    assert grade.verdict is Verdict.WRONG_DATA
    assert grade.flags == ("pretrained",)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (RunFacts(Outcome.FINISHED, 3, (), None), Verdict.NO_MODEL),
        (RunFacts(Outcome.FINISHED, 3, ((1, ERROR),), None), Verdict.RUNTIME_ERROR),
        (RunFacts(Outcome.KERNEL_DIED, 3, (), 2), Verdict.RUNTIME_ERROR),
        (RunFacts(Outcome.TIME_LIMIT, 3, ((1, ERROR),), 2), Verdict.TIME_LIMIT),
        (RunFacts(Outcome.MEMORY_LIMIT, 3, (), 2), Verdict.MEMORY_LIMIT),
    ],
)
def test_a_notebook_without_any_model_earns_nothing_and_says_how_it_ended(
    runs: RunFacts, verdict: Verdict
) -> None:
    grade = nothing_found(Evidence("unknown", runs, None, (), None, None, {}))
    assert (grade.verdict, grade.score) == (verdict, 0.0)
    assert sum(check.max_points for check in grade.checks) == MAX_SCORE


def test_the_same_facts_give_the_same_grade() -> None:
    assert graded(sound()) == graded(sound())


def test_settings_of_a_layer_that_are_cut_say_so() -> None:
    expected = replace(LSTM.layers[0], config={"activation": "a" * 2000})
    shown = layer_text(LayerFact("LSTM", dict(expected.config), (30,), 5), expected)
    assert shown == f"LSTM(activation={'a' * 988}…) → (None, 30), 5 params"
