"""What a fit shows that the notebook trained itself: rows, each once, as far as they are few."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.execute.caps import OTHER_FORMS
from grader.kernel.probe import drawn
from grader.kernel.probe import rows as batches
from grader.kernel.probe.drawn import of_arrays
from grader.kernel.probe.rows import Rows
from grader.kernel.probe.samples import SAMPLE_ROWS
from grader.kernel.probe.shown import NOTHING, Shown, Told
from grader.kernel.probe.weights import learned, weights_of_rows

X = np.arange(240, dtype=np.float64).reshape(40, 3, 2)
Y = X[:, 0, :1] * 2


class Sequence:
    """Stands for Keras' PyDataset."""

    def __init__(self, *batches: Any, count: int | None = None) -> None:
        self.batches = batches
        self.num_batches = len(batches) if count is None else count

    def __getitem__(self, number: int) -> Any:
        return self.batches[number % len(self.batches)]


KERAS: Any = SimpleNamespace(utils=SimpleNamespace(PyDataset=Sequence))
ROW = 28  # bytes of a row as it is trained on
MOST = 10**6


def of_data(data: Any, steps: Any, epochs: int, most_bytes: int = MOST) -> Told:
    return drawn.of_data(KERAS, data, steps, epochs, Rows(most_bytes))


def cut(size: int) -> list[Any]:
    return [(X[i : i + size], Y[i : i + size]) for i in range(0, len(X), size)]


def endless(*batches: Any) -> Iterator[Any]:
    while True:
        yield from batches


def test_a_data_set_shows_each_of_its_rows_as_they_are_trained_on() -> None:
    for data in (Sequence(*cut(16)), cut(16)):
        sample, arrays = of_data(data, None, 5)
        assert (sample["kind"], sample["batch"], sample["x"]["shape"]) == ("drawn", 16, [40, 3, 2])
        assert arrays["sample_x"].dtype == np.float32
        np.testing.assert_array_equal(arrays["sample_x"], X.astype(np.float32))
        np.testing.assert_array_equal(arrays["sample_y"], Y.astype(np.float32))


def test_the_same_batch_again_and_again_is_one() -> None:
    sample, arrays = of_data(Sequence(cut(16)[0], count=85), None, 20)
    assert sample["x"]["shape"] == [16, 3, 2]
    assert len(arrays["sample_x"]) == len(arrays["sample_y"]) == 16


def test_a_row_with_another_target_is_another_one() -> None:
    sample, _ = of_data([(X, Y), (X, Y + 1)], None, 1)
    assert sample["y"]["shape"] == [80, 1]


def test_of_a_data_set_without_end_as_many_steps_are_looked_at_as_were_taken() -> None:
    sample, _ = of_data(endless(*cut(10)), 1, 3)
    assert sample["x"]["shape"] == [30, 3, 2]


def test_a_data_set_without_end_is_not_looked_at_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_SAMPLES", 100)
    sample, _ = of_data(endless(*cut(10)), None, 1)
    assert sample["x"]["shape"] == [40, 3, 2]


def test_rows_are_counted_beyond_those_that_are_shown() -> None:
    sample, arrays = of_data(cut(16), None, 1, ROW * 5)
    assert sample["x"]["shape"] == [40, 3, 2]
    assert len(arrays["sample_x"]) == len(arrays["sample_y"]) == 5


@pytest.mark.parametrize(
    "batch",
    [
        ({"a": X, "b": X}, Y),
        (X, np.array(["no"] * 40)),
        (X, Y[:3]),
        X,
        None,
    ],
)
def test_what_is_not_batches_of_rows_shows_nothing(batch: Any) -> None:
    assert of_data([(X, Y), batch], None, 1) == NOTHING
    assert of_data(endless(batch), None, 1) == NOTHING


def test_of_batches_that_differ_in_their_shapes_those_are_shown_of_which_most_came() -> None:
    short = (X[:16, :2], Y[:16])
    for data in ([short, *cut(16)], [*cut(16), short], [cut(16)[0], short, *cut(16)[1:]]):
        sample, arrays = of_data(data, None, 1)
        assert (sample["x"]["shape"], sample["batch"]) == ([40, 3, 2], 16)
        np.testing.assert_array_equal(arrays["sample_x"], X.astype(np.float32))


def test_those_of_other_shapes_are_shown_beside_them_the_heaviest_first() -> None:
    data = [(X[:16, :2], Y[:16]), *cut(16), (X[:20, :1], Y[:20]), (X[:16, :2], Y[:16])]
    sample, arrays = of_data(data, None, 1)
    assert [one["x"]["shape"] for one in sample["others"]] == [[16, 2, 2], [20, 1, 2]]
    np.testing.assert_array_equal(arrays["sample_x_1"], X[:16, :2].astype(np.float32))
    np.testing.assert_array_equal(arrays["sample_y_2"], Y[:20].astype(np.float32))
    assert "others" not in of_data(cut(16), None, 1)[0]


def test_rows_of_another_shape_that_weigh_nothing_are_none_there_either() -> None:
    sample, _ = of_data([(X, Y), (X[:16, :2], Y[:16], np.full(16, 1e-9))], None, 1)
    assert "others" not in sample


def test_of_many_shapes_some_are_told() -> None:
    sample, _ = of_data([(np.ones((3, width)), Y[:3] + width) for width in range(1, 90)], None, 1)
    assert len(sample["others"]) == batches.MOST_TOLD - 1 == OTHER_FORMS


def test_rows_of_another_shape_are_news() -> None:
    rows = Rows(MOST)
    rows.take((X, Y))
    rows.told()
    rows.take((X[:5, :2], Y[:5]))
    assert rows.is_news


def test_of_batches_that_differ_in_their_shapes_those_are_shown_that_weighed_most() -> None:
    light, heavy = (X, Y, np.full(40, 0.002)), (X[:30, :2] + 1, Y[:30], np.ones(30))
    for data in ([light, heavy], [heavy, light]):
        sample, arrays = of_data(data, None, 1)
        assert sample["x"]["shape"] == [30, 2, 2]
        np.testing.assert_array_equal(arrays["sample_x"], (X[:30, :2] + 1).astype(np.float32))


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        ((np.int8, np.int64), np.int64),
        ((np.float16, np.float32), np.float32),
        ((np.int64, np.float32), np.float32),
        ((np.float32, np.int64), np.float32),
    ],
)
def test_no_row_becomes_another_one_because_of_the_type_of_those_before(
    kinds: tuple[type, type], shown: type
) -> None:
    x = np.arange(0, 4000, 100).reshape(40, 1)
    first, later = (x[:1].astype(kinds[0]), Y[:1]), (x[1:].astype(kinds[1]), Y[1:])
    sample, arrays = of_data([first, later], None, 1)
    assert (sample["x"]["shape"], arrays["sample_x"].dtype) == ([40, 1], shown)
    np.testing.assert_array_equal(arrays["sample_x"], x)


def test_of_many_forms_no_more_is_kept_than_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_FORMS", 2)
    rows = Rows(ROW * 40)
    rows.take((X, Y))
    for width in range(3, 30):
        rows.take((np.ones((20, width)), Y[:20] + width))
    assert sum(form.size for form in rows._forms.values()) <= 2 * rows.most_bytes
    sample, arrays = rows.told()
    assert sample["x"]["shape"] == [40, 3, 2]
    np.testing.assert_array_equal(arrays["sample_x"], X.astype(np.float32))


def test_of_many_rows_some_of_all_batches_are_kept_the_same_whatever_their_order() -> None:
    x, y = np.arange(5000).reshape(5000, 1), np.zeros(5000)
    found = []
    for turn in (np.arange(5000), np.random.default_rng(1).permutation(5000)):
        data = [(x[turn[at : at + 64]], y[turn[at : at + 64]]) for at in range(0, 5000, 64)]
        sample, arrays = of_data(data * 2, None, 1, 12 * 1000)
        assert (sample["x"]["shape"], len(arrays["sample_x"])) == ([5000, 1], 1000)
        found.append(arrays["sample_x"][:, 0])
    assert np.bincount(found[0] // 1000).min() > 150
    assert (np.diff(found[0]) < 0).any(), "they stay as they were drawn"
    np.testing.assert_array_equal(*found)


def test_those_that_were_kept_in_another_type_are_drawn_alike() -> None:
    x, y = np.arange(5000).reshape(5000, 1), np.zeros(5000, np.float32)
    rows = Rows(8 * 1000)
    rows.take((x[:900].astype(np.int16), y[:900]))
    rows.take((x.astype(np.float32), y))
    sample, arrays = rows.told()
    assert (sample["x"]["shape"], len(arrays["sample_x"])) == ([5000, 1], 1000)
    assert (arrays["sample_x"] < 900).mean() == pytest.approx(0.18, abs=0.05)


def test_a_batch_without_rows_is_none() -> None:
    for data in ([(X[:0], Y[:0]), (X, Y)], [(X, Y), (X[:0], Y[:0])]):
        assert of_data(data, None, 1)[0]["x"]["shape"] == [40, 3, 2]
    assert of_data(endless((X[:0], Y[:0])), 20, 1) == NOTHING


def test_batches_without_rows_are_not_looked_at_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_SAMPLES", 100)
    assert of_data(endless((X[:0], Y[:0])), None, 1) == NOTHING


def test_whole_numbers_among_others_are_such_numbers_as_they_are_trained_on() -> None:
    """A batch of a Python list may happen to hold whole numbers alone."""
    whole = (X[:8].astype(int), Y[:8].astype(int))
    sample, arrays = of_data([(X[8:], Y[8:]), whole, (X, Y)], None, 1)
    assert (sample["x"]["shape"], arrays["sample_y"].dtype) == ([40, 3, 2], np.float32)
    for data in ([whole, (X[8:], Y[8:]), (X, Y)], [whole, whole, (X, Y)]):
        sample, arrays = of_data(data, None, 1)
        assert (sample["x"]["shape"], arrays["sample_x"].dtype) == ([40, 3, 2], np.float32)
        np.testing.assert_array_equal(arrays["sample_x"], X.astype(np.float32))


def test_what_raises_in_the_middle_shows_nothing() -> None:
    def broken() -> Iterator[Any]:
        yield X, Y
        raise OSError("gone")

    assert of_data(broken(), None, 1) == NOTHING


def test_weights_of_rows_are_no_part_of_them() -> None:
    sample, _ = of_data([(X, Y, np.ones(40)), (X, Y, np.zeros(40))], None, 1)
    assert sample["x"]["shape"] == [40, 3, 2]


def test_rows_that_weigh_nothing_are_none() -> None:
    weights = np.where(np.arange(40) < 5, 1.0, 0.0)
    steps = np.zeros((40, 3))
    steps[:5, 1] = 2.0
    for given in (weights, weights[:, None], steps, np.maximum(weights, 1e-4)):
        sample, arrays = of_data([(X, Y, given)], None, 1)
        assert sample["x"]["shape"] == [5, 3, 2]
        np.testing.assert_array_equal(arrays["sample_y"], Y[:5].astype(np.float32))
        sample, arrays = of_arrays(X, Y, 40, MOST, given)
        assert (sample["kind"], sample["x"]["shape"]) == ("arrays", [5, 3, 2])
        np.testing.assert_array_equal(arrays["sample_x"], X[:5].astype(np.float32))
    assert of_arrays(X, Y, 40, MOST, np.ones(40)) == NOTHING, "all were shown already"


def test_a_weight_is_nothing_beside_the_largest_of_all_so_far() -> None:
    sample, _ = of_data(
        [(X[:20], Y[:20], np.full(20, 9.0)), (X[20:], Y[20:], np.full(20, 5e-3))], 2, 1
    )
    assert sample["x"]["shape"] == [20, 3, 2]


def test_whenever_the_heaviest_row_comes() -> None:
    """Those before it were told of by then, and are not any more."""
    rows = Rows(MOST)
    rows.take((X[:20], Y[:20], np.full(20, 1e-6)))
    assert rows.told()[0]["x"]["shape"] == [20, 3, 2]
    rows.take((X[20:], Y[20:]))  # as heavy as a row is of which no weight is said
    assert rows.is_news
    sample, arrays = rows.told()
    assert sample["x"]["shape"] == [20, 3, 2]
    np.testing.assert_array_equal(arrays["sample_x"], X[20:].astype(np.float32))
    assert not rows.is_news


def test_even_after_as_many_samples_as_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_SAMPLES", 40)
    rows = Rows(MOST)
    rows.take((X, Y, np.full(40, 1e-6)))
    assert not rows.wants_more
    rows.take((X + 1, Y, np.ones(40)))
    assert rows.told()[0]["x"]["shape"] == [0, 3, 2]


def test_one_heavy_row_makes_no_other_one_nothing() -> None:
    """As weights of 1 / y have one, and classes of which one is rare."""
    weights = np.where(np.arange(40) == 7, 1e4, 1.0)
    weights[3] = 0.0
    rare = {0: 1.0, 1: 5000.0}
    y = (np.arange(40) == 7).astype(int)
    assert of_data([(X, Y, weights)], None, 1)[0]["x"]["shape"] == [39, 3, 2]
    assert of_arrays(X, Y, 40, MOST, weights)[0]["x"]["shape"] == [39, 3, 2]
    assert of_arrays(X, y, 40, MOST, None, rare) == NOTHING, "all were shown already"


def test_nor_does_one_heavy_batch_where_the_others_come_again_and_again() -> None:
    rows = Rows(MOST)
    rows.take((X[:4], Y[:4], np.full(4, 2000.0)))
    for _ in range(20):
        rows.take((X, Y))
    assert rows.told()[0]["x"]["shape"] == [40, 3, 2]


def test_weights_that_are_alike_are_no_lighter_than_each_other() -> None:
    """Nor are the lightest of many nothing where they are as heavy as others nearly."""
    weights = 1.0 + np.random.default_rng(3).random(5000)
    for given in (np.ones(5000), weights):
        assert learned(given).all()


def test_a_row_weighs_what_it_weighed_altogether() -> None:
    rows = Rows(MOST)
    for weight in (1e-9, 1.0, 1e-9):
        rows.take((X, Y, np.full(40, weight)))
    assert rows.told()[0]["x"]["shape"] == [40, 3, 2]


def test_rows_that_turn_out_to_weigh_nothing_make_room() -> None:
    rows = Rows(ROW * 10)
    rows.take((X[:20], Y[:20], np.full(20, 1e-9)))
    rows.take((X[20:], Y[20:], np.ones(20)))
    sample, arrays = rows.told()
    assert sample["x"]["shape"] == [20, 3, 2]
    shown = set(arrays["sample_x"][:, 0, 0].tolist())
    assert len(shown) == 10
    assert shown <= set(X[20:, 0, 0].tolist())


@pytest.mark.parametrize("light", [0.0, 1e-9])
def test_nor_do_they_take_the_room_of_those_before_them(light: float) -> None:
    x, y = np.arange(4000).reshape(4000, 1), np.zeros(4000)
    rows = Rows(12 * 50)
    rows.take((x[:100], y[:100], np.ones(100)))
    rows.take((x[100:], y[100:], np.full(3900, light)))
    sample, arrays = rows.told()
    assert (sample["x"]["shape"], arrays["sample_x"].shape) == ([100, 1], (50, 1))


def test_batches_none_of_which_weighs_anything_show_that_there_are_no_rows() -> None:
    for weight in (0, np.zeros(1), np.zeros(40), np.full((40, 1), np.nan), "no weight"):
        sample, arrays = of_data([(X, Y, weight)], None, 1)
        assert (sample["x"]["shape"], sample["y"]["shape"]) == ([0, 3, 2], [0, 1])
        assert arrays["sample_x"].shape == (0, 3, 2)


def test_one_weight_for_all_is_every_rows() -> None:
    for weight in (0.5, np.full(1, 0.5), np.full((1, 1), 0.5)):
        assert of_data([(X, Y, weight)], None, 1)[0]["x"]["shape"] == [40, 3, 2]


@pytest.mark.parametrize(("learned", "rows"), [(20, 40), (9, 9), (0, 0)])
def test_rows_held_back_stand_beside_no_fewer_that_are_learned_from(
    learned: int, rows: int
) -> None:
    weights = np.where((np.arange(40) < learned) | (np.arange(40) >= 20), 1.0, 0.0)
    told = of_arrays(X, Y, 5, MOST, weights, split=0.5)
    assert told[0]["x"]["shape"] == [rows, 3, 2]


def test_what_is_light_beside_rows_held_back_is_what_is_learned_from() -> None:
    weights = np.where(np.arange(40) < 20, 1e-9, 1.0)
    assert of_arrays(X, Y, 5, MOST, weights, split=0.5)[0]["x"]["shape"] == [40, 3, 2]


def test_a_class_is_the_nearest_whole_number_as_keras_has_it() -> None:
    y = np.array([0.4, 0.6, 1.4, 0.5])
    assert read(y, {0: 0.0, 1: 2.0}) == [0.0, 2.0, 2.0, 0.0]


class Series:
    """Stands for pandas', which is neither true nor false."""

    def __init__(self, values: dict[int, float]) -> None:
        self.get = values.get

    def __bool__(self) -> bool:
        raise ValueError("The truth value of a Series is ambiguous.")


def read(y: np.ndarray, classes: Any) -> list[float] | None:
    found = weights_of_rows(y, None, classes)
    return None if found is None else found.tolist()


def test_weights_of_classes_are_whatever_can_be_asked_for_one() -> None:
    y = np.array([0, 1, 2])
    assert read(y, Series({0: 0.0, 1: 2.0})) == [0.0, 2.0, 1.0]
    assert read(y, {"no class": 3.0, 1: 2.0}) == [1.0, 2.0, 1.0], "which Keras never asks for"
    assert (
        of_arrays(X, np.arange(40) % 2, 40, MOST, None, Series({1: 0.0}))[0]["x"]["shape"][0] == 20
    )


@pytest.mark.parametrize("classes", [{0: "heavy"}, [1.0, 2.0], 7])
def test_of_weights_of_classes_that_cannot_be_read_nothing_is_known(classes: Any) -> None:
    assert read(np.array([0, 1]), classes) is None
    assert of_arrays(X, np.arange(40) % 2, 16, MOST, None, classes)[0]["x"]["shape"] == [40, 3, 2]


@pytest.mark.parametrize("steps", [1, np.int64(1)])
def test_steps_may_be_a_number_of_numpys(steps: Any) -> None:
    assert of_data(endless(*cut(10)), steps, 3)[0]["x"]["shape"] == [30, 3, 2]


@pytest.mark.parametrize("hot", [False, True])
def test_nor_are_those_of_a_class_that_weighs_nothing(hot: bool) -> None:
    labels = np.arange(40) % 4
    y: Any = np.eye(4)[labels] if hot else labels
    classes = {0: 1.0, 1: 0, 3: 1e-9}
    rows = Rows(MOST, classes)
    rows.take((X, y))
    for sample, arrays in (rows.told(), of_arrays(X, y, 40, MOST, None, classes)):
        assert sample["x"]["shape"] == [20, 3, 2]
        np.testing.assert_array_equal(arrays["sample_x"], X[labels % 2 == 0].astype(np.float32))


def test_where_nothing_weighs_anything_there_are_no_rows() -> None:
    sample, arrays = of_arrays(X, Y, 40, MOST, np.zeros(40))
    assert sample["x"]["shape"] == [0, 3, 2]
    assert len(arrays["sample_x"]) == 0


def test_of_arrays_all_rows_are_shown_where_the_first_ones_were() -> None:
    sample, arrays = of_arrays(X, Y, 16, MOST)
    assert (sample["kind"], sample["x"]["shape"]) == ("arrays", [40, 3, 2])
    np.testing.assert_array_equal(arrays["sample_x"], X.astype(np.float32))
    assert of_arrays(X, Y, 40, MOST) == NOTHING, "they were shown already"


@pytest.mark.parametrize(("may", "shown"), [(20, 20), (3, 16)])
def test_of_large_arrays_as_much_is_shown_as_may_be(may: int, shown: int) -> None:
    sample, arrays = of_arrays(X, Y, 16, ROW * may)
    assert sample["x"]["shape"] == [40, 3, 2]
    assert len(arrays["sample_x"]) == len(arrays["sample_y"]) == shown


@pytest.mark.parametrize("y", [None, "words", [object()] * 40])
def test_what_are_no_arrays_of_numbers_show_nothing(y: Any) -> None:
    assert of_arrays(X, y, 16, MOST) == NOTHING


def told(rows: int, width: int = 1000) -> Any:
    """Rows of so many bytes each, all different."""
    x = np.random.default_rng(1).integers(0, 256, (rows, width), np.uint8)
    arrays = {"sample_x": x, "sample_y": np.zeros((rows, 0))}
    return {"kind": "drawn", "x": {"shape": [rows, width]}}, arrays


def counts(shown: Shown, *fits: tuple[int, Any]) -> list[int]:
    return [len(shown.spend(model, None, what)[1]["sample_x"]) for model, what in fits]


def test_no_fit_shows_more_than_half_of_what_is_left_for_rows_of_its_form() -> None:
    shown = Shown(8_000_000, 32_000_000, 10**9)
    fits = [(model, told(10_000)) for model in range(6)]
    assert counts(shown, *fits) == [8000, 8000, 8000, 4000, 2000, 1000]
    assert counts(shown, (1, told(9000, 999))) == [8008], "other rows have as much again"


def test_nor_more_than_half_of_what_is_left_for_all() -> None:
    shown = Shown(8_000_000, 32_000_000, 20_000_000)
    left = 20_000_000
    for width in (1000, 1001, 1002, 1003):
        expected = min(8_000_000, left // 2) // width
        assert counts(shown, (1, told(10_000, width))) == [expected]
        left -= expected * width


def test_of_every_fit_as_many_rows_are_shown_as_when_it_begins() -> None:
    shown = Shown(8_000_000, 1000, 1000)
    assert counts(shown, (1, told(10_000)), (1, told(3))) == [SAMPLE_ROWS, 3]
    sample, _ = shown.spend(1, None, told(10_000))
    assert sample["x"]["shape"] == [10_000, 1000], "and all are counted"


def test_of_arrays_that_are_not_all_shown_any_may_be_and_those_that_differ_are_counted() -> None:
    x, y = np.arange(5000).repeat(2).reshape(10_000, 1), np.zeros(10_000)
    whole = of_arrays(x, y, 0, MOST)
    few = of_arrays(x, y, 0, 16 * 1000)
    for sample, arrays in (Shown(10_000, MOST, MOST).spend(1, 7, whole), few):
        assert (sample["x"]["shape"], sample["differing"]) == ([10_000, 1], 5000)
        shown = arrays["sample_x"][:, 0]
        assert len(np.unique(shown)) == len(shown) >= SAMPLE_ROWS
        assert np.bincount(shown // 1000).min() > 0.7 * len(shown) / 5
    assert "differing" not in whole[0], "where all are shown"


@pytest.mark.parametrize("weight", [None, np.arange(10_000) % 2])
def test_none_are_drawn_from_those_that_are_held_back_where_these_are_most(weight: Any) -> None:
    x = np.arange(10_000).reshape(10_000, 1)
    for split, last in ((0.5, 10_000), (0.7, 3000)):
        sample, arrays = of_arrays(x, x, 0, 16 * 1000, weight, split=split)
        shown = arrays["sample_x"][:, 0]
        assert last - 100 < shown.max() < last
        assert sample["differing"] == (last if weight is None else last // 2)
        assert weight is None or (shown % 2).all()


def test_what_is_nothing_to_show_spends_nothing() -> None:
    shown = Shown(10, 10, 10)
    assert shown.spend(1, 5, NOTHING) == NOTHING
    assert not shown.has(1, 5)


def test_the_same_data_are_shown_once_for_a_model() -> None:
    shown = Shown(MOST, MOST, MOST)
    assert not shown.has(1, 77)
    assert shown.spend(1, 77, told(3))[0]["digest"] == 77
    assert (shown.has(1, 77), shown.has(2, 77), shown.has(1, None)) == (True, False, False)


def test_rows_are_news_until_they_are_told() -> None:
    rows = Rows(MOST)
    rows.take((X[:5], Y[:5]))
    assert rows.is_news
    rows.told()
    rows.take((X[:5], Y[:5]))
    assert not rows.is_news
    rows.take((X[:6], Y[:6]))
    assert rows.is_news
