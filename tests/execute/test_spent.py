"""Where the seconds of one run went, for both ways of training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.execute.spent import time_spent
from grader.execution import CellRun, Training
from grader.types import Message, TimeSpent
from tests.support.builders import execution

(CANDIDATE,) = execution().candidates  # trained by fit in cell 7
CELLS = (CellRun(6, "ok", 3.0, "", None), CellRun(7, "ok", 40.0, "", None))


def ours(cell: int, seconds: float) -> Training:
    return Training(cell, key="a", seconds=seconds)


def its_own(cell: int) -> Training:
    return Training(cell, why=Message("proof.told", {"why": "a callback"}))


def test_a_notebook_that_trains_by_itself_does_so_in_the_cells_that_train() -> None:
    found = time_spent(2.5, {}, CELLS, (CANDIDATE,), None)
    assert found == TimeSpent(start=2.5, training=40.0)


def test_a_loop_of_its_own_is_training_too() -> None:
    looped = replace(CANDIDATE, fits=(), cell=6, own_updates=100)
    assert time_spent(0.0, {}, CELLS, (looped,), None).training == 3.0
    assert time_spent(0.0, {}, CELLS, (replace(looped, own_updates=0),), None).training == 0.0


def test_what_a_training_of_ours_took_beyond_itself_is_waiting() -> None:
    found = time_spent(1.0, {7: 39.0}, CELLS, (CANDIDATE,), (ours(7, 35.0),))
    assert found == TimeSpent(start=1.0, waiting=4.0, training=35.0)


def test_an_equal_training_that_another_one_did_is_waiting_alone() -> None:
    found = time_spent(1.0, {7: 39.0}, CELLS, (CANDIDATE,), (ours(7, 0.0),))
    assert found == TimeSpent(start=1.0, waiting=39.0)


def test_where_it_was_refused_the_cell_trained_but_for_the_wait() -> None:
    found = time_spent(0.0, {7: 1.0}, CELLS, (CANDIDATE,), (its_own(7),))
    assert found == TimeSpent(waiting=1.0, training=39.0)


def test_a_cell_with_both_counts_each_second_once() -> None:
    asked = (ours(7, 25.0), its_own(7), its_own(7))
    found = time_spent(0.0, {7: 30.0}, CELLS, (CANDIDATE,), asked)
    assert found == TimeSpent(waiting=5.0, training=35.0)
    assert found.waiting + found.training == pytest.approx(CELLS[1].seconds)


def test_clocks_that_disagree_make_no_time_negative() -> None:
    found = time_spent(0.0, {7: 41.0}, CELLS, (CANDIDATE,), (ours(7, 42.0), its_own(7)))
    assert found == TimeSpent(waiting=0.0, training=42.0)
