"""What a fit is told to have been given, before it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.kernel.probe import fits
from grader.kernel.probe.fits import FitReporter
from grader.kernel.probe.shown import Shown


class Told:
    """A probe that keeps what is sent."""

    keras = SimpleNamespace(
        callbacks=SimpleNamespace(CallbackList=tuple),
        Sequential=int,
        utils=SimpleNamespace(PyDataset=set),
    )
    cell = 1

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any], dict[str, np.ndarray]]] = []
        self.trained: Callable[[Any], bool] | None = None
        self.shown = Shown(10**6, 10**7, 10**8)

    def count(self, *_: Any) -> None: ...

    def number(self, _: Any) -> int:
        return 0

    def send(self, event: str, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.events.append((event, content, arrays))

    def is_news(self, _: int, sample: dict[str, Any], *__: Any) -> bool:
        sample["digest"] = 5
        return True

    def repeats(self, _: int) -> None:
        return None

    def ended(self, _: int) -> dict[str, Any]:
        return {}

    def tell(self, _: int) -> None: ...

    def begin_repeats(self, *_: Any) -> None: ...


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(fits, "describe", lambda *_: {})
    monkeypatch.setattr(fits, "weights_of", lambda _: [])
    return Told()


def batches() -> Iterator[Any]:
    while True:
        yield np.ones((8, 6, 2)), np.zeros(8)


def reporter(
    told: Told, source: Any, y: Any = None, **more: Any
) -> tuple[FitReporter, dict[str, Any]]:
    given = {"x": source, "y": y, **more}
    watchers: Any = SimpleNamespace(usual=lambda one: one, patient=lambda one: one)
    model: Any = SimpleNamespace(built=True)
    return FitReporter(told, model, given, watchers), given  # type: ignore[arg-type]


def test_a_generator_whose_first_batch_was_drawn_is_told_when_the_fit_begins(told: Told) -> None:
    """A fit that ran out of time never ended, and "was given nothing that could be looked at"."""
    one, given = reporter(told, batches())
    next(given["x"])  # as Keras does before its first step
    one.begin()
    ((event, content, arrays),) = told.events
    assert event == "fit_begin"
    assert content["sample"]["kind"] == "generator"
    assert content["sample"]["x"]["shape"] == [8, 6, 2]
    assert arrays["sample_y"].shape == (8,)


def test_a_generator_that_gave_nothing_yet_is_unknown_when_the_fit_begins(told: Told) -> None:
    one, _ = reporter(told, batches())
    one.begin()
    ((_, content, arrays),) = told.events
    assert content["sample"] == {"kind": "unknown", "digest": 5}
    assert arrays == {}


def ended(
    told: Told, source: Any, y: Any = None, **more: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a fit of one epoch is told to have gone over, when it ends."""
    one, given = reporter(told, source, y, **more)
    one.begin()
    for _, batch in zip(range(3), given["x"], strict=False):
        assert len(batch)
    one.end(SimpleNamespace(history={}))
    event, content, arrays = told.events[-1]
    assert event == "fit_end"
    return content["late_sample"], arrays


X = np.arange(1200, dtype=np.float32).reshape(600, 2)


def counted() -> Iterator[Any]:
    for number in range(5):
        yield X[number : number + 2], X[number : number + 2, 0]


def test_where_somebody_else_trains_a_fit_of_ones_own_shows_all_its_rows(told: Told) -> None:
    told.trained = lambda _: False
    sample, arrays = ended(told, [(X[:8], X[:8, 0])] * 3)
    assert (sample["kind"], sample["x"]["shape"], sample["digest"]) == ("drawn", [8, 2], 5)
    np.testing.assert_array_equal(arrays["sample_x"], X[:8])


def test_of_arrays_those_rows_too_that_were_not_shown_at_first(told: Told) -> None:
    told.trained = lambda _: False
    sample, arrays = ended(told, X, X[:, 0])
    assert (sample["kind"], len(arrays["sample_x"]), sample["digest"]) == ("arrays", 600, 5)


def test_of_a_generator_what_was_drawn(told: Told) -> None:
    told.trained = lambda _: False
    sample, arrays = ended(told, counted())
    assert sample["x"]["shape"] == [4, 2], "three batches of two, one row further each time"
    np.testing.assert_array_equal(arrays["sample_x"], X[:4])


def weightless() -> Iterator[Any]:
    for _ in range(5):
        yield X[:8], X[:8, 0], np.zeros(8)


@pytest.mark.parametrize(
    "given",
    [
        ([(X[:8], X[:8, 0], np.zeros(8))] * 3, None, {}),
        (weightless(), None, {}),
        (X[:8], X[:8, 0], {"sample_weight": np.zeros(8)}),
        (X[:8], np.zeros(8), {"class_weight": {0: 0.0}}),
        (X[:8], np.full(8, 0.7), {"class_weight": {0: 1.0, 1: 0.0}}),
    ],
)
def test_where_nothing_weighs_anything_no_rows_are_told_and_that_is_said(
    told: Told, given: tuple[Any, Any, dict[str, Any]]
) -> None:
    """Else the first batch, which is told as the fit begins, would stand for what was learned."""
    told.trained = lambda _: False
    source, y, more = given
    sample, arrays = ended(told, source, y, **more)
    assert sample["x"]["shape"] == [0, 2]
    assert arrays["sample_x"].shape == (0, 2)


@pytest.mark.parametrize("alone", [lambda one: [one], lambda one: (one,), lambda one: {"a": one}])
def test_an_array_in_a_list_of_its_own_is_that_array(told: Told, alone: Callable[..., Any]) -> None:
    """As Keras takes it for a model of one input and one output."""
    sample, _ = reporter(told, alone(X), alone(X[:, 0]))[0].sample
    assert (sample["kind"], sample["x"]["shape"], sample["y"]["shape"]) == (
        "arrays",
        [600, 2],
        [600],
    )
    told.trained = lambda _: False
    weights = {"sample_weight": alone(np.arange(600) % 2.0)}
    assert ended(told, alone(X), alone(X[:, 0]), **weights)[0]["x"]["shape"] == [300, 2]
    told.shown = Shown(10**6, 10**7, 10**8)
    assert ended(told, [(alone(X[:8]), alone(X[:8, 0]))])[0]["x"]["shape"] == [8, 2]


def test_two_arrays_are_two_inputs_and_none_is_taken_for_rows(told: Told) -> None:
    for several in ([X, X], {"a": X, "b": X}, [[1.0, 2.0]], []):
        assert reporter(told, several, X[:, 0])[0].sample[0].get("x", {}).get("shape") != [600, 2]


def test_other_rows_that_weigh_something_are_other_data_and_other_weights_are_not(
    told: Told,
) -> None:
    """Weights that are drawn anew for every call would make each of a thousand calls news."""
    known: list[set[str]] = []

    def noting(_: int, sample: dict[str, Any], arrays: dict[str, np.ndarray], *__: Any) -> bool:
        sample["digest"] = len(known)
        known.append({f"{name} {np.asarray(one).sum():g}" for name, one in arrays.items()})
        return True

    told.is_news = noting  # type: ignore[method-assign]
    alike = [{}, {"sample_weight": np.ones(8)}, {"sample_weight": np.arange(1.0, 9.0)}]
    alike += [{"class_weight": {0: 0.5}}, {"class_weight": {0: 1.5}}]
    for more in (*alike, {"sample_weight": np.arange(8.0)}, {"class_weight": {0: 0.0}}):
        ended(told, X[:8], X[:8, 0], **more)
    *same, of_rows, of_classes = known
    assert same == [same[0]] * len(alike)
    assert of_rows != same[0] != of_classes


def test_weights_that_cannot_be_read_leave_the_beginning_of_a_fit_told(told: Told) -> None:
    ended(told, X[:8], X[:8, 0], class_weight={0: 1.0, "a": 2.0})
    assert [event for event, _, _ in told.events] == ["fit_begin", "fit_end"]


def test_nothing_is_held_back_by_a_share_where_validation_data_are_given(told: Told) -> None:
    """As Keras has it."""
    for data, share in ((None, 0.9), ((X[:8], X[:8, 0]), None)):
        ended(told, X[:8], X[:8, 0], validation_split=0.9, validation_data=data)
        assert told.events[-1][1]["arguments"]["validation_split"] == share


def test_the_same_data_a_second_time_are_not_shown_again(told: Told) -> None:
    told.trained = lambda _: False
    data = [(X[:8], X[:8, 0])]
    assert ended(told, data)[0]
    assert ended(told, data) == ({}, {})


@pytest.mark.parametrize("trained", [None, lambda _: True])
def test_else_only_what_is_told_of_every_fit(told: Told, trained: Any) -> None:
    told.trained = trained
    assert ended(told, [(X[:8], X[:8, 0])] * 3) == ({}, {})
    assert ended(told, X, X[:, 0]) == ({}, {})
    assert ended(told, counted())[0]["kind"] == "generator"


def going(told: Told, source: Any, y: Any = None) -> tuple[list[Any], list[Any]]:
    """What is told of a fit after each of its two epochs, and when it ends."""
    one, given = reporter(told, source, y)
    one.begin()
    drawn = iter(given["x"])
    for _ in range(2):
        next(drawn)
        one.report_at = 0.0
        one.go_on()
    one.end(SimpleNamespace(history={}))
    samples = [content.get("late_sample") or {} for _, content, _ in told.events[-3:]]
    shapes = [sample["x"]["shape"] if sample else None for sample in samples]
    return [event for event, _, _ in told.events[-3:]], shapes


def test_a_fit_shows_its_rows_while_it_goes_on_for_one_that_is_stopped_has_no_end(
    told: Told,
) -> None:
    told.trained = lambda _: False
    events, shapes = going(told, counted())
    assert events == ["fit_going", "fit_going", "fit_end"]
    assert shapes == [[2, 2], None, [3, 2]], "again at its end, where more was drawn"
    assert going(told, X, X[:, 0])[1] == [[600, 2], None, None]


def test_a_data_set_is_not_gone_through_before_its_fit_is_over(told: Told) -> None:
    told.trained = lambda _: False
    assert going(told, [(X[:8], X[:8, 0])] * 3)[1] == [None, None, [8, 2]]
