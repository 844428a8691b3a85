"""The film reviews: valid data in every layout pass, each known mistake is named."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from grader.course.families import DataReading, load_family
from grader.execution import FitSample
from tests.support.family_data import (
    REFERENCE,
    assert_spoken,
    sample,
    wrong,
)

reviews = load_family(REFERENCE, "reviews")
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
