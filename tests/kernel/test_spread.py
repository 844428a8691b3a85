"""Which rows of many are shown: drawn from all of them, each once, the same of the same data."""

from __future__ import annotations

import numpy as np
import pytest

from grader.kernel.probe.spread import drawn_places

RNG = np.random.default_rng(5)
X = RNG.random((20_000, 3, 2))
Y = X[:, 0, 0] * 2


def test_few_rows_are_all_there_in_their_order() -> None:
    places, differing = drawn_places([X[:500], Y[:500]], 500)
    assert places.tolist() == list(range(500))
    assert differing == 500


def test_of_many_as_many_are_drawn_from_every_part() -> None:
    places, differing = drawn_places([X, Y], 4000)
    assert (len(places), differing) == (4000, 20_000)
    parts = np.bincount(places // 2000, minlength=10)
    assert parts.min() > 300, "of 400 that are to be expected"
    assert parts.max() < 500
    assert (np.diff(places) < 0).any(), "they stay as they were drawn"
    assert (np.bincount(places[3000:] // 2000, minlength=10) > 60).all(), "so do the last of them"


def test_each_row_is_drawn_once_however_often_it_comes() -> None:
    x, y = (
        np.concatenate([X, X[:10], X[:300].repeat(50, axis=0)]),
        np.concatenate([Y, Y[:10], Y[:300].repeat(50)]),
    )
    places, differing = drawn_places([x, y], 4000)
    assert (len(np.unique(places)), differing) == (4000, 20_000)
    places, differing = drawn_places([x[-15_000:], y[-15_000:]], 4000)
    assert (places.tolist(), differing) == (list(range(0, 15_000, 50)), 300)


def test_a_row_with_another_target_is_another_one() -> None:
    _, differing = drawn_places([np.concatenate([X, X]), np.concatenate([Y, Y + 1])], 10)
    assert differing == 40_000


def test_the_same_rows_are_drawn_in_whatever_order_they_lie() -> None:
    turn = RNG.permutation(len(X))
    straight, _ = drawn_places([X, Y], 100)
    turned, _ = drawn_places([X[turn], Y[turn]], 100)
    assert turn[turned].tolist() == straight.tolist()


def test_of_those_drawn_fewer_are_the_first_of_them() -> None:
    places, _ = drawn_places([X, Y], 4000)
    fewer, _ = drawn_places([X[places], Y[places]], 512)
    assert fewer.tolist() == list(range(512))


@pytest.mark.parametrize("kind", [np.bool_, np.int8, np.uint8, np.float16, np.int64])
def test_rows_may_be_of_any_type_and_length(kind: type) -> None:
    x = (RNG.random((5000, 30)) * 2).astype(kind)
    differ = len(np.unique(x, axis=0))
    _, differing = drawn_places([x, np.zeros((5000, 0))], 9)
    assert differing == differ
    assert drawn_places([x[:, :0], x[:, :0]], 9)[1] == 1
    assert drawn_places([x[:0], x[:0]], 9)[1] == 0
