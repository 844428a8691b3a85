"""Rows that come twice, as windows of a text do, take nobody's points; nor do half-right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grader.execution import ArraySample, FitSample, Showing
from grader.extract.rows_that_count import ALL, RowsThatCount, rows_that_count
from grader.kernel.probe.drawn import of_arrays
from grader.kernel.probe.shown import Told
from grader.types import Array
from tests.extract.test_rows_that_count import FULL, OTHER, Notebook, says, sequences


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
    """The first ones showed all that differ, until there was no room for more."""
    x, y = again(*sequences(0, 6000), FULL + 3000)
    _, arrays = fits_of_arrays(notebook, 12, x, y)
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


# --- windows of a text, without an exercise ----------------------------------------------------

ROOM = 100_000  # bytes that any fit may show


def windows_of_a_song(verses: int = 20, steps: int = 30) -> tuple[Array, Array]:
    """Overlapping windows of a text with a refrain, as character numbers, each with the next."""
    rng = np.random.default_rng(6)
    refrain = rng.integers(0, 30, 160)
    song = np.concatenate([[*rng.integers(0, 30, 40), *refrain] for _ in range(verses)])
    places = np.arange(len(song) - steps)
    return song[places[:, None] + np.arange(steps)].astype(np.int32), song[places + steps]


def shown_of(x: Array, y: Array, room: int, said: int | None = None) -> FitSample:
    """What a fit on arrays shows that may show so many bytes; never less than 64 rows."""
    rows = max(64, room // (x[:1].nbytes + y[:1].nbytes))
    parts = [
        ArraySample((said or len(x), *one.shape[1:]), str(one.dtype), one[:rows], {})
        for one in (x, y)
    ]
    return FitSample(*parts, showing=Showing(room, ROOM))


def right(_: FitSample) -> dict[str, float]:
    return {"data.target": 1.0}


def test_equal_windows_of_a_text_are_as_many_for_the_fourth_model_as_for_the_first() -> None:
    x, y = windows_of_a_song()
    first, fourth = shown_of(x, y, ROOM), shown_of(x, y, 9000)
    assert rows_that_count(first, [first], right) == ALL
    found = rows_that_count(fourth, [*[first] * 3, fourth], right)
    differ = len(np.unique(np.concatenate([x, y[:, None]], axis=1), axis=0))
    assert differ < 0.8 * len(x)
    assert not found.in_part
    assert found.most is None or found.most == pytest.approx(differ, rel=0.25)


def test_many_fits_that_showed_little_have_shown_much_together() -> None:
    x = np.arange(30_000, dtype=np.int32).reshape(1000, 30)
    parts = [shown_of(x[at : at + 64], x[at : at + 64, 0], 0) for at in range(0, 960, 64)]
    last = shown_of(x[:64], x[:64, 0], 0, said=5000)
    assert rows_that_count(last, [*parts, last], right) == ALL
    assert rows_that_count(last, [*parts[:3], last], right) == RowsThatCount(192, in_part=True)


def test_where_nobody_can_look_what_was_shown_is_believed() -> None:
    x, y = windows_of_a_song()
    first, fourth = shown_of(x, y, ROOM), shown_of(x, y, 9000)
    assert not rows_that_count(fourth, [first, fourth], lambda _: {}).in_part


def test_a_respect_in_which_few_are_right_by_chance_says_nothing_of_the_others() -> None:
    x = np.arange(60_000, dtype=np.int32).reshape(2000, 30)
    first, last = shown_of(x, x[:, 0], ROOM), shown_of(x, x[:, 0], 0)

    def look(sample: FitSample) -> dict[str, float]:
        assert sample.x is not None
        return {"data.target": 0.002 if len(sample.x.rows) == 64 else 0.0, "data.rows": 1.0}

    assert rows_that_count(last, [first, last], look) == ALL
