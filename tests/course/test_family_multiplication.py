"""The numbers and marks of the multiplication problem: what is right, each known mistake, questions."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.families import DataReading, load_family
from grader.extract.distinct import each_once
from grader.text.words import Words
from tests.support.family_data import (
    REFERENCE,
    assert_spoken,
    fit,
    only_wrong,
    said_of,
    seeds,
    wrong,
)

multiplication = load_family(REFERENCE, "multiplication")
SPEC = {"rows": 3000, "train_rows": 2560, "min_rows": 1560, "steps": 100, "hidden_rows": 200}


def product_data(seed=0, rows=2560, steps=100):
    rng = np.random.default_rng(seed)
    return multiplication.training(rng, {**SPEC, "train_rows": rows, "steps": steps})


def numbers_and_marks(x):
    return x[:, :, 1], x[:, :, 0]


@given(seeds, st.sampled_from(["float64", "float32", "float16"]), st.booleans(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_right_data_pass_in_any_dtype_order_and_target_shape(seed, dtype, number_first, column):
    x, y = product_data(seed, rows=1600)
    if number_first:
        x = x[:, :, ::-1]
    reading = multiplication.examine(
        fit(x.astype(dtype), (y[:, None] if column else y).astype(dtype)), SPEC
    )
    assert wrong(reading) == {}
    assert reading.layout == ("number-mark" if number_first else "mark-number")
    assert_spoken(reading, "multiplication")


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_training_data_have_two_marks_and_their_product(seed):
    x, y = product_data(seed, rows=300)
    numbers, marks = numbers_and_marks(x)
    assert x.shape == (300, 100, 2)
    assert x.dtype == y.dtype == np.float32
    assert set(np.unique(marks)) == {0.0, 1.0}
    assert (marks.sum(axis=1) == 2).all()
    picked = [numbers[i][marks[i] == 1] for i in range(300)]
    assert np.allclose(y, [a * b for a, b in picked])


def test_the_usual_number_of_rows_needs_no_note():
    assert multiplication.examine(fit(*product_data()), SPEC).notes == ()


def test_another_sufficient_number_of_rows_is_a_note():
    notes = multiplication.examine(fit(*product_data(rows=1560)), SPEC).notes
    assert [note.id for note in notes] == ["multiplication.other_rows"]


@pytest.mark.parametrize(("rows", "more"), [(3000, 440), (2561, 1), (3001, None)])
def test_rows_that_the_notebook_keeps_for_testing_are_no_part_of_training(rows, more):
    """3,000 were called fine, of which 440 are to show what the model has learned."""
    (note,) = multiplication.examine(fit(*product_data(rows=rows)), SPEC).notes
    assert note.args.get("more") == more
    assert note.id == f"multiplication.{'test_rows' if more else 'other_rows'}"


def test_a_dataset_is_not_blamed_for_the_size_of_its_first_batch():
    reading = multiplication.examine(fit(*product_data(rows=64), kind="dataset"), SPEC)
    assert wrong(reading) == {}
    assert [note.id for note in reading.notes] == ["multiplication.rows_uncounted"]


def test_a_short_sample_is_enough():
    assert wrong(multiplication.examine(fit(*product_data(), rows=2), SPEC)) == {}


TARGETS = {
    "target_sum": lambda n, m: (n * m).sum(axis=1),
    "target_last": lambda n, m: n[:, -1],
    "target_single": lambda n, m: n[np.arange(len(n)), m.argmax(axis=1)],
    "target_second": lambda n, m: n[np.arange(len(n)), 99 - m[:, ::-1].argmax(axis=1)],
    "target_first_two": lambda n, m: n[:, 0] * n[:, 1],
    "target_scaled": lambda n, m: 100 * np.where(m == 1, n, 1).prod(axis=1),
    "target_mean": lambda n, m: (n * m).sum(axis=1) / 2,
    "target_all": lambda n, m: n.prod(axis=1),
    "target_shifted": lambda n, m: np.roll(np.where(m == 1, n, 1).prod(axis=1), 1),
    "target": lambda n, m: n.mean(axis=1),
}


@pytest.mark.parametrize("name", TARGETS)
@given(seeds)
@settings(max_examples=10, deadline=None)
def test_a_wrong_target_is_named(name, seed):
    x, _ = product_data(seed, rows=1600)
    y = TARGETS[name](*numbers_and_marks(x))
    reading = multiplication.examine(fit(x, y), SPEC)
    assert wrong(reading) == {"data.target": f"multiplication.{name}"}
    assert_spoken(reading, "multiplication")


def test_three_marks_are_counted():
    x, y = product_data()
    x = x.copy()
    for row in x:
        row[np.flatnonzero(row[:, 0] == 0)[0], 0] = 1
    found = wrong(multiplication.examine(fit(x, y), SPEC))
    assert found["data.marks"] == "multiplication.many_marks"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_target_of_three_marks_is_not_called_the_product_of_two(lang):
    x, y = product_data()
    x = x.copy()
    for row in x:
        row[np.flatnonzero(row[:, 0] == 0)[0], 0] = 1
    y = np.where(x[:, :, 0] == 1, x[:, :, 1], 1).prod(axis=1)
    found = {one.id: one for one in multiplication.examine(fit(x, y), SPEC).findings}
    assert (found["data.marks"].fraction, found["data.target"].fraction) == (0.0, 1.0)
    said = Words(lang, [REFERENCE / "families" / "locale"]).say(found["data.target"].message)
    assert "two" not in said
    assert "두 수" not in said


def test_a_single_mark_is_counted():
    x, y = product_data()
    x = x.copy()
    for row in x:
        row[np.flatnonzero(row[:, 0])[0], 0] = 0
    found = wrong(multiplication.examine(fit(x, y), SPEC))
    assert found["data.marks"] == "multiplication.one_mark"


def test_marks_at_the_same_places_everywhere_are_wrong():
    x, _ = product_data()
    x = x.copy()
    x[:, :, 0] = 0
    x[:, [3, 70], 0] = 1
    found = wrong(multiplication.examine(fit(x, x[:, 3, 1] * x[:, 70, 1]), SPEC))
    assert found == {"data.marks": "multiplication.same_places"}


def test_one_sequence_repeated_is_wrong():
    x, _ = product_data()
    x = x.copy()
    x[:, :, 1] = x[0, :, 1]
    y = np.where(x[:, :, 0] == 1, x[:, :, 1], 1).prod(axis=1)
    found = wrong(multiplication.examine(fit(x, y), SPEC))
    assert found == {"data.numbers": "multiplication.same_sequence"}


@pytest.mark.parametrize("change", [lambda n: n * 10, lambda n: n * 0, lambda n: n * np.nan])
def test_numbers_of_another_kind_are_wrong(change):
    x, y = product_data()
    x = x.copy()
    x[:, :, 1] = change(x[:, :, 1])
    assert "data.numbers" in wrong(multiplication.examine(fit(x, y), SPEC))


def test_marks_that_are_scaled_are_no_marks():
    x, y = product_data()
    reading = multiplication.examine(fit(x * 0.5 + 0.1, y), SPEC)
    assert wrong(reading)["data.marks"] == "multiplication.no_marks"
    assert reading.layout is None


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        ((2560, 2, 100), (2560,), "transposed"),
        ((2560, 50, 2), (2560,), "shape"),
        ((2560, 100), (2560,), "shape"),
        ((2560, 100, 2), (2560, 100, 1), "target_shape"),
        ((2560, 100, 2), (3000,), "target_shape"),
    ],
)
def test_a_wrong_shape_is_named_and_ends_the_reading(x, y, name):
    reading = multiplication.examine(fit(np.zeros(x), np.zeros(y)), SPEC)
    assert wrong(reading) == {"data.shape": f"multiplication.{name}"}
    assert reading.layout is None
    assert_spoken(reading, "multiplication")


def test_rows_that_are_not_counted_twice_are_not_taken_off_twice():
    """Six copies of each with the noise of float32: each row counts once already."""
    x, y = product_data(rows=3000)
    many = np.repeat(x, 6, axis=0)
    noise = np.random.default_rng(1).normal(0.0, 2e-6, many.shape[:2]).astype(np.float32)
    many[:, :, 1] = np.clip(many[:, :, 1] + noise, 0.0, 1.0)
    shown = each_once(fit(many, np.repeat(y, 6), rows=9000))
    found = multiplication.examine(shown, {**SPEC, "min_rows": 2950}).findings
    assert [one.fraction for one in found if one.id == "data.rows"] == [1.0]


def test_too_few_rows_are_wrong():
    found = wrong(multiplication.examine(fit(*product_data(rows=1000)), SPEC))
    assert found == {"data.rows": "multiplication.rows"}


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_hidden_inputs_follow_the_students_feature_order(seed):
    asked = [
        multiplication.ask(DataReading((), layout), np.random.default_rng(seed), SPEC)
        for layout in ("mark-number", "number-mark")
    ]
    assert np.array_equal(asked[0].inputs, asked[1].inputs[:, :, ::-1])
    assert np.array_equal(asked[0].answers, asked[1].answers)


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_hidden_inputs_pass_their_own_examination(seed):
    asked = multiplication.ask(DataReading((), "mark-number"), np.random.default_rng(seed), SPEC)
    reading = multiplication.examine(fit(asked.inputs, asked.answers), {**SPEC, "min_rows": 1})
    assert wrong(reading) == {}


def test_the_answers_themselves_measure_as_perfect():
    asked = multiplication.ask(DataReading((), "mark-number"), np.random.default_rng(1), SPEC)
    measured = multiplication.measure(asked.answers[:, None], asked)
    assert measured == {"mse": 0.0, "mae": 0.0, "correctness": 1.0}


def test_correctness_counts_answers_up_to_four_hundredths_away():
    asked = multiplication.ask(DataReading((), "mark-number"), np.random.default_rng(1), SPEC)
    off = np.where(np.arange(len(asked.answers)) % 4 == 0, 0.05, 0.03)
    measured = multiplication.measure(asked.answers + off, asked)
    assert measured["correctness"] == pytest.approx(0.75)


def test_the_mean_control_has_the_variance_of_the_answers_as_its_error():
    asked = multiplication.ask(DataReading((), "mark-number"), np.random.default_rng(1), SPEC)
    mean = multiplication.controls(asked)["mean"]
    measured = multiplication.measure(mean, asked)
    assert measured["mse"] == pytest.approx(float(asked.answers.var()), rel=1e-4)


@pytest.mark.parametrize("shape", [(3,), (200, 100, 1)])
def test_predictions_of_another_size_give_no_metrics(shape):
    asked = multiplication.ask(DataReading((), "mark-number"), np.random.default_rng(1), SPEC)
    assert multiplication.measure(np.zeros(shape), asked) == {}


def test_a_prediction_that_is_no_number_leaves_only_what_can_be_counted():
    asked = multiplication.ask(DataReading((), "mark-number"), np.random.default_rng(1), SPEC)
    predictions = asked.answers.copy()
    predictions[0] = np.nan
    assert multiplication.measure(predictions, asked) == {"correctness": pytest.approx(199 / 200)}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("least", "usual"), [(1560, 2560), (300, 500)])
def test_advice_about_too_few_sequences_is_what_the_exercise_asks(least, usual, lang):
    """It said that fewer than 2560 cannot be learned, where 1560 are enough for all points."""
    own = {**SPEC, "min_rows": least, "train_rows": usual}
    finding = only_wrong(multiplication.examine(fit(*product_data(rows=least - 1)), own))
    assert finding.message.id == "multiplication.rows"
    _, advice = said_of(finding, lang)
    assert set(re.findall(r"[\d,]*\d", advice)) == {f"{least:,}", f"{usual:,}"}
    enough = multiplication.examine(fit(*product_data(rows=least)), own)
    assert wrong(enough) == {}
    assert [note.id for note in enough.notes] == ["multiplication.other_rows"]


@given(seeds, st.integers(1, 40), st.sampled_from([1e-5, 0.05]))
@settings(max_examples=30, deadline=None)
def test_a_target_of_another_row_is_found_as_by_looking_at_each_pair(seed, rows, tolerance):
    rng = np.random.default_rng(seed)
    product = rng.integers(0, 12, rows) / 12.0  # some are equal
    given_ = np.where(rng.random(rows) < 0.5, np.roll(product, 1), rng.random(rows))
    apart = np.abs(given_[:, None] - product[None, :])
    np.fill_diagonal(apart, np.inf)
    expected = float(np.mean(apart.min(axis=1) <= tolerance))
    assert multiplication._elsewhere(given_, product, tolerance) == expected


def test_targets_of_ten_thousand_rows_are_compared_without_a_table_of_all_pairs():
    """That had 1.6 GB."""
    x, y = product_data(rows=10_000)
    sample = fit(x, np.roll(y, 1), rows=len(x))
    tracemalloc.start()
    try:
        reading = multiplication.examine(sample, SPEC)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert only_wrong(reading).message.id == "multiplication.target_shifted"
    assert peak < 30 * x.nbytes
