"""What ``train_on_batch`` was given: the rows that it learned from, and no others."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.kernel.probe.loops import Loops, wrap_train_on_batch
from grader.kernel.probe.shown import Shown

X = np.arange(80, dtype=np.float32).reshape(40, 2)
Y = X[:, 0] > 40


class Loop:
    """A model that a notebook trains batch by batch, where a trainer trains the others."""

    def __init__(self) -> None:
        keras: Any = SimpleNamespace(Sequential=int, utils=SimpleNamespace(PyDataset=set))
        probe: Any = SimpleNamespace(
            keras=keras,
            trained=lambda _: False,
            shown=Shown(10**6, 10**7, 10**8),
            number=lambda _: 3,
            names_of=lambda _: [],
            look_at=lambda *_: None,
        )
        self.built = True
        self.loops = Loops(probe)
        self.loops.paused = contextlib.nullcontext  # type: ignore[method-assign]

        def train_on_batch(
            model: Any,
            x: Any,
            y: Any = None,
            sample_weight: Any = None,
            class_weight: Any = None,
            return_dict: Any = False,
        ) -> Any:
            assert model is self
            return x, y, sample_weight, class_weight, return_dict

        self.step = wrap_train_on_batch(self.loops, train_on_batch).__get__(self)

    def rows(self) -> list[int] | None:
        """What is told of its rows: the shape of their inputs."""
        sample, _ = self.loops.batches(3)
        shape: list[int] | None = sample["x"]["shape"] if sample else None
        return shape


def test_all_that_batches_bring_is_told_each_once() -> None:
    loop = Loop()
    for _ in range(2):
        loop.step(X[:16], Y[:16])
        loop.step(X[8:24], y=Y[8:24])
    assert loop.rows() == [24, 2]
    assert loop.loops.updates == {3: 4}
    assert loop.rows() is None, "nothing new"


def test_what_is_called_is_told_what_it_was_told() -> None:
    assert Loop().step(X, y=Y, return_dict=True) == (X, Y, None, None, True)
    with pytest.raises(TypeError):
        Loop().step()


@pytest.mark.parametrize(
    "told",
    [
        {"sample_weight": 0},
        {"sample_weight": np.zeros(40)},
        {"class_weight": {0: 0.0, 1: 0.0}},
        {"sample_weight": "none that could be read"},
    ],
)
def test_what_weighs_nothing_was_never_learned(told: dict[str, Any]) -> None:
    loop = Loop()
    loop.step(X, Y, **told)
    assert loop.rows() == [0, 2], "nor does the first batch stand for it"


def test_right_rows_without_weight_beside_others_with_it_are_none() -> None:
    loop = Loop()
    loop.step(X[:20], Y[:20], np.full(20, 1e-6))
    assert loop.rows() == [20, 2]
    loop.step(X[20:30], Y[20:30])
    assert loop.rows() == [10, 2]
    loop.step(X[21:], Y[21:], class_weight={0: 1.0, 1: 0.0})
    assert loop.rows() is None, "of the class that weighs"
    loop.step(X[20:], Y[20:], class_weight={0: 0.0, 1: 1.0})
    assert loop.rows() == [20, 2]
