"""A fit that takes one step: what Keras is asked for, and what is told of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from grader.kernel.one_step import MOST, wrap_fit

DEFAULTS = {
    "x": None,
    "epochs": 1,
    "callbacks": None,
    "validation_split": 0.0,
    "validation_data": None,
    "initial_epoch": 0,
    "steps_per_epoch": None,
    "validation_steps": None,
    "validation_freq": 1,
}


class Keras:
    """Takes what it is given, as ``keras.Model.fit`` does, and remembers it."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def fit(
        self,
        x: Any = None,
        epochs: Any = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq: int = 1,
    ) -> Any:
        self.asked = {name: value for name, value in locals().items() if name != "self"}
        if not isinstance(epochs, int):
            raise TypeError("epochs")
        ran = range(initial_epoch, epochs)
        return SimpleNamespace(epoch=list(ran), history={"loss": [0.5 for _ in ran]})


def fitted(**given: Any) -> tuple[dict[str, Any], Any]:
    """Fit; gives what Keras was asked for beside its defaults, and the History."""
    model = Keras()
    history = wrap_fit(Keras.fit)(model, **given)
    return {k: v for k, v in model.asked.items() if v != DEFAULTS[k]}, history


def test_one_step_is_taken_and_every_epoch_is_told_of() -> None:
    asked, history = fitted(x=3, epochs=100)
    assert asked == {"x": 3, "steps_per_epoch": 1}
    assert history.epoch == list(range(100))
    assert history.history == {"loss": [0.5] * 100}


@pytest.mark.parametrize("given", [{"validation_split": 0.2}, {"validation_data": (1, 2)}])
def test_validation_takes_one_step_too_after_the_one_epoch(given: dict[str, Any]) -> None:
    asked, _ = fitted(epochs=20, validation_freq=5, **given)
    assert asked == {"steps_per_epoch": 1, "validation_steps": 1, **given}


def test_a_fit_that_goes_on_goes_on_from_there() -> None:
    asked, history = fitted(epochs=30, initial_epoch=20)
    assert asked == {"epochs": 21, "initial_epoch": 20, "steps_per_epoch": 1}
    assert history.epoch == list(range(20, 30))


def test_a_fit_of_no_epochs_takes_no_step() -> None:
    asked, history = fitted(epochs=0)
    assert asked == {"epochs": 0}
    assert history.history == {"loss": []}


@pytest.mark.parametrize("given", [{"epochs": "many"}, {"epoch": 3}])
def test_what_keras_refuses_it_refuses(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        fitted(**given)


def test_more_epochs_than_anybody_plots_are_not_told_of() -> None:
    assert len(fitted(epochs=MOST + 1)[1].epoch) == 1
