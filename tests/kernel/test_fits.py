"""What a fit is told to have been given, before it ends."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.kernel.probe import fits
from grader.kernel.probe.fits import FitStory


class Told:
    """A probe that keeps what is sent."""

    keras = SimpleNamespace(
        callbacks=SimpleNamespace(CallbackList=tuple), Sequential=int, utils=SimpleNamespace()
    )
    cell = 1

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any], dict[str, np.ndarray]]] = []

    def number(self, _: Any) -> int:
        return 0

    def send(self, event: str, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.events.append((event, content, arrays))

    def is_news(self, *_: Any) -> bool:
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


def story(told: Told, source: Any) -> tuple[FitStory, dict[str, Any]]:
    given = {"x": source}
    watchers: Any = SimpleNamespace(usual=lambda one: one, patient=lambda one: one)
    model: Any = SimpleNamespace(built=True)
    return FitStory(told, model, given, watchers), given  # type: ignore[arg-type]


def test_a_generator_whose_first_batch_was_drawn_is_told_when_the_fit_begins(told: Told) -> None:
    """A fit that ran out of time never ended, and "was given nothing that could be looked at"."""
    one, given = story(told, batches())
    next(given["x"])  # as Keras does before its first step
    one.begin()
    ((event, content, arrays),) = told.events
    assert event == "fit_begin"
    assert content["sample"]["kind"] == "generator"
    assert content["sample"]["x"]["shape"] == [8, 6, 2]
    assert arrays["sample_y"].shape == (8,)


def test_a_generator_that_gave_nothing_yet_is_unknown_when_the_fit_begins(told: Told) -> None:
    one, _ = story(told, batches())
    one.begin()
    ((_, content, arrays),) = told.events
    assert content["sample"] == {"kind": "unknown"}
    assert arrays == {}
