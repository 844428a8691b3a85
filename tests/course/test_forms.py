"""The forms that an exercise accepts, and which layers of a model stand for theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.forms import accepted_forms, align
from grader.course.load import load_course

COURSE = load_course(Path(__file__).parents[2])


def test_the_usual_form_comes_first_and_has_no_note() -> None:
    gru = COURSE.exercise("multiplication-gru")
    usual, older = accepted_forms(gru)
    assert (usual.layers, usual.note) == (gru.layers, None)
    assert (older.total_params, older.note) == (8491, gru.accept[0].note)


@pytest.mark.parametrize(
    ("got", "expected", "places"),
    [
        (["GRU", "Dense"], ["GRU", "GRU", "Dense"], [None, 0, 1]),
        (["A", "GRU", "B", "Dense"], ["GRU", "Dense"], [1, 3]),
        ([], ["GRU"], [None]),
        (["Dense", "GRU"], ["GRU", "Dense"], [None, 0]),
    ],
)
def test_layers_are_aligned_in_order(
    got: list[str], expected: list[str], places: list[int | None]
) -> None:
    assert align(got, expected) == places
