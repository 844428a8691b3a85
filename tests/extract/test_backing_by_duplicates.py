"""Rows that come twice, as windows of a text do, take nobody's points; nor do half-right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grader.kernel.probe.drawn import Told, of_arrays
from grader.types import Array
from tests.extract.test_backing import FULL, OTHER, Notebook, says, sequences


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def fits_of_arrays(notebook: Notebook, models: int, x: Array, y: Array) -> Told:
    """So many models, each fitted on arrays; what the last one shows."""
    for _ in range(models):
        told = of_arrays(x, y, 0, notebook.shown.of_fit)
        told = notebook.shown.spend(notebook.models + 1, None, told)
        notebook.tell(*told)
    return told


def again(x: Array, y: Array, rows: int) -> tuple[Array, Array]:
    """So many of these rows, drawn with replacement."""
    places = np.random.default_rng(1).integers(0, len(x), rows)
    return x[places], y[places]


def test_rows_that_come_twice_leave_the_last_of_many_models_its_points(notebook: Notebook) -> None:
    """The first ones showed all that there was room for, and no fit could show more."""
    x, y = again(*sequences(0, 6000), FULL + 3000)
    _, arrays = fits_of_arrays(notebook, 9, x, y)
    assert len(arrays["sample_x"]) == 512, "all that was left for the last one"
    assert notebook.missed() == set()
    assert "data.part_seen" not in [note.id for note in notebook.evidence().notes]


def test_few_rows_drawn_again_and_again_are_few_in_the_last_of_many_models(
    notebook: Notebook,
) -> None:
    fits_of_arrays(notebook, 9, *again(*sequences(0, 900), FULL + 3000))
    assert notebook.missed() == {"data.rows"}


def test_few_rows_drawn_again_and_again_are_few_in_the_first_model(notebook: Notebook) -> None:
    """A tenth of what is shown differs, and nothing new is in the rest."""
    fits_of_arrays(notebook, 1, *again(*sequences(0, 900), 3 * FULL))
    assert notebook.missed() == {"data.rows"}


@pytest.mark.parametrize("times", [2, 3, 7])
def test_rows_laid_one_turn_after_the_other_cost_nothing(notebook: Notebook, times: int) -> None:
    x, y = sequences(0, 2560)
    fits_of_arrays(notebook, 1, np.tile(x, (times, 1, 1)), np.tile(y, times))
    assert notebook.missed() == set()


def half_right(y: Array) -> Array:
    """Every second target, by chance, is another one."""
    return np.where(np.random.default_rng(3).random(len(y)) < 0.5, y, y / 2)


def first_right(y: Array) -> Array:
    """The first third is right."""
    return np.where(np.arange(len(y)) < len(y) // 3, y, y / 2)


@pytest.mark.parametrize("wrong", [half_right, lambda y: y * 0.5])
def test_who_has_the_rows_right_and_the_targets_not_keeps_the_rows(
    notebook: Notebook, wrong: Callable[[Array], Array]
) -> None:
    for seed in range(9):
        x, y = sequences(seed, FULL + 1000)
        notebook.fit([(x, wrong(y))])
    assert notebook.missed() == {"data.target"}


@pytest.mark.parametrize(("share", "missed"), [(0.5, set()), (0.1, {"data.rows"})])
def test_rows_of_which_a_part_is_right_stand_for_as_many(
    notebook: Notebook, share: float, missed: set[str]
) -> None:
    """Whoever has a few right rows among megabytes of noise has those few."""
    for _ in range(9):
        x, y = sequences(7, FULL + 300)
        right = np.random.default_rng(5).random(len(y)) < share
        notebook.fit([(x, np.where(right, y, y / 2))], OTHER)
    says(notebook, *sequences(99, 512))
    assert notebook.missed() == missed
