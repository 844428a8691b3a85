"""The course's files: what they say is what an Exercise holds, and faults are one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course.data import data_fingerprint
from grader.course.exercises import UNMEASURED_SECONDS, Course, nearest_id
from grader.course.expectations import midpoint
from grader.course.families import load_family
from grader.course.load import find_course, load_course
from grader.course.sizes import evaluate
from grader.text.words import Words
from grader.types import EvidenceClass, GraderError, Verdict

ROOT = Path(__file__).parents[2]

PUBLIC = """
order = 1
title = { en = "Recall", ko = "기억하기" }
[training]
epochs = 50
[model]
input_shape = [7, 3]
total_params = 38
[[model.layers]]
class = "SimpleRNN"
units = 4
return_sequences = false
output_shape = [4]
params = 32
[[model.layers]]
class = "Dense"
output_shape = [1]
units = 1
params = 6
"""
PRIVATE = """
family = "multiplication"
[data]
steps = 7
train_rows = 5
[limits]
attempts = 2
[samples."time_limit/endless.ipynb"]
timeout = 25
[[hints]]
when = "low_accuracy"
en = "Train longer."
ko = "더 오래 학습하십시오."
[profiles.full.data]
train_rows = 50
"""


@pytest.fixture(scope="module", autouse=True)
def _free_exercise(tmp_path_factory):
    global FREE_EXERCISE  # noqa: PLW0603 - hypothesis runs many examples on one
    FREE_EXERCISE = only(build(tmp_path_factory.mktemp("free"), FREE))


def build(root, public=PUBLIC, private=PRIVATE, expected=None):
    folder = root / "assignments" / "recall"
    folder.mkdir(parents=True)
    (folder / "exercise.toml").write_text(public, "utf-8")
    if private is not None:
        secret = root / "reference" / "recall"
        secret.mkdir(parents=True)
        (secret / "spec.toml").write_text(private, "utf-8")
        if expected is not None:
            (secret / "expected.json").write_text(json.dumps(expected), "utf-8")
    return root


def only(root, profile=None):
    return load_course(root, profile).exercises["recall"]


def fault(root):
    with pytest.raises(GraderError) as caught:
        load_course(root)
    return caught.value.message


# --- reading -------------------------------------------------------------------------------------


def test_layers_keep_class_settings_shape_and_parameters(tmp_path):
    first, second = only(build(tmp_path)).layers
    assert (first.cls, first.output_shape, first.params) == ("SimpleRNN", (4,), 32)
    assert first.config == {"units": 4, "return_sequences": False}
    assert second.config == {"units": 1}


def test_points_are_the_usual_ones_unless_given(tmp_path):
    points = only(build(tmp_path)).points
    assert [points[c] for c in EvidenceClass] == [10, 35, 15, 15, 25]


def test_min_epochs_is_a_tenth_unless_given(tmp_path):
    assert only(build(tmp_path)).min_epochs == 5


def test_min_epochs_is_at_least_one(tmp_path):
    assert only(build(tmp_path, PUBLIC.replace("= 50", "= 3"))).min_epochs == 1


def test_a_students_copy_has_no_reference_and_still_loads(tmp_path):
    exercise = only(build(tmp_path, private=None))
    assert exercise.reference_path is None
    assert exercise.family is None
    assert exercise.expectation is None
    assert load_course(tmp_path).reference is None


def test_a_sample_may_carry_its_own_limits(tmp_path):
    limits = only(build(tmp_path)).sample_limits["time_limit/endless.ipynb"]
    assert (limits.timeout, limits.memory) == (25, None)


def test_hints_answer_to_their_key(tmp_path):
    exercise = only(build(tmp_path))
    (hint,) = exercise.hints_for("low_accuracy", "untrained")
    assert Words("en").say(hint) == "Train longer."
    assert Words("ko").say(hint) == "더 오래 학습하십시오."
    assert exercise.hints_for("untrained") == ()


def test_a_profile_lays_its_tables_over_the_usual_ones(tmp_path):
    build(tmp_path)
    assert only(tmp_path).data == {"steps": 7, "train_rows": 5}
    full = only(tmp_path, "full")
    assert full.data == {"steps": 7, "train_rows": 50}
    assert (only(tmp_path).profile, full.profile) == ("laptop", "full")


def test_exercises_come_in_teaching_order(tmp_path):
    build(tmp_path)
    for name, order in (("zeta", 0), ("alpha", 2)):
        folder = tmp_path / "assignments" / name
        folder.mkdir()
        (folder / "exercise.toml").write_text(PUBLIC.replace("order = 1", f"order = {order}"))
    assert list(load_course(tmp_path).exercises) == ["zeta", "recall", "alpha"]


def test_the_course_file_gives_language_and_owed_exercises(tmp_path):
    build(tmp_path)
    (tmp_path / "course.toml").write_text('language = "ko"\nexercises = ["recall"]\n')
    course = load_course(tmp_path)
    assert (course.language, course.owed) == ("ko", ("recall",))


def test_the_course_file_names_packages_for_notebooks(tmp_path):
    build(tmp_path)
    named = ["scikeras", "konlpy==0.6.0", "gensim>=4.3", "tensorflow-text~=2.18", "jupyter[all]"]
    (tmp_path / "course.toml").write_text(f"packages = {named}\n")
    assert load_course(tmp_path).packages == tuple(named)


@pytest.mark.parametrize(
    "name",
    ["", "-r", "--index-url", "a b", "git+https://x", "x @ file:///y", "../x", "x;y", "x==", "x-"],
)
def test_a_package_is_a_name_and_never_an_address_or_an_option(tmp_path, name):
    build(tmp_path)
    (tmp_path / "course.toml").write_text(f"packages = ['{name}']\n")
    with pytest.raises(GraderError) as caught:
        load_course(tmp_path)
    assert "packages" in str(caught.value.message.args)


@pytest.mark.parametrize(("said", "accepted"), [("", True), ("accept", True), ("refuse", False)])
def test_the_course_file_says_whether_old_calls_are_taken(tmp_path, said, accepted):
    build(tmp_path)
    if said:
        (tmp_path / "course.toml").write_text(f"old_api = '{said}'\n")
    assert load_course(tmp_path).old_api is accepted


@pytest.mark.parametrize(("said", "asks"), [("", True), ("notebook", False), ("trainer", True)])
def test_the_course_file_says_who_trains(tmp_path, said, asks):
    build(tmp_path)
    if said:
        (tmp_path / "course.toml").write_text(f"trainings = '{said}'\n")
    assert load_course(tmp_path).asks_trainer is asks


@pytest.mark.parametrize("key", ["old_api", "trainings"])
def test_a_setting_has_one_of_its_words_and_nothing_else(tmp_path, key):
    build(tmp_path)
    (tmp_path / "course.toml").write_text(f"{key} = 'sometimes'\n")
    with pytest.raises(GraderError) as caught:
        load_course(tmp_path)
    assert caught.value.message.args["key"] == key


# --- sizes that a student may choose --------------------------------------------------------------

FREE = """
order = 1
title = { en = "Letters", ko = "글자" }
[training]
epochs = 5
[model]
input_shape = [7, "V"]
total_params = "4*(V+5) + 5*V"
[model.free.V]
usual = 10
least = 5
most = 20
[[model.layers]]
class = "SimpleRNN"
units = 4
output_shape = [7, 4]
params = "4*(V+5)"
[[model.layers]]
class = "TimeDistributed(Dense)"
units = "V"
activation = "softmax"
output_shape = [7, "V"]
params = "5*V"
[[accept]]
note = { en = "n", ko = "n" }
total_params = "9*V"
[[accept.layers]]
class = "Dense"
units = "V"
output_shape = [7, "V"]
params = "9*V"
"""


def test_formulas_give_numbers_at_the_usual_size(tmp_path):
    exercise = only(build(tmp_path, FREE))
    assert exercise.input_shape == (7, 10)
    assert exercise.total_params == 4 * 15 + 50
    assert exercise.layers[1].config == {"units": 10, "activation": "softmax"}


@given(st.integers(5, 20))
def test_an_input_of_another_size_moves_every_number(size):
    exercise = FREE_EXERCISE.sized((7, size))
    assert exercise.input_shape == (7, size)
    assert [layer.params for layer in exercise.layers] == [4 * (size + 5), 5 * size]
    assert exercise.layers[1].output_shape == (7, size)
    assert exercise.accept[0].total_params == 9 * size


@pytest.mark.parametrize("shape", [(7, 4), (7, 21), (8, 10), (7, None), (7,), ()])
def test_an_input_beyond_the_bounds_changes_nothing(shape):
    assert FREE_EXERCISE.sized(shape) == FREE_EXERCISE


def test_an_exercise_without_free_sizes_stays_as_it_is(tmp_path):
    exercise = only(build(tmp_path))
    assert exercise.sized((9, 9)) is exercise


@pytest.mark.parametrize(
    "formula", ["4*(V+5", "__import__('os')", "V.real", "W+1", "2**V", "V/2", "True", "'a'"]
)
def test_only_plain_arithmetic_is_a_formula(formula):
    with pytest.raises(ValueError):
        evaluate(formula, {"V": 3})


@pytest.mark.parametrize(
    ("change", "told", "key"),
    [
        (('params = "5*V"', 'params = "6*V"'), "rules.total_params", "model"),
        (('params = "5*V"', 'params = "5*W"'), "rules.bad_formula", "model"),
        (('params = "5*V"', 'params = "5*"'), "rules.no_formula", "model"),
        (('total_params = "9*V"', 'total_params = "8*V"'), "rules.total_params", "accept"),
        (('params = "9*V"', 'params = "9*W"'), "rules.bad_formula", "accept"),
    ],
)
def test_formulas_that_do_not_add_up_are_refused(tmp_path, change, told, key):
    message = fault(build(tmp_path, FREE.replace(*change)))
    assert (message.id, message.args["key"]) == (told, key)


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told", "key", "at"),
    [
        (("units = 1\nparams = 6", "units = 1\nparams = 7"), "total_params", "model", "[model]"),
        (("epochs = 50", 'epochs = "many"'), "must_be_whole", "training.epochs", "epochs ="),
        (("order = 1", "order = 1\ncolour = 1"), "unknown_key", "colour", "colour"),
        ((', ko = "기억하기"', ""), "missing", "ko", "title"),
        (
            ('class = "Dense"', 'class = "Dense, really"'),
            "bad_pattern",
            "model.layers.1.class",
            'class = "Dense, really"',
        ),
        (("[training]", "[points]\nruns = 50\n[training]"), "points_sum", "points", "[points]"),
        (('ko = "기억하기"', 'ko = "기억하기", fr = "x"'), "unknown_key", "title.fr", "title"),
        (('en = "Recall"', 'en = ""'), "empty", "title.en", "title"),
    ],
)
def test_a_wrong_value_names_file_line_and_key(tmp_path, change, told, key, at):
    text = PUBLIC.replace(*change)
    assert text != PUBLIC
    message = fault(build(tmp_path, text))
    assert (message.id, message.args["key"]) == (f"rules.{told}", key)
    assert str(message.args["file"]).endswith("recall/exercise.toml")
    assert text.split("\n")[message.args["line"] - 1].startswith(at)
    for lang in ("ko", "en"):
        assert str(message.args["line"]) in Words(lang).say(message)


@pytest.mark.parametrize(
    ("limit", "key", "told"),
    [
        ("timeout = 0", "timeout", "out_of_range"),
        ("memory = 0.5", "memory", "must_be_whole"),
        ("seconds = 5", "seconds", "unknown_key"),
    ],
)
def test_a_fault_in_a_samples_limits_names_the_sample(tmp_path, limit, key, told):
    private = PRIVATE.replace("timeout = 25", limit)
    message = fault(build(tmp_path, private=private))
    assert message.args["key"] == f"samples.time_limit/endless.ipynb.{key}"
    assert message.id == f"rules.{told}"


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        ({"schema": "grader/expected/v9"}, "schema", "grader/expected/v1"),
        ({"data": {}}, "data.fingerprint", "required"),
        (
            {"structure": {"layers": [{}], "total_params": 1}},
            "structure.layers.0.class",
            "required",
        ),
        ({"thresholds": [{"better": "more"}]}, "thresholds.0.better", "'lower' or 'higher'"),
        ({"runs": [{"seed": "x"}]}, "runs.0.seed", "valid integer"),
    ],
)
def test_a_fault_in_an_expectation_names_its_key(tmp_path, change, key, problem):
    base = {"thresholds": [entry()], "runs": [run("reference", 1, 0.001)]}
    for name in ("thresholds", "runs"):
        if name in change:
            change = {**change, name: [{**base[name][0], **change[name][0]}]}
    message = fault(build(tmp_path, expected={**EXPECTED, **change}))
    assert str(message.args["file"]).endswith("recall/expected.json")
    assert message.args["key"] == key
    assert problem in message.args["problem"]


def test_an_expectation_may_leave_out_what_calibration_could_not_tell(tmp_path):
    short = {key: value for key, value in entry().items() if not key.startswith("false")}
    (found,) = calibrated(tmp_path, thresholds=[short]).expectation.thresholds
    assert (found.control, found.false_fail, found.false_pass) == (None, None, None)


def test_calibration_may_write_more_than_is_read(tmp_path):
    more = {**entry(), "attempts": 3}
    assert calibrated(tmp_path, thresholds=[more]).threshold("jax", "cpu").value == 0.004


def test_a_fault_is_one_line(tmp_path):
    message = fault(build(tmp_path, PUBLIC.replace("order = 1", "order = [")))
    assert message.id == "course.bad_toml"
    assert "\n" not in Words("en").say(message)


def test_an_unknown_key_in_the_private_file_is_named(tmp_path):
    message = fault(build(tmp_path, private=PRIVATE + "\n[limit]\ntimeout = 1\n"))
    assert (message.id, message.args["key"]) == ("rules.unknown_key_near", "limit")
    assert message.args["nearest"] == "limits"


def test_an_expectation_for_another_exercise_is_refused(tmp_path):
    message = fault(build(tmp_path, expected={**EXPECTED, "exercise": "other"}))
    assert (message.id, message.args["key"]) == ("course.other_expected", "exercise")


def test_a_folder_without_assignments_is_not_a_course(tmp_path):
    assert fault(tmp_path).id == "course.not_a_course"


def test_a_course_without_exercises_is_said(tmp_path):
    (tmp_path / "assignments").mkdir()
    assert fault(tmp_path).id == "course.no_exercises"


# --- finding -------------------------------------------------------------------------------------


def test_the_course_is_found_upwards(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADER_COURSE", raising=False)
    build(tmp_path)
    deep = tmp_path / "assignments" / "recall"
    assert find_course(deep) == tmp_path.resolve()


def test_the_environment_names_the_course_first(tmp_path, monkeypatch):
    build(tmp_path / "a")
    build(tmp_path / "b")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "b"))
    assert find_course(tmp_path / "a") == (tmp_path / "b").resolve()


def test_a_named_folder_that_is_no_course_is_an_error(tmp_path, monkeypatch):
    build(tmp_path / "a")
    monkeypatch.setenv("GRADER_COURSE", str(tmp_path))
    with pytest.raises(GraderError):
        find_course(tmp_path / "a")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("multiplicaton-gru", "multiplication-gru"),
        ("Multiplication_LSTM", "multiplication-lstm"),
        ("sequence", "sequence-prediction"),
        ("zzz", None),
    ],
)
def test_a_mistyped_id_is_understood(typed, meant):
    assert nearest_id(load_course(ROOT), typed) == meant


def test_an_unknown_id_suggests_the_nearest():
    with pytest.raises(GraderError) as caught:
        load_course(ROOT).exercise("multiplication-gruu")
    assert caught.value.message.args["nearest"] == "multiplication-gru"


# --- thresholds ----------------------------------------------------------------------------------


def run(control, seed, mse, *, engine="jax", device="cpu", seconds=30.0):
    return {
        "control": control,
        "engine": engine,
        "device": device,
        "cores": 1,
        "seed": seed,
        "metrics": {"mse": mse},
        "seconds": seconds,
    }


def entry(engine="jax", device="cpu", value=0.004):
    rate = {"estimate": 0.01, "upper95": 0.05}
    return {
        "engine": engine,
        "device": device,
        "metric": "mse",
        "better": "lower",
        "value": value,
        "false_fail": rate,
        "false_pass": rate,
        "reason": "far below the mean predictor",
    }


EXPECTED = {
    "schema": "grader/expected/v1",
    "exercise": "recall",
    "profile": "standard",
    "data": {"fingerprint": "sha256:f00d"},
    "structure": {
        "layers": [{"class": "SimpleRNN", "output_shape": [4], "params": 32}],
        "total_params": 38,
    },
    "runs": [
        run("reference", 1, 0.001, seconds=40.0),
        run("reference", 2, 0.002, seconds=90.0),
        run("untrained", 1, 0.09),
        run("constant", 1, 0.04),
        run("constant", 1, 0.01, engine="tensorflow"),
    ],
    "thresholds": [entry(), entry("tensorflow", value=None)],
    "environment": {"keras": "3.15"},
}


def calibrated(tmp_path, **change):
    return only(build(tmp_path, expected={**EXPECTED, **change}))


def test_an_exact_match_is_used_as_it_is(tmp_path):
    found = calibrated(tmp_path).threshold("jax", "cpu")
    assert (found.value, found.widened) == (0.004, False)


def test_what_is_computed_is_not_read_from_the_file(tmp_path):
    written = {**entry(), "widened": True, "why": {"id": "accuracy.unmeasured", "args": {}}}
    exercise = calibrated(tmp_path, thresholds=[written])
    (read,) = exercise.expectation.thresholds
    assert (read.widened, read.why) == (False, None)
    assert exercise.threshold("jax", "cpu").widened is False


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"environment": 3}, "environment"),
        ({"environment": [1]}, "environment"),
        (
            {"thresholds": [{**entry(), "false_fail": {"estimate": 0, "upper95": 1, "upper": 1}}]},
            "thresholds.0.false_fail.upper",
        ),
    ],
    ids=["a number", "a list", "a rate with a key too many"],
)
def test_what_calibration_never_writes_is_refused(tmp_path, change, key):
    with pytest.raises(GraderError) as refusal:
        calibrated(tmp_path, **change)
    assert refusal.value.message.args["key"] == key


def test_the_control_level_is_the_best_negative_control_of_the_same_engine(tmp_path):
    assert calibrated(tmp_path).threshold("jax", "cpu").control == 0.04


def test_an_unknown_device_widens_halfway_in_log_and_says_so(tmp_path):
    found = calibrated(tmp_path).threshold("jax", "NVIDIA H200")
    assert found.value == pytest.approx(math.sqrt(0.004 * 0.04))
    assert found.widened


def test_the_nearest_measurement_is_of_the_same_engine(tmp_path):
    thresholds = [entry("tensorflow", value=0.02), entry("jax", "gpu")]
    found = calibrated(tmp_path, thresholds=thresholds).threshold("jax", "cpu")
    assert (found.engine, found.device) == ("jax", "gpu")


def test_a_metric_that_separates_nothing_stays_without_a_value(tmp_path):
    found = calibrated(tmp_path).threshold("tensorflow", "cpu")
    assert (found.value, found.widened) == (None, False)


def test_other_data_have_no_threshold(tmp_path):
    exercise = calibrated(tmp_path)
    assert exercise.threshold("jax", "cpu", "sha256:f00d") is not None
    assert exercise.threshold("jax", "cpu", "sha256:beef") is None


def test_a_reference_takes_as_long_as_its_slowest_run_on_the_fastest_engine(tmp_path):
    runs = [
        run("reference", 1, 0.1, seconds=20.0),
        run("reference", 2, 0.1, seconds=25.0),
        run("reference", 1, 0.1, engine="tensorflow", seconds=90.0),
        run("untrained", 1, 0.1, engine="torch", seconds=1.0),  # not of the reference
    ]
    assert calibrated(tmp_path, runs=runs).reference_seconds() == 25.0


def test_a_reference_that_nobody_timed_counts_as_a_long_one(tmp_path):
    assert only(build(tmp_path)).reference_seconds() == UNMEASURED_SECONDS
    (tmp_path / "reference" / "recall" / "expected.json").write_text(
        json.dumps({**EXPECTED, "runs": []})
    )
    assert only(tmp_path).reference_seconds() == UNMEASURED_SECONDS


def test_without_calibration_there_is_no_threshold(tmp_path):
    assert only(build(tmp_path)).threshold("jax", "cpu") is None


@pytest.mark.parametrize(("pair", "middle"), [((0.01, 1.0), 0.1), ((0.0, 1.0), 0.5)])
def test_midpoint_is_in_log_where_it_can_be(pair, middle):
    assert midpoint(*pair) == pytest.approx(middle)


def test_without_a_threshold_the_accuracy_points_are_spread(tmp_path):
    exercise = only(build(tmp_path))
    points = exercise.points_for(None)
    assert sum(points.values()) == pytest.approx(100)
    assert points[EvidenceClass.ACCURACY] == 0
    assert points[EvidenceClass.RUNS] == 10
    ratio = points[EvidenceClass.STRUCTURE] / points[EvidenceClass.DATA]
    assert ratio == pytest.approx(35 / 15)


def test_with_a_threshold_the_points_stay(tmp_path):
    exercise = calibrated(tmp_path)
    assert exercise.points_for(exercise.threshold("jax", "cpu")) == exercise.points


def test_the_timeout_is_five_times_the_slowest_reference_run(tmp_path):
    exercise = calibrated(tmp_path)
    assert exercise.timeout("jax") == 450


def test_an_engine_that_nobody_timed_has_thrice_as_long_as_one_that_was(tmp_path):
    """Courses are calibrated on JAX, and their notebooks run on TensorFlow."""
    assert calibrated(tmp_path).timeout("tensorflow") == 1350


# --- the course as it stands ---------------------------------------------------------------------

COURSE: Course = load_course(ROOT)


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda e: e.id)
def test_the_same_folder_name_is_the_same_exercise_in_both_trees(exercise):
    assert exercise.reference_path == ROOT / "reference" / exercise.id
    assert exercise.reference_path.is_dir()


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda e: e.id)
def test_every_hint_waits_for_something_that_can_happen(exercise):
    known = {*map(str, Verdict), *map(str, EvidenceClass)}
    assert all(hint.when in known or "." in hint.when for hint in exercise.hints)


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda e: e.id)
def test_own_limits_belong_to_samples_that_exist(exercise):
    for name in exercise.sample_limits:
        assert (exercise.reference_path / "submissions" / name).is_file()


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda e: e.id)
def test_the_family_makes_data_of_the_shape_that_is_asked_for(exercise):
    family = load_family(COURSE.reference, exercise.family)
    import numpy as np

    inputs, targets = family.training(np.random.default_rng(0), exercise.data)
    assert len(inputs) == len(targets)
    for got, wanted in zip(inputs.shape[1:], exercise.input_shape, strict=True):
        assert wanted in (None, got)


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda e: e.id)
def test_the_data_fingerprint_is_stable(exercise):
    family = load_family(COURSE.reference, exercise.family)
    assert data_fingerprint(exercise, family) == data_fingerprint(exercise, family)


def units_of(layer):
    return layer.config["units"]


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=lambda e: e.id)
def test_recurrent_parameter_counts_follow_from_units_and_features(exercise):
    """Each gate has a kernel, a recurrent kernel and a bias; the GRU two biases by default."""
    gates = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
    features = exercise.input_shape[-1]
    for layer in exercise.layers:
        if layer.cls in gates:
            units = units_of(layer)
            biases = 2 if layer.cls == "GRU" else 1
            per_gate = units * (features + units + biases)
            assert layer.params == gates[layer.cls] * per_gate
        features = layer.output_shape[-1]
