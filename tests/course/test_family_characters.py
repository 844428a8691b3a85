"""The characters of a sentence: valid data in every layout pass, each known mistake is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.families import DataReading, load_family
from grader.course.load import load_course
from tests.support.family_data import (
    REFERENCE,
    ROOT,
    TEXT,
    assert_spoken,
    fit,
    wrong,
)

characters = load_family(REFERENCE, "characters")


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
