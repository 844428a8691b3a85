"""Free sizes: read off an input, usual where it is left open, bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.load import load_course
from grader.course.schema import FreeTable
from grader.course.sizes import Form, FreeSize

COURSE = load_course(Path(__file__).parents[2])
FULL = load_course(Path(__file__).parents[2], "full")
LENGTH, WIDTH = FreeSize("length", 40, 2, 100, 20), FreeSize("V", 48, 10, 150, 48)
FORM = Form(("length", "V", 3), (), (LENGTH, WIDTH))


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((40, 48, 3), {"length": 40, "V": 48}),
        ((100, 10, 3), {"length": 100, "V": 10}),
        ((None, 52, 3), {"length": 40, "V": 52}),
        ((None, None, None), {"length": 40, "V": 48}),
        ((101, 48, 3), None),
        ((1, 48, 3), None),
        ((40, 48, 4), None),
        ((40, 48), None),
    ],
)
def test_sizes_are_read_off_the_input(
    shape: tuple[int | None, ...], sizes: dict[str, int] | None
) -> None:
    assert FORM.read(shape) == sizes


def test_a_length_is_enough_from_the_usual_one_unless_it_is_said() -> None:
    assert FreeTable(usual=40, least=2, most=100).size("length").enough == 40
    assert FreeTable(usual=40, least=2, most=100, enough=20).size("length").enough == 20


@pytest.mark.parametrize("name", list(COURSE.exercises))
def test_every_exercise_has_one_length_that_is_free(name: str) -> None:
    exercise = COURSE.exercise(name)
    (length,) = exercise.lengths
    (size,) = [one for one in exercise.form.free if one.name == length]
    assert size.least <= size.enough <= size.usual < size.most


@pytest.mark.parametrize(
    "name", [key for key, one in FULL.exercises.items() if one.profile == "full"]
)
def test_the_sizes_of_one_profile_are_a_length_of_the_other(name: str) -> None:
    usual, full = COURSE.exercise(name), FULL.exercise(name)
    own = usual.sized(full.input_shape)
    assert (own.layers, own.total_params) == (full.layers, full.total_params)
    assert own.lengths == full.lengths
    (key,) = own.lengths
    assert own.data[f"course_{key}"] == usual.data[key]
    assert [one.profile for one in usual.elsewhere] == ["full"]
    assert [one.profile for one in full.elsewhere] == ["laptop"]


def test_the_courses_own_length_is_the_exercise_itself() -> None:
    exercise = COURSE.exercise("sentiment-embedding")
    assert exercise.sized((40,)) is exercise
    assert exercise.sized((None,)) is exercise
    assert exercise.sized(()) is exercise
