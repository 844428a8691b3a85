"""The data families: valid data in every layout pass, each known mistake is named."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.families import DataReading, load_family
from grader.course.load import load_course
from grader.text.words import Words
from grader.types import ArraySample, FitSample, GraderError, Message

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference"
FAMILIES = sorted(path.stem for path in (REFERENCE / "families").glob("*.py"))
SPEC = {"rows": 3000, "train_rows": 2560, "min_rows": 1560, "steps": 100, "hidden_rows": 200}
TENTHS = {"steps": 4, "windows": 6, "step": 0.1}
multiplication = load_family(REFERENCE, "multiplication")
sequence = load_family(REFERENCE, "sequence")
characters = load_family(REFERENCE, "characters")
weather = load_family(REFERENCE, "weather")
reviews = load_family(REFERENCE, "reviews")
TEXT = {
    "sentence": "가나다 라마바 사아자 차카타 파하 거너더 러머버 서어저 처커터 퍼허.",
    "steps": 8,
}
TEXT |= {"shortest": 30, "longest": 60}
seeds = st.integers(0, 2**32 - 1)


def sample(array, rows=64, shape=None):
    array = np.asarray(array)
    stats = {"min": 0.0, "max": 1.0, "mean": 0.5, "std": 0.3}
    return ArraySample(shape or array.shape, str(array.dtype), array[:rows], stats)


def fit(x, y, kind="arrays", rows=64):
    return FitSample(sample(x, rows), sample(y, rows), kind=kind)


def product_data(seed=0, rows=2560, steps=100):
    rng = np.random.default_rng(seed)
    return multiplication.training(rng, {**SPEC, "train_rows": rows, "steps": steps})


def wrong(reading: DataReading) -> dict[str, str]:
    return {f.id: f.message.id for f in reading.findings if f.fraction < 1.0}


def numbers_and_marks(x):
    return x[:, :, 1], x[:, :, 0]


# --- loading -----------------------------------------------------------------------------------


def test_an_unknown_family_is_said_in_one_message():
    with pytest.raises(GraderError) as caught:
        load_family(REFERENCE, "nothing")
    assert caught.value.message.id == "course.no_family"


@pytest.mark.parametrize("family", FAMILIES)
def test_both_languages_hold_the_same_messages(family):
    keys = [set(catalogue(family, lang)) for lang in ("en", "ko")]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_message_that_a_family_can_send_has_words(family, lang):
    source = (REFERENCE / "families" / f"{family}.py").read_text("utf-8")
    sent = set(re.findall(rf'"{family}\.(\w+)"', source))
    sent |= set(re.findall(r'_right\([^"]*"data\.\w+", .*?, "(\w+)"', source))
    known = catalogue(family, lang)
    for name in sent:
        assert f"{family}.{name}" in known


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_hint_belongs_to_a_message(family, lang):
    known = catalogue(family, lang)
    hints = [key for key in known if key.endswith("_hint")]
    assert hints
    assert all(key.removesuffix("_hint") in known for key in hints)


@pytest.mark.parametrize("family", FAMILIES)
def test_placeholders_agree_between_languages(family):
    en, ko = catalogue(family, "en"), catalogue(family, "ko")
    for key, words in en.items():
        assert placeholders(words) == placeholders(ko[key]), key


def catalogue(family, lang):
    path = REFERENCE / "families" / "locale" / lang / f"{family}.po"
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id}


def placeholders(words):
    return set(re.findall(r"\{(\w+)", words))


def assert_spoken(reading: DataReading, family: str) -> None:
    en, ko = catalogue(family, "en"), catalogue(family, "ko")
    messages: list[Message] = [*reading.notes, *reading.hints]
    for finding in reading.findings:
        messages += [m for m in (finding.message, finding.hint) if m]
    for message in messages:
        assert placeholders(en[message.id]) <= set(message.args), message.id
        assert placeholders(ko[message.id]) <= set(message.args), message.id


def said_of(finding, lang):
    """The sentence and the advice of a finding, as a student reads them."""
    words = Words(lang, [REFERENCE / "families" / "locale"])
    return words.say(finding.message), words.say(finding.hint)


def only_wrong(reading):
    (finding,) = [one for one in reading.findings if one.fraction < 1]
    return finding


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_which_way_each_of_its_metrics_is_better(name):
    family = load_family(REFERENCE, name)
    spec = TEXT if name == "characters" else {}
    asked = family.ask(DataReading((), None), np.random.default_rng(0), spec)
    measured = set()
    for predictions in family.controls(asked).values():
        measured |= set(family.measure(predictions, asked))
    assert measured == set(family.BETTER)
    assert set(family.BETTER.values()) <= {"lower", "higher"}


@pytest.mark.parametrize("name", FAMILIES)
def test_answers_have_the_size_of_what_a_model_gives(name):
    family = load_family(REFERENCE, name)
    asked = family.ask(
        DataReading((), None), np.random.default_rng(0), TEXT if name == "characters" else {}
    )
    assert all(p.size == asked.answers.size for p in family.controls(asked).values())


# --- multiplication: what is right ---------------------------------------------------------------


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


def test_a_dataset_is_not_blamed_for_the_size_of_its_first_batch():
    reading = multiplication.examine(fit(*product_data(rows=64), kind="dataset"), SPEC)
    assert wrong(reading) == {}
    assert [note.id for note in reading.notes] == ["multiplication.rows_uncounted"]


def test_a_short_sample_is_enough():
    assert wrong(multiplication.examine(fit(*product_data(), rows=2), SPEC)) == {}


# --- multiplication: what is wrong ---------------------------------------------------------------

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


def test_too_few_rows_are_wrong():
    found = wrong(multiplication.examine(fit(*product_data(rows=1000)), SPEC))
    assert found == {"data.rows": "multiplication.rows"}


@pytest.mark.parametrize("family", [multiplication, sequence])
@pytest.mark.parametrize("empty", [None, "rows"])
def test_data_that_nobody_saw_earn_nothing(family, empty):
    rows = None if empty is None else sample(np.zeros((0, 4, 1)))
    reading = family.examine(FitSample(rows, rows, kind="unknown"), {})
    assert [f.fraction for f in reading.findings] == [0.0]
    assert reading.layout is None


# --- multiplication: hidden questions ------------------------------------------------------------


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


# --- sequence ------------------------------------------------------------------------------------


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


# --- characters ----------------------------------------------------------------------------------


def letters(order=None, sentence=None):
    """One-hot windows of the sentence, with the characters numbered in an order of one's own."""
    text = sentence or TEXT["sentence"]
    alphabet = order or sorted(set(text))
    codes = np.array([alphabet.index(c) for c in text])
    places = np.arange(len(text) - 8)[:, None] + np.arange(8)
    eye = np.eye(len(alphabet))
    return eye[codes[places]], eye[codes[places + 1]]


@given(st.permutations(sorted(set(TEXT["sentence"]))), st.booleans())
@settings(max_examples=20, deadline=None)
def test_characters_may_be_numbered_in_any_order_and_targets_be_numbers(order, sparse):
    x, y = letters(order)
    reading = characters.examine(fit(x, y.argmax(axis=2) if sparse else y), TEXT)
    assert wrong(reading) == {}
    assert reading.notes == ()
    assert reading.layout == ("sparse" if sparse else "one-hot")


@given(st.permutations(sorted(set(TEXT["sentence"]))))
@settings(max_examples=10, deadline=None)
def test_the_question_speaks_the_students_numbering(order):
    x, y = letters(order)
    reading = characters.examine(fit(x, y), TEXT)
    asked = characters.ask(reading, np.random.default_rng(0), TEXT)
    assert np.array_equal(asked.inputs, x)
    assert np.array_equal(asked.answers, y)
    assert characters.measure(y, asked)["accuracy"] == 1.0


@given(st.permutations(range(25)))
@settings(max_examples=10, deadline=None)
def test_shuffled_windows_are_still_read(order):
    x, y = letters()
    order = [*order, *range(25, len(x))]
    reading = characters.examine(fit(x[order], y[order]), TEXT)
    assert wrong(reading) == {}
    asked = characters.ask(reading, np.random.default_rng(0), TEXT)
    assert characters.measure(y[order], asked)["accuracy"] == 1.0


def test_another_sentence_is_a_note():
    x, y = letters(sentence="나는 오늘 아침에 일찍 일어나서 강가를 걸었고 바람이 좋았다")
    reading = characters.examine(fit(x, y), TEXT)
    assert wrong(reading) == {}
    assert [note.id for note in reading.notes] == ["characters.other_sentence"]


TEXT_CHANGES = {
    "target_same": lambda x, y: (x, x),
    "target_backwards": lambda x, y: (y, x),
    "target_skips": lambda x, y: (x[:-1], y[1:]),
    "target": lambda x, y: (x, y[::-1]),
    "last_only": lambda x, y: (x, y[:, -1]),
    "indices": lambda x, y: (x.argmax(axis=2), y),
    "one_hot": lambda x, y: (x * 0.9, y),
    "shape": lambda x, y: (x[:, :5], y[:, :5]),
    "target_shape": lambda x, y: (x, y[:, :, :3]),
    "too_short": lambda x, y: (x[:20], y[:20]),
    "too_long": lambda x, y: letters(
        sentence=TEXT["sentence"] + "가거나너다더라러마머바버사서아어"
    ),
}


def test_one_window_as_long_as_the_text_is_asked_nothing():
    x, y = letters()
    long = np.concatenate([x[0], x[20], x[-1]])[None]
    after = np.concatenate([long[:, 1:], y[:1, -1:]], axis=1)
    reading = characters.examine(fit(long, after), {**TEXT, "steps": long.shape[1]})
    assert "characters.few_windows" in wrong(reading).values()
    assert reading.layout is None
    assert_spoken(reading, "characters")


@pytest.mark.parametrize(
    "sentence",
    ["가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로", "abcdefghijklm " * 4],
)
def test_a_text_that_a_list_knows_is_no_text_to_learn(sentence):
    """What follows each character is known from it alone, and needs no network."""
    x, y = letters(sentence=sentence)
    reading = characters.examine(fit(x, y), {**TEXT, "shortest": 20})
    assert wrong(reading)
    assert set(wrong(reading)) == {"data.sentence"}
    assert reading.layout is None, "it is asked nothing"
    assert_spoken(reading, "characters")


def test_a_list_of_our_own_sentence_knows_a_good_part_of_it():
    spec = load_course(ROOT).exercise("char-text").data
    reading = characters.examine(fit(*characters.training(None, spec), rows=512), spec)
    assert wrong(reading) == {}


def test_a_list_is_as_good_as_its_most_frequent_answers():
    windows = np.array([[0, 1], [0, 1], [2, 1], [3, 1], [4, 2]])
    following = np.array([[9, 5], [9, 5], [9, 5], [9, 6], [9, 7]])
    assert characters._by_list(windows, following) == 3 / 4, "equal windows count once"


def test_a_sentence_that_nearly_a_list_would_do_for_says_so_before_it_costs_anything():
    """Nothing comes again in it but the space between its words."""
    words = [[chr(0xAC00 + 7 * word + place) for place in range(7)] for word in range(8)]
    x, y = letters(sentence=" ".join(map("".join, words)))
    reading = characters.examine(fit(x, y), {**TEXT, "longest": 100})
    assert wrong(reading) == {}
    told = {note.id: note.args for note in reading.notes}
    assert list(told) == ["characters.other_sentence", "characters.nearly_a_list"]
    assert told["characters.nearly_a_list"]["most"] == "93%"
    assert_spoken(reading, "characters")


def test_windows_without_characters_are_no_reading_and_no_fault():
    reading = characters.examine(fit(np.zeros((30, 20, 0)), np.zeros((30, 20, 0))), TEXT)
    assert reading.layout is None
    assert wrong(reading)


@pytest.mark.parametrize("name", TEXT_CHANGES)
def test_a_mistake_with_characters_is_named(name):
    reading = characters.examine(fit(*TEXT_CHANGES[name](*letters())), {**TEXT, "longest": 45})
    assert f"characters.{name}" in wrong(reading).values()
    assert len(wrong(reading)) == 1
    assert_spoken(reading, "characters")


def test_the_canonical_question_needs_no_students_data():
    asked = characters.ask(DataReading((), "one-hot"), np.random.default_rng(0), TEXT)
    assert np.array_equal(asked.inputs, letters()[0])


def test_the_frequencies_answer_with_the_commonest_character():
    asked = characters.ask(DataReading((), "one-hot"), np.random.default_rng(0), TEXT)
    measured = characters.measure(characters.controls(asked)["mean"], asked)
    counts = asked.answers.sum(axis=(0, 1))
    assert measured["accuracy"] == pytest.approx(counts.max() / counts.sum())


def test_a_character_prediction_that_is_no_number_is_wrong():
    asked = characters.ask(DataReading((), "one-hot"), np.random.default_rng(0), TEXT)
    assert characters.measure(asked.inputs * np.nan, asked) == {
        "accuracy": 0.0,
        "next_accuracy": 0.0,
    }


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


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("least", "usual"), [(1560, 2560), (300, 500)])
def test_advice_about_too_few_sequences_is_what_the_exercise_asks(least, usual, lang):
    """It said that fewer than 2560 cannot be learned, where 1560 are enough for all points."""
    own = {**SPEC, "min_rows": least, "train_rows": usual}
    finding = only_wrong(multiplication.examine(fit(*product_data(rows=least - 1)), own))
    assert finding.message.id == "multiplication.rows"
    _, advice = said_of(finding, lang)
    assert set(re.findall(r"\d+", advice)) == {str(least), str(usual)}
    enough = multiplication.examine(fit(*product_data(rows=least)), own)
    assert wrong(enough) == {}
    assert [note.id for note in enough.notes] == ["multiplication.other_rows"]


# --- weather -------------------------------------------------------------------------------------

HOURS = {"lookback": 36, "delay": 24, "stride": 4, "train_hours": 5500, "hidden_rows": 300}


def climate(**change):
    return weather.training(np.random.default_rng(0), {**HOURS, **change})


def weather_fit(x, y, rows=512, kind="arrays"):
    return FitSample(sample(x, rows), sample(y, rows), kind=kind)


def celsius(x, y):
    told = weather._usual_encoding(HOURS)
    slope, shift = np.array(told["slope"]), np.array(told["shift"])
    return (x - shift) / slope, (y - shift[1]) / slope[1]


@given(seeds, st.booleans(), st.booleans())
@settings(max_examples=15, deadline=None)
def test_weather_is_read_in_any_order_of_windows(seed, shuffled, column):
    x, y = climate()
    if shuffled:
        order = np.random.default_rng(seed).permutation(len(x))
        x, y = x[order], y[order]
    reading = weather.examine(weather_fit(x, y[:, None] if column else y), HOURS)
    assert wrong(reading) == {}
    assert reading.layout == "standardised"


def test_windows_that_are_blurred_copies_of_some_are_no_more_than_those():
    x, y = climate()
    few, after = np.tile(x[::85], (64, 1, 1)), np.tile(y[::85], 64)
    assert len(few) > 1000
    blurred = (few + np.random.default_rng(0).normal(0, 1e-5, few.shape)).astype(np.float32)
    reading = weather.examine(weather_fit(blurred, after, rows=2000), HOURS)
    assert wrong(reading) == {"data.rows": "weather.rows"}
    assert {one.got for one in reading.findings if one.id == "data.rows"} == {str(len(x[::85]))}


def test_windows_of_which_each_has_a_blurred_copy_are_enough():
    x, y = climate()
    noise = np.random.default_rng(0).normal(0, 1e-5, x.shape).astype(np.float32)
    both = np.concatenate([x, x + noise])
    reading = weather.examine(weather_fit(both, np.tile(y, 2), rows=3000), HOURS)
    assert wrong(reading) == {}


def test_errors_are_the_same_in_whatever_scale_a_target_is():
    """Measured in readings: neither a shift nor another unit makes a model, or the naive answer, better."""
    x, y = climate()
    usual = weather.examine(weather_fit(x, y), HOURS)
    own = weather.examine(weather_fit(x, 1000 * y + 9e3), HOURS)
    asked = [weather.ask(one, np.random.default_rng(4), HOURS) for one in (usual, own)]
    guess = asked[0].answers + np.float32(0.5)
    for control in ("naive", "mean"):
        first, second = (
            weather.measure(weather.controls(one)[control], one)["relative_mae"] for one in asked
        )
        assert second == pytest.approx(first, rel=1e-3)
    first = weather.measure(guess, asked[0])
    second = weather.measure(1000 * guess + 9e3, asked[1])
    assert second == pytest.approx(first, rel=1e-3)


def test_the_columns_of_the_weather_are_standardised():
    x, y = climate()
    assert np.abs(x.mean(axis=(0, 1))).max() < 0.05
    assert np.abs(x.std(axis=(0, 1)) - 1).max() < 0.05
    assert abs(y.std() - 1) < 0.05


def test_the_judges_hours_are_in_no_file_of_the_students():
    files = weather.handout(HOURS)
    lines = [line.split(b",", 1)[1] for line in unzipped(files[weather.FILE]).splitlines()]
    hidden = [b",".join(b"%.2f" % v for v in row) for row in weather._weather().hidden]
    # A single hour may come again; three in a row do not.
    theirs = set(zip(lines, lines[1:], lines[2:], strict=False))
    assert len(hidden) > 2000
    assert theirs.isdisjoint(zip(hidden, hidden[1:], hidden[2:], strict=False))


def test_the_students_file_ends_before_the_judges_months():
    stamps = [
        line.split(b",")[0] for line in unzipped(weather.handout(HOURS)[weather.FILE]).split()
    ]
    assert not any(stamp.endswith((b".10.2013", b".11.2013", b".12.2013")) for stamp in stamps)


@pytest.fixture(scope="module")
def jenas():
    """The file of Jena's name as the textbook reads it, (rows, 14), and its dates."""
    text = unzipped(weather.handout(HOURS)["keras/jena_climate_2009_2016.csv.zip"]).decode()
    lines = text.split("\n")[1:]  # without an end of the last line, as Jena's own
    cells = [line.split(",") for line in lines]
    return np.array([row[1:] for row in cells], dtype=float), [row[0] for row in cells]


def test_the_file_of_jenas_name_has_jenas_rows_and_dates(jenas):
    rows, stamps = jenas
    assert rows.shape == (420_551, 14)
    assert stamps[:2] == ["01.01.2009 00:10:00", "01.01.2009 00:20:00"]
    assert stamps[143:145] == ["02.01.2009 00:00:00", "02.01.2009 00:10:00"]
    assert len(set(stamps)) == len(stamps)
    assert stamps[-1].startswith(("30.12.2016", "31.12.2016"))


def test_every_sixth_row_of_the_file_of_jenas_name_is_the_students_next_hour(jenas):
    rows, _ = jenas
    students = weather._weather().students
    for phase in (0, 5):
        hours = rows[phase::6]
        assert np.array_equal(hours[: len(students)], students)
        again = hours[len(students) : 2 * len(students)]
        assert np.array_equal(again, students)  # and none of the judge's


def generated(rows, *, lookback, step, delay=144, count=1200, seed=0, most=200_000):
    """What the textbook's generator draws: (rows, lookback // step, 14) and the targets."""
    standard = (rows - rows[:200_000].mean(axis=0)) / rows[:200_000].std(axis=0)
    drawn = np.random.default_rng(seed).integers(lookback, most, count)
    samples = np.stack([standard[row - lookback : row : step] for row in drawn])
    return samples.astype(np.float32), standard[drawn + delay, 1].astype(np.float32)


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_the_textbooks_generator_draws_the_courses_hours(jenas, seed):
    x, y = generated(jenas[0], lookback=1440, step=6, seed=seed)
    long = {**HOURS, "lookback": 240}
    reading = weather.examine(weather_fit(x, y, kind="generator"), long)
    assert wrong(reading) == {}
    assert reading.layout == "standardised"
    assert "weather.finer_note" not in [note.id for note in reading.notes]
    asked = weather.ask(reading, np.random.default_rng(0), long)
    plain = weather.ask(DataReading((), None), np.random.default_rng(0), long)
    scale = np.polyfit(plain.answers, asked.answers, 1)
    assert np.allclose(asked.answers, np.polyval(scale, plain.answers), atol=1e-3)


@pytest.mark.parametrize("seed", [1, 2])
def test_windows_around_the_end_of_the_students_hours_are_found(jenas, seed):
    """Every window there goes on with the first hours: more than one in twenty is allowed to."""
    end = len(weather._weather().students) * 6
    x, y = generated(jenas[0][end - 2000 :], lookback=1440, step=6, seed=seed, most=2800)
    assert wrong(weather.examine(weather_fit(x, y), {**HOURS, "lookback": 240})) == {}


@pytest.mark.parametrize(
    ("step", "lookback", "minutes"), [(3, 720, 30), (1, 240, 10), (2, 480, 20)]
)
def test_readings_several_times_an_hour_are_a_note_and_asked_alike(jenas, step, lookback, minutes):
    x, y = generated(jenas[0], lookback=lookback, step=step)
    spec = {**HOURS, "lookback": x.shape[1]}
    reading = weather.examine(weather_fit(x, y), spec)
    assert wrong(reading) == {}
    (note,) = [note for note in reading.notes if note.id == "weather.finer_note"]
    assert note.args == {"minutes": minutes}
    assert_spoken(reading, "weather")
    asked = weather.ask(reading, np.random.default_rng(0), spec)
    assert asked.inputs.shape[1:] == x.shape[1:]
    changed = (np.diff(asked.inputs[:, :, 0], axis=1) != 0).mean()
    assert changed < 1.05 * minutes / 60  # as in the student's: a reading lasts an hour
    naive = weather.measure(weather.controls(asked)["naive"], asked)
    assert naive["relative_mae"] == pytest.approx(1.0)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_course_length_of_ten_minute_rows_is_told_as_too_short(jenas, lang):
    x, y = generated(jenas[0], lookback=36, step=1)
    finding = only_wrong(weather.examine(weather_fit(x, y), HOURS))
    assert finding.message.id == "weather.finer"
    told, advice = said_of(finding, lang)
    assert "10" in told
    assert "144" in advice
    assert "step 6" in advice


def test_a_target_at_another_hour_of_jenas_rows_is_named_in_hours(jenas):
    x, y = generated(jenas[0], lookback=720, step=3, delay=24)
    finding = only_wrong(weather.examine(weather_fit(x, y), {**HOURS, "lookback": 240}))
    assert finding.message.id == "weather.target_delay"
    assert finding.message.args["delay"] == 4


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return archive.read(name)


def test_the_textbooks_own_loop_counts_one_hour_more_and_is_right():
    x, y = climate(delay=25)
    assert wrong(weather.examine(weather_fit(x, y), HOURS)) == {}


@pytest.mark.parametrize(
    ("delay", "name", "en", "ko"),
    [
        (-3, "before", "3 h before the window's last hour", "3시간 앞"),
        (0, "last", "of the window's last hour itself", "마지막 시각의 기온 그대로"),
        (12, "delay", "12 h after the window's last hour", "12시간 뒤"),
        (48, "delay", "48 h after the window's last hour", "48시간 뒤"),
    ],
)
def test_a_target_at_another_hour_is_named(delay, name, en, ko):
    x, y = climate(delay=delay)
    reading = weather.examine(weather_fit(x, y), HOURS)
    finding = only_wrong(reading)
    assert finding.message.id == f"weather.target_{name}"
    assert finding.message.args["delay"] == abs(delay)
    assert_spoken(reading, "weather")
    for lang, said, unit in (("en", en, "24 h after"), ("ko", ko, "24시간 뒤")):
        told, _ = said_of(finding, lang)
        assert said in told
        assert unit in told


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("steps", "delay"), [(36, 24), (48, 12)])
def test_advice_about_the_weather_has_the_windows_of_the_notebook(steps, delay, lang):
    own = {**HOURS, "lookback": steps, "delay": delay}
    x, y = climate(lookback=steps, delay=delay, stride=1)
    rng = np.random.default_rng(0)
    cases = {
        "target_delay": (x, climate(lookback=steps, delay=delay + 9, stride=1)[1]),
        "target_column": (x[:-delay], x[delay:, -1, 3]),
        "target": (x, rng.permutation(y)),
        "hours": (rng.permuted(x, axis=1), y),
    }
    for name, (windows, targets) in cases.items():
        few = min(len(windows), len(targets))
        finding = only_wrong(weather.examine(weather_fit(windows[:few], targets[:few]), own))
        assert finding.message.id == f"weather.{name}"
        _, advice = said_of(finding, lang)
        ahead = [str(delay - 1)] if name != "hours" else []
        assert re.findall(r"\d+", advice) == [str(steps), *ahead]
    shape = only_wrong(weather.examine(weather_fit(x, y[:-5]), own))
    assert str(delay) in said_of(shape, lang)[1]


def test_a_target_of_another_column_is_named():
    x, _ = climate(stride=1)
    reading = weather.examine(weather_fit(x[:-24], x[24:, -1, 3]), HOURS)
    assert wrong(reading) == {"data.target": "weather.target_column"}


def test_targets_out_of_order_are_wrong():
    x, y = climate()
    reading = weather.examine(weather_fit(x, np.random.default_rng(0).permutation(y)), HOURS)
    assert wrong(reading) == {"data.target": "weather.target"}


@pytest.mark.parametrize("together", [True, False])
def test_shuffled_hours_are_wrong(together):
    x, y = climate()
    rng = np.random.default_rng(0)
    mixed = np.array([rng.permutation(w) for w in x]) if together else rng.permuted(x, axis=1)
    assert "data.hours" in wrong(weather.examine(weather_fit(mixed, y), HOURS))


def test_windows_that_skip_hours_are_told_so():
    """The textbook's step of 6 is for rows of ten minutes; the course's are an hour apart."""
    series = weather._weather().students
    standard = (series - series.mean(axis=0)) / series.std(axis=0)
    ends = np.arange(36 * 6, 3000, 7)
    x = np.stack([standard[end - 36 * 6 : end : 6] for end in ends]).astype(np.float32)
    reading = weather.examine(weather_fit(x, standard[ends + 23, 1]), HOURS)
    assert wrong(reading) == {"data.hours": "weather.skips"}
    (finding,) = [one for one in reading.findings if one.id == "data.hours"]
    assert finding.message.args["every"] == 6
    assert_spoken(reading, "weather")


def test_windows_longer_than_the_file_are_in_no_place_of_it():
    places, found = weather._places(np.ones((2, 50)), np.arange(40.0))
    assert not found.any()
    assert len(places) == 2


def test_weather_of_another_place_is_no_weather_of_the_file():
    rng = np.random.default_rng(0)
    series = np.cumsum(rng.standard_normal((3000, 14)), axis=0)
    x, y = weather._windows(series, np.arange(36, 2900, 4), 36, 24)
    reading = weather.examine(weather_fit(x, y), HOURS)
    assert wrong(reading) == {"data.hours": "weather.hours"}
    assert reading.layout is None


def test_columns_in_another_order_are_named():
    x, y = climate()
    swapped = x[:, :, [0, 1, 3, 2, *range(4, 14)]]
    reading = weather.examine(weather_fit(swapped, y), HOURS)
    assert wrong(reading) == {"data.hours": "weather.column"}
    assert_spoken(reading, "weather")


def test_raw_readings_are_named_and_still_asked_in_their_scale():
    reading = weather.examine(weather_fit(*celsius(*climate())), HOURS)
    assert wrong(reading) == {"data.scale": "weather.raw"}
    asked = weather.ask(reading, np.random.default_rng(1), HOURS)
    hidden = weather._weather().hidden[:, 1]
    assert asked.answers.mean() == pytest.approx(hidden.mean(), abs=1)


def test_a_scale_of_ones_own_is_followed_to_the_digit():
    x, y = celsius(*climate())
    low, high = x.min(axis=(0, 1)), x.max(axis=(0, 1))
    scaled = ((x - low) / (high - low)).astype("f4")
    reading = weather.examine(weather_fit(scaled, y), HOURS)
    assert wrong(reading) == {}
    assert reading.layout == "scaled"
    asked = weather.ask(reading, np.random.default_rng(1), HOURS)
    usual = weather.ask(DataReading((), None), np.random.default_rng(1), HOURS)
    there, answers = celsius(usual.inputs, usual.answers)
    assert np.allclose(asked.inputs, (there - low) / (high - low), atol=1e-4)
    assert np.allclose(asked.answers, answers, atol=1e-3)


@given(st.floats(0.1, 50), st.floats(-20, 20))
@settings(max_examples=20, deadline=None)
def test_the_error_does_not_depend_on_the_scale(scale, shift):
    asked = weather.ask(DataReading((), "standardised"), np.random.default_rng(1), HOURS)
    guess = asked.answers + np.where(np.arange(len(asked.answers)) % 2, 0.2, -0.3)
    naive = asked.naive * scale + shift
    stretched = type(asked)(asked.inputs, asked.answers * scale + shift, naive)
    own = weather.measure(guess, asked)["mae"]
    assert weather.measure(guess * scale + shift, stretched)["mae"] == pytest.approx(own, rel=1e-3)


def test_the_naive_answer_is_the_same_hour_a_day_before():
    asked = weather.ask(DataReading((), "standardised"), np.random.default_rng(1), HOURS)
    assert np.array_equal(weather.controls(asked)["naive"], asked.inputs[:, -1, 1])


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.9), (1.2, -0.9), (10.0, 12.0), (-1.0, 0.0)])
def test_a_target_in_a_scale_of_its_own_makes_no_answer_better_than_the_naive_one(scale, shift):
    """Always zero is nearer than yesterday's temperature only where that is not shifted, too."""
    x, y = climate()
    plain, own = weather.examine(weather_fit(x, y), HOURS), y * scale + shift
    moved = weather.examine(weather_fit(x, own), HOURS)
    assert wrong(moved) == {}
    asked, usual = (
        weather.ask(reading, np.random.default_rng(1), HOURS) for reading in (moved, plain)
    )
    again = weather.measure(asked.naive, asked)
    assert again["relative_mae"] == pytest.approx(1.0)
    assert again["mae"] == pytest.approx(weather.measure(usual.naive, usual)["mae"], rel=1e-3)
    zero = weather.measure(np.zeros_like(asked.answers), asked)
    assert zero["relative_mae"] > 1.0


def test_windows_whose_targets_lie_behind_the_end_have_none():
    x, y = climate()
    series = weather._weather().students
    ends = np.arange(len(series) - 20, len(series) + 1)
    told = weather._usual_encoding(HOURS)
    scaled = series * np.asarray(told["slope"]) + np.asarray(told["shift"])
    steps = x.shape[1]
    last = np.stack([scaled[end - steps : end] for end in ends]).astype(np.float32)
    shown = np.concatenate([last] * 40)
    reading = weather.examine(weather_fit(shown, np.zeros(len(shown), y.dtype)), HOURS)
    assert wrong(reading)["data.target"] == "weather.target_beyond"
    assert_spoken(reading, "weather")


def test_the_naive_answer_is_better_than_the_mean():
    asked = weather.ask(DataReading((), "standardised"), np.random.default_rng(1), HOURS)
    errors = {k: weather.measure(v, asked)["mae"] for k, v in weather.controls(asked).items()}
    assert errors["naive"] < errors["mean"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x, y: (x.transpose(0, 2, 1), y), "transposed"),
        (lambda x, y: (x[:, :, :1], y), "shape"),
        (lambda x, y: (x, y[:-5]), "target_shape"),
        (lambda x, y: (x * np.nan, y), "not_finite"),
        (lambda x, y: (x[:900], y[:900]), "rows"),
    ],
)
def test_a_mistake_with_weather_is_named(change, name):
    reading = weather.examine(weather_fit(*change(*climate())), {**HOURS, "min_rows": 1000})
    assert list(wrong(reading).values()) == [f"weather.{name}"]
    assert_spoken(reading, "weather")


def test_windows_too_few_to_look_up_the_target_are_not_blamed():
    x, y = climate()
    reading = weather.examine(weather_fit(x[:7], y[:7], kind="generator"), HOURS)
    assert wrong(reading) == {}
    assert "weather.target_unseen" in [note.id for note in reading.notes]


# --- reviews -------------------------------------------------------------------------------------

SHORT = {"length": 40, "train_rows": 300, "test_rows": 50, "hidden_rows": 400, "min_rows": 200}
SHORT |= {"agreement": 0.9}


def film_reviews(**change):
    return reviews.training(np.random.default_rng(0), {**SHORT, **change})


def rows_fit(x, y, kind="arrays"):
    return FitSample(sample(x, 300), sample(y, 300), kind=kind)


@pytest.mark.parametrize("layout", reviews.LAYOUTS)
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
@pytest.mark.parametrize("column", [True, False])
def test_reviews_pass_in_any_dtype_and_valid_layout(layout, dtype, column):
    corpus = reviews._corpus(SHORT)
    x, y = reviews._encoded(corpus.x_train, layout, 40).astype(dtype), corpus.y_train
    reading = reviews.examine(rows_fit(x, y[:, None] if column else y), SHORT)
    assert wrong(reading) == {}
    assert reading.layout == layout
    assert_spoken(reading, "reviews")


def test_long_reviews_that_half_agree_are_still_read():
    long = {**SHORT, "length": 200, "least_clauses": 30, "most_clauses": 50, "agreement": 0.65}
    assert wrong(reviews.examine(rows_fit(*film_reviews(**long)), long)) == {}


def test_hidden_reviews_are_padded_on_the_students_side():
    for layout, side in (("padded-before", 0), ("padded-after", -1)):
        asked = reviews.ask(DataReading((), layout), np.random.default_rng(0), SHORT)
        assert (asked.inputs[:, side] == 0).any()
        assert not (asked.inputs[:, -1 - side] == 0).any()


def test_hidden_reviews_are_in_no_file_of_the_students():
    asked = reviews.ask(DataReading((), "padded-before"), np.random.default_rng(0), SHORT)
    corpus = reviews._corpus(SHORT)
    known = reviews._encoded((*corpus.x_train, *corpus.x_test), "padded-before", 40)
    theirs = {row.tobytes() for row in known}
    assert theirs.isdisjoint(row.tobytes() for row in asked.inputs)


def test_no_review_is_cut():
    x, _ = film_reviews()
    corpus = reviews._corpus(SHORT)
    assert [len(words) for words in corpus.x_train] == (x > 0).sum(axis=1).tolist()


@pytest.fixture(scope="module")
def imdbs():
    """The file of IMDB's name as ``keras.datasets.imdb.load_data(num_words=10000)`` gives it."""
    content = reviews.handout(SHORT)["keras/imdb.npz"]
    with np.load(io.BytesIO(content), allow_pickle=True) as arrays:
        return dict(arrays)


def test_the_file_of_imdbs_name_has_imdbs_rows_and_the_courses_first(imdbs):
    corpus = reviews._corpus(SHORT)
    for half, own in (("train", corpus.x_train), ("test", corpus.x_test)):
        assert len(imdbs[f"x_{half}"]) == len(imdbs[f"y_{half}"]) == 25_000
        assert [tuple(review) for review in imdbs[f"x_{half}"][: len(own)]] == list(own)
        assert 0.48 < imdbs[f"y_{half}"].mean() < 0.52


def test_the_other_reviews_of_the_file_of_imdbs_name_are_drawn_by_the_courses_rule(imdbs):
    words = reviews._word_list(reviews._source())
    more, labels = imdbs["x_train"][300:], imdbs["y_train"][300:]
    own, own_labels = reviews._draw(words, np.random.default_rng(7), 3000, SHORT)
    for one, other in ((more, own), (more[labels == 1], _of(own, own_labels))):
        shares = [
            np.bincount(np.concatenate(list(some)), minlength=40) / len(some)
            for some in (one, other)
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.1  # of some two per review
    assert {len(review) for review in own} <= {len(review) for review in more}


def _of(drawn, labels):
    return [review for review, label in zip(drawn, labels, strict=True) if label == 1]


@pytest.mark.parametrize("layout", ["keras-padded-before", "keras-padded-after"])
@pytest.mark.parametrize("length", [40, 500])
def test_the_textbooks_reviews_after_its_validation_set_are_the_courses(imdbs, layout, length):
    """It keeps x_train[10000:]; where there were 4000 nothing was left to train on."""
    spec = {**SHORT, "length": length, "course_length": 40}
    rest = [tuple(review) for review in imdbs["x_train"][10_000:]]
    x, y = reviews._encoded(rest, layout, length), imdbs["y_train"][10_000:]
    reading = reviews.examine(rows_fit(x, y), spec)
    assert wrong(reading) == {}
    assert reading.layout == layout
    turned = reviews.examine(rows_fit(x, 1 - y), spec)
    assert wrong(turned) == {"data.target": "reviews.target_inverted"}


def test_hidden_reviews_are_not_in_the_file_of_imdbs_name_either(imdbs):
    asked = reviews.ask(DataReading((), "padded-before"), np.random.default_rng(0), SHORT)
    every = [tuple(review) for half in ("x_train", "x_test") for review in imdbs[half]]
    theirs = {row.tobytes() for row in reviews._encoded(every, "padded-before", 40)}
    assert theirs.isdisjoint(row.tobytes() for row in asked.inputs)


def test_the_students_file_has_imdbs_arrays():
    content = reviews.handout(SHORT)["reviews.npz"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = sorted(archive.namelist())
    assert names == ["x_test.npy", "x_train.npy", "y_test.npy", "y_train.npy"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x, y: (x, 1 - y), "target_inverted"),
        (lambda x, y: (x, np.roll(y, 1)), "target"),
        (lambda x, y: (x, y * 2 - 1), "not_labels"),
        (lambda x, y: (x, y * 0), "not_labels"),
        (lambda x, y: (x / 40, y), "unknown_words"),
        (lambda x, y: (x + 9980, y), "unknown_words"),
        (lambda x, y: (np.where(x > 0, (x + 9) % 39 + 1, 0), y), "other_numbers"),
        (lambda x, y: (np.eye(40)[x], y), "one_hot"),
        (lambda x, y: (x[:, :20], y), "shape"),
        (lambda x, y: (x, np.eye(2)[y.astype(int)]), "target_shape"),
        (lambda x, y: (x[:100], y[:100]), "rows"),
    ],
)
def test_a_mistake_with_reviews_is_named(change, name):
    reading = reviews.examine(rows_fit(*change(*film_reviews())), SHORT)
    assert list(wrong(reading).values()) == [f"reviews.{name}"]
    assert_spoken(reading, "reviews")


def test_logits_and_probabilities_measure_alike():
    asked = reviews.ask(DataReading((), "padded-before"), np.random.default_rng(0), SHORT)
    chance = np.clip(asked.answers * 0.6 + 0.2, 0.01, 0.99)
    logits = np.log(chance / (1 - chance))
    assert reviews.measure(chance, asked) == reviews.measure(logits, asked) == {"accuracy": 1.0}


def test_one_answer_for_all_reaches_the_larger_half():
    asked = reviews.ask(DataReading((), "padded-before"), np.random.default_rng(0), SHORT)
    share = asked.answers.mean()
    measured = reviews.measure(reviews.controls(asked)["mean"], asked)
    assert measured["accuracy"] == pytest.approx(max(share, 1 - share), abs=1e-6)


def test_an_answer_to_a_review_that_is_no_number_is_wrong():
    asked = reviews.ask(DataReading((), "padded-before"), np.random.default_rng(0), SHORT)
    assert reviews.measure(asked.answers * np.nan, asked) == {"accuracy": 0.0}


def test_real_reviews_are_split_between_students_and_judge(tmp_path):
    rng = np.random.default_rng(0)
    rows = np.empty(60, dtype=object)
    for number in range(60):
        rows[number] = [number + 1, *rng.integers(1, 12_000, 30).tolist()]
    labels = np.arange(60) % 2
    np.savez(tmp_path / "imdb.npz", x_train=rows, y_train=labels, x_test=rows, y_test=labels)
    usual = reviews._source()
    origin = replace(usual.origin, name="imdb", path=tmp_path / "imdb.npz")
    found = replace(usual, origin=origin, sha256="0" * 64)
    corpus = reviews._parse(found, '{"train_rows": 40, "test_rows": 20}')
    assert (len(corpus.x_train), len(corpus.x_test), len(corpus.x_hidden)) == (40, 20, 40)
    assert set(corpus.x_hidden).isdisjoint(corpus.x_test)
    assert all(
        label == (words[0] - 1) % 2
        for words, label in zip(corpus.x_train, corpus.y_train, strict=True)
    )
    assert reviews._encoded(corpus.x_train, "keras-padded-before", 40).max() < reviews.WORDS
