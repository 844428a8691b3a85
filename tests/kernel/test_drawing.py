"""What is drawn beforehand of data sets, sequences and generators, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from grader.kernel.orders import drawing
from grader.kernel.orders.asking import UnusualError
from grader.kernel.orders.drawing import draw
from grader.kernel.orders.sources import Tape

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)[:, None]
MUCH = 10_000


class Epochs:
    """Keras' iterator over epochs: at each step a list of batches."""

    def __init__(self, *epochs: list[Any]) -> None:
        self.epochs, self.resets = list(epochs), 0

    def reset(self) -> None:
        self.resets += 1

    def __iter__(self) -> Iterator[Any]:
        return iter([(step, step, [batch]) for step, batch in enumerate(self.epochs.pop(0))])


def batches(*turns: list[int]) -> list[Any]:
    return [(X[turn], Y[turn]) for turn in turns]


def test_what_repeats_is_drawn_as_the_arrays_that_it_is() -> None:
    epochs = Epochs(*(batches([0, 1], [2, 3], [4]) for _ in range(3)))
    drawn = draw(epochs, 3, MUCH)
    assert drawn.repeats
    assert (drawn.steps, drawn.epochs, epochs.resets) == (3, 3, 1)
    np.testing.assert_array_equal(drawn.epoch(0)["x"], X[:5].astype(np.float32))
    np.testing.assert_array_equal(drawn.epoch(0)["y"], Y[:5].astype(np.float32))


def test_a_row_that_comes_again_is_kept_once_and_has_many_turns() -> None:
    drawn = draw(Epochs(batches([0, 1], [2]), batches([2, 0], [1])), 2, MUCH)
    assert not drawn.repeats
    assert len(drawn.rows["x"]) == 3
    assert drawn.turns.tolist() == [0, 1, 2, 2, 0, 1]
    assert drawn.sizes.tolist() == [2, 1, 2, 1]
    np.testing.assert_array_equal(drawn.epoch(1)["x"], X[[2, 0, 1]].astype(np.float32))


def test_rows_with_other_targets_or_weights_are_other_rows() -> None:
    twice = [(X[:1], Y[:1], np.ones(1)), (X[:1], Y[1:2], np.ones(1)), (X[:1], Y[:1], np.zeros(1))]
    drawn = draw(Epochs(twice), 1, MUCH)
    assert [len(part) for part in drawn.rows.values()] == [3, 3, 3]


@pytest.mark.parametrize(
    ("epochs", "repeats"),
    [
        ([batches([0, 1], [2, 3])], True),
        ([batches([0, 1, 2])], True),
        ([batches([0], [1, 2])], False),
        ([batches([0, 1], [2], [3, 4])], False),
        ([batches([0, 1]), batches([1, 0])], False),
        ([batches([0, 0]), batches([0, 0])], True),
    ],
    ids=["even", "one", "growing", "smaller between", "shuffled", "a row twice"],
)
def test_only_what_fit_would_cut_the_same_way_repeats(epochs: Any, repeats: bool) -> None:
    assert draw(Epochs(*epochs), len(epochs), MUCH).repeats is repeats


@pytest.mark.parametrize(
    ("epochs", "why"),
    [
        ([batches([0, 1]), []], "as many batches"),
        ([[]], "as many batches"),
        ([batches([0, 1]), batches([0], [1])], "as many batches"),
        ([[(X[:2], Y[:1])]], "different rows"),
        ([[(X[:0], Y[:0])]], "different rows"),
        ([[(X[:2], Y[:2]), (X[:2, :1], Y[:2])]], "differ in their shapes"),
        ([[(X[:2],)]], "inputs and targets"),
        ([[X[:2]]], "inputs and targets"),
        ([[({"a": X[:2]}, Y[:2])]], "x of class dict"),
        ([[(X[:2], None)]], "y of class NoneType"),
        ([[(np.array(["a"]), Y[:1])]], "x of type"),
        ([batches(*[list(range(n)) for n in range(1, 7)]) * 2], None),
        ([[(np.zeros((n, 1)), np.zeros(n)) for n in range(1, 10)]], "many sizes"),
    ],
)
def test_what_no_order_can_say_is_not_drawn_on(epochs: Any, why: str | None) -> None:
    if why is None:
        assert draw(Epochs(*epochs), len(epochs), MUCH).steps == 12
        return
    with pytest.raises(UnusualError, match=why):
        draw(Epochs(*epochs), len(epochs), MUCH)


def test_no_more_is_drawn_than_an_order_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    row, turn = 3 * 4, 4
    draw(Epochs(batches([0, 1, 0])), 1, 2 * row + 3 * turn)
    with pytest.raises(UnusualError, match="more batches"):
        draw(Epochs(batches([0, 1, 0])), 1, 2 * row + 3 * turn - 1)
    monkeypatch.setattr(drawing, "MOST_TURNS", 2)
    with pytest.raises(UnusualError, match="more batches"):
        draw(Epochs(batches([0, 1, 0])), 1, MUCH)


def test_an_endless_source_is_left_at_the_first_batch_too_many() -> None:
    taken = 0

    class Endless(Epochs):
        def __iter__(self) -> Iterator[Any]:
            nonlocal taken
            while True:
                taken += 1
                yield 0, 0, [(np.full((1, 2), float(taken)), np.ones((1, 1)))]

    with pytest.raises(UnusualError, match="more batches"):
        draw(Endless(), 1, 160)
    assert taken == 160 // 16 + 1


def counting() -> Iterator[Any]:
    buffer = np.zeros(1)
    for number in range(4):
        buffer[:] = number
        yield buffer, np.ones(1)


def test_a_generator_gives_again_what_was_drawn_and_then_the_rest() -> None:
    tape = Tape(counting())  # type: ignore[arg-type]
    playing = tape.playing()
    first = [next(playing)[0].item() for _ in range(2)]
    assert first == [0, 1]
    assert [batch[0].item() for batch in tape.again()] == [0, 1, 2, 3], "each has its own values"


def test_a_generator_that_fails_fails_again_at_the_same_place() -> None:
    def failing() -> Iterator[Any]:
        yield 1
        raise ValueError("no more")

    tape = Tape(failing())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no more"):
        list(tape.playing())
    again = tape.again()
    assert next(again) == 1
    with pytest.raises(ValueError, match="no more"):
        next(again)
