"""The forms of a model that an exercise accepts, and which of a model's layers stand for theirs.

Enters: an Exercise; class names of layers. Leaves: AcceptedForms, places. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from grader.course.exercises import Exercise, ExpectedLayer
from grader.types import Message


@dataclass(frozen=True)
class AcceptedForm:
    """One architecture that earns all points of the structure."""

    layers: tuple[ExpectedLayer, ...]
    total_params: int
    input_shape: tuple[int | None, ...]  # without the batch axis
    note: Message | None = None  # what to say of it; None for the usual form


def accepted_forms(exercise: Exercise) -> tuple[AcceptedForm, ...]:
    """Give every form that earns the exercise's points, the usual one first."""
    usual = AcceptedForm(exercise.layers, exercise.total_params, exercise.input_shape)
    others = (
        AcceptedForm(one.layers, one.total_params, one.input_shape, one.note)
        for one in exercise.accept
    )
    return (usual, *others)


def align(got: Sequence[str], expected: Sequence[str]) -> list[int | None]:
    """For each expected layer, the index of the layer that stands for it."""
    found: list[int | None] = [None] * len(expected)
    for block in SequenceMatcher(None, got, expected, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            found[block.b + offset] = block.a + offset
    return found
