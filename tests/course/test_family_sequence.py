"""The windows of the sequence exercise: valid data in every layout pass, each known mistake is named."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.families import DataReading, load_family
from grader.extract.distinct import each_once
from tests.support.family_data import (
    REFERENCE,
    assert_spoken,
    fit,
    said_of,
    wrong,
)

sequence = load_family(REFERENCE, "sequence")
TENTHS = {"steps": 4, "windows": 6, "step": 0.1}


def tenths(windows=6):
    starts = np.arange(windows)
    x = np.array([[[(i + j) / 10] for j in range(4)] for i in starts])
    return x, (starts + 4) / 10


@given(
    st.permutations(range(6)),
    st.integers(6, 20),
    st.sampled_from(["float64", "float32", "float16"]),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_windows_pass_in_any_order_number_and_dtype(order, windows, dtype, column):
    x, y = tenths(windows)
    order = [*order, *range(6, windows)]
    x, y = x[order].astype(dtype), y[order].astype(dtype)
    reading = sequence.examine(fit(x, y[:, None] if column else y), TENTHS)
    assert wrong(reading) == {}
    assert reading.layout == "window"


def test_the_training_data_are_the_exercises_six_windows():
    x, y = sequence.training(np.random.default_rng(0), TENTHS)
    assert np.allclose(x, tenths()[0])
    assert np.allclose(y, tenths()[1])
    assert wrong(sequence.examine(fit(x, y), TENTHS)) == {}


def test_more_windows_are_a_note():
    assert [n.id for n in sequence.examine(fit(*tenths(9)), TENTHS).notes] == [
        "sequence.more_windows"
    ]


def test_windows_that_are_not_counted_twice_are_not_taken_off_twice():
    """Each is there thirty times, nearly; of half of them it is told how many differ in all."""
    x, y = tenths()
    many = np.repeat(x, 30, axis=0)
    many += np.random.default_rng(0).normal(0.0, 1e-7, many.shape)
    shown = each_once(fit(many, np.repeat(y, 30), rows=91))
    assert wrong(sequence.examine(shown, TENTHS)) == {}


SEQUENCE_TARGETS = {
    "target_last": lambda x: x[:, -1, 0],
    "target_skips": lambda x: x[:, -1, 0] + 0.2,
    "target_first": lambda x: x[:, 0, 0],
    "target_whole": lambda x: x[:, -1, 0] * 10 + 1,
    "target_mean": lambda x: x[:, :, 0].mean(axis=1),
    "target_shuffled": lambda x: np.roll(x[:, -1, 0] + 0.1, 2),
    "target": lambda x: x[:, -1, 0] ** 2,
}


@pytest.mark.parametrize("name", SEQUENCE_TARGETS)
def test_a_wrong_next_number_is_named(name):
    x, _ = tenths()
    reading = sequence.examine(fit(x, SEQUENCE_TARGETS[name](x)), TENTHS)
    assert wrong(reading) == {"data.target": f"sequence.{name}"}
    assert_spoken(reading, "sequence")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x, y: (x * 10, y * 10), "whole_numbers"),
        (lambda x, y: (x * 2, y), "windows"),
        (lambda x, y: (x + 0.5, y + 0.5), "missing"),
    ],
)
def test_wrong_windows_are_named(change, name):
    reading = sequence.examine(fit(*change(*tenths())), TENTHS)
    assert wrong(reading)["data.windows"] == f"sequence.{name}"
    assert_spoken(reading, "sequence")


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        ((6, 1, 4), (6,), "features_not_steps"),
        ((6, 3, 1), (6,), "shape"),
        ((6, 4, 1), (6, 4, 1), "target_shape"),
    ],
)
def test_a_wrong_window_shape_is_named(x, y, name):
    reading = sequence.examine(fit(np.zeros(x), np.zeros(y)), TENTHS)
    assert wrong(reading) == {"data.shape": f"sequence.{name}"}


@pytest.mark.parametrize("windows", [6, 63, 64, 300])
def test_windows_far_from_the_exercises_own_are_not_these_however_many(windows):
    x, y = tenths(windows)
    reading = sequence.examine(fit(x + 100, y + 100, rows=300), TENTHS)
    assert wrong(reading) == {"data.windows": "sequence.missing"}


def test_one_window_moved_by_little_is_not_the_six():
    moved = np.arange(64)[:, None, None] * 0.0055
    x, _ = tenths(1)
    found = wrong(sequence.examine(fit(x + moved, (x + moved)[:, -1, 0] + 0.1), TENTHS))
    assert found == {"data.windows": "sequence.missing"}


def test_where_some_of_many_windows_are_seen_the_six_may_be_among_the_others():
    x, y = tenths(100)
    reading = sequence.examine(fit(x[10:], y[10:], rows=64), TENTHS)
    assert wrong(reading) == {}


def test_whole_numbers_are_one_mistake_and_not_two():
    x, y = tenths()
    found = wrong(sequence.examine(fit(x * 10, y * 10), TENTHS))
    assert found == {"data.windows": "sequence.whole_numbers"}


def test_too_few_windows_are_wrong():
    found = wrong(sequence.examine(fit(*tenths(5)), TENTHS))
    assert found == {"data.rows": "sequence.rows", "data.windows": "sequence.missing"}


def test_the_missing_window_is_the_one_that_is_shown():
    """The first window stood there twice, expected and given, and was not the missing one."""
    (finding,) = (
        one
        for one in sequence.examine(fit(*tenths(5)), TENTHS).findings
        if one.id == "data.windows"
    )
    assert (finding.expected, finding.got) == ("[0.5, 0.6, 0.7, 0.8]", "")
    assert finding.message.args == {"expected": "[0.5, 0.6, 0.7, 0.8]", "got": "", "missing": 1}


def test_the_hidden_question_ends_with_a_window_on_either_side():
    asked = sequence.ask(DataReading((), "window"), np.random.default_rng(0), TENTHS)
    assert np.allclose(asked.inputs[-2, :, 0], [0.6, 0.7, 0.8, 0.9])
    assert np.allclose(asked.inputs[-1, :, 0], [-0.1, 0.0, 0.1, 0.2])
    assert np.allclose(asked.answers[-2:], [1.0, 0.3])


def test_errors_inside_and_beyond_are_measured_apart():
    asked = sequence.ask(DataReading((), "window"), np.random.default_rng(0), TENTHS)
    predictions = asked.answers.copy()
    predictions[:6] += 0.1
    predictions[6] -= 0.2
    measured = sequence.measure(predictions[:, None], asked)
    assert measured["train_mse"] == pytest.approx(0.01, rel=1e-4)
    assert measured["extrapolation_error"] == pytest.approx(0.2, rel=1e-4)


def test_the_last_input_control_is_one_step_behind():
    asked = sequence.ask(DataReading((), "window"), np.random.default_rng(0), TENTHS)
    last = sequence.controls(asked)["last_input"]
    assert sequence.measure(last, asked)["train_mse"] == pytest.approx(0.01, rel=1e-4)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("steps", "windows"), [(4, 6), (7, 9)])
def test_advice_about_a_sequence_has_the_windows_of_the_notebook(steps, windows, lang):
    own = {**TENTHS, "steps": steps, "windows": windows}
    x, y = sequence.training(np.random.default_rng(0), own)
    cases = {
        "features_not_steps": (x.transpose(0, 2, 1), y, steps),
        "shape": (x[:, :-1], y, steps),
        "windows": (x * 3, y * 3, steps),
        "target_last": (x, x[:, -1, 0], steps),
        "target_skips": (x, y + 0.1, steps),
        "target_first": (x, x[:, 0, 0], steps),
        "target_mean": (x, x.mean(axis=(1, 2)), steps),
        "target": (x, y**2, steps),
        "missing": (np.concatenate([x[1:], x[1:]]), np.concatenate([y[1:], y[1:]]), windows),
        "rows": (x[:3], y[:3], windows),
    }
    for name, (inputs, targets, said) in cases.items():
        reading = sequence.examine(fit(inputs, targets), own)
        assert_spoken(reading, "sequence")
        (finding,) = [one for one in reading.findings if one.message.id == f"sequence.{name}"]
        assert str(said) in re.findall(r"\d+", said_of(finding, lang)[1])


def test_too_few_windows_bring_one_advice_and_not_two():
    """Half of the windows kept for validation: the missing ones and the count are one mistake."""
    findings = sequence.examine(fit(*tenths(3)), TENTHS).findings
    assert {one.hint.id for one in findings if one.fraction < 1} == {"sequence.rows_hint"}
