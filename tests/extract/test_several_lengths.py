"""Batches that are each padded to their own longest row: right rows of every length count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.course.families import load_family
from grader.extract.repeating import whole_rows
from grader.extract.training import updates_of
from grader.types import Array
from tests.extract.notebooks import asked, sequential
from tests.extract.test_rows_that_count import COURSE, Notebook, sequences
from tests.extract.test_whole_data import rows_of

WORDS = COURSE.exercise("sentiment-embedding")
OPEN = sequential(*asked(WORDS), shape=(None,))
LEAST = 1000  # reviews that the exercise asks for


def padded(size: int = 4, labels: Any = None) -> Iterator[tuple[Array, Array]]:
    """The exercise's reviews in batches, each without the zeros that all of its reviews have."""
    x, y = rows_of(WORDS.id)
    y = y if labels is None else labels(y)
    for at in range(0, len(x), size):
        batch = x[at : at + size]
        yield batch[:, (batch > 0).any(axis=0).argmax() :], y[at : at + size]


def lengths(batches: list[tuple[Array, Array]]) -> list[int]:
    """How many rows there are of each length, the most first."""
    found: dict[int, int] = {}
    for x, _ in batches:
        found[x.shape[1]] = found.get(x.shape[1], 0) + len(x)
    return sorted(found.values(), reverse=True)


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path, WORDS)


def rows_found(notebook: Notebook) -> int:
    (got,) = [one.got for one in notebook.evidence().data if one.id == "data.rows"]
    return int(got)


def test_right_reviews_of_every_length_count(notebook: Notebook) -> None:
    batches = list(padded())
    assert lengths(batches)[0] < LEAST
    notebook.fit(batches, OPEN)
    assert notebook.missed() == set()
    assert rows_found(notebook) == pytest.approx(len(rows_of(WORDS.id)[0]), rel=0.02)


def test_those_of_which_the_targets_are_wrong_do_not(notebook: Notebook) -> None:
    batches = list(padded())
    longest = max(
        batches, key=lambda one: sum(len(x) for x, _ in batches if x.shape == one[0].shape)
    )
    width = longest[0].shape[1]
    told = [(x, y if x.shape[1] == width else 1 - y) for x, y in batches]
    notebook.fit(told, OPEN)
    assert notebook.missed() == {"data.rows"}
    assert rows_found(notebook) == lengths(batches)[0]


def test_nor_do_others_beside_few_right_ones(notebook: Notebook) -> None:
    rng, few = np.random.default_rng(4), list(padded(8))
    noise = [
        (rng.integers(1, 200, (32, length)), rng.integers(0, 2, 32).astype("f4"))
        for length in range(21, 28)
        for _ in range(2)
    ]
    notebook.fit([*few[:90], *noise], OPEN)
    assert "data.rows" in notebook.missed()


def test_nor_do_those_that_are_too_short(notebook: Notebook) -> None:
    x, y = rows_of(WORDS.id)
    notebook.fit([(x[:500], y[:500]), (x[500:, -6:], y[500:])][::-1], OPEN)
    assert notebook.missed()
    other = Notebook(notebook.folder / "other", WORDS)
    other.folder.mkdir()
    other.fit([(x[:500], y[:500]), *[(x[500:900, -6:], y[500:900])]], OPEN)
    assert rows_found(other) == 500


def few(count: int, layout: str = "padded-before") -> dict[int, Array]:
    """So many reviews at every length that is enough, as ``pad_sequences`` makes them."""
    assert COURSE.reference is not None
    family: Any = load_family(COURSE.reference, "reviews")
    words = family._corpus(WORDS.data).x_train[:count]
    return {length: family._encoded(words, layout, length) for length in range(20, 50)}


@pytest.mark.parametrize("layout", ["padded-before", "padded-after"])
def test_the_same_reviews_padded_or_cut_to_many_lengths_are_those(
    layout: str, notebook: Notebook
) -> None:
    _, y = rows_of(WORDS.id)
    notebook.fit([(x, y[:60]) for x in few(60, layout).values()], OPEN)
    assert notebook.missed() == {"data.rows"}
    assert rows_found(notebook) == pytest.approx(60, abs=3)


def test_nor_do_they_count_again_in_another_layout(notebook: Notebook) -> None:
    _, y = rows_of(WORDS.id)
    layouts = ("padded-before", "padded-after", "keras-padded-before", "keras-padded-after")
    told = [few(300, layout)[40 + place] for place, layout in enumerate(layouts)]
    notebook.fit([(x, y[:300]) for x in told], OPEN)
    assert notebook.missed() == {"data.rows"}


def test_a_model_of_one_length_was_not_given_others(notebook: Notebook) -> None:
    """It takes none, so a notebook that shows some has not trained on them."""
    x, y = rows_of(WORDS.id)
    notebook.fit([(x[:600], y[:600]), (x[600:1100, 5:], y[600:1100])])
    assert rows_found(notebook) == 600


def test_sequences_of_several_lengths_count_each_at_its_own(tmp_path: Path) -> None:
    product = COURSE.exercise("multiplication-gru")
    notebook = Notebook(tmp_path, product)
    x, y = sequences(3, 3000)
    own = [(x[:800], y[:800])]
    for at, more in ((800, 4), (1500, 9), (2200, 30)):
        pad = np.zeros((700, more, 2), np.float32)
        pad[:, :, 1] = np.random.default_rng(at).random((700, more))
        own.append((np.concatenate([pad, x[at : at + 700]], axis=1), y[at : at + 700]))
    notebook.fit(own, sequential(*asked(product), shape=(None, 2)))
    assert notebook.missed() == set()


def test_all_of_them_are_the_rows_of_an_epoch_and_are_not_trained_on_again_as_if_one_was_all(
    notebook: Notebook,
) -> None:
    notebook.fit(list(padded()), OPEN)
    (candidate,) = notebook.candidates()
    (fit,) = candidate.fits
    assert whole_rows(fit.sample) is None
    updates = updates_of(candidate)
    assert updates == pytest.approx(10 * len(rows_of(WORDS.id)[0]) / 4, rel=0.02)
