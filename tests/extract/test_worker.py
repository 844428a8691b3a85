"""How the evaluation room trains anew, with Keras replaced by one that remembers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.evaluation import worker
from grader.evaluation.worker import perform, train

ARRAYS = {"x": np.zeros((4, 1)), "y": np.zeros(4)}
TASK = {"compile": {"optimizer": "Adam", "loss": "mse"}, "x": "x", "y": "y", "epochs": 3}
KERAS = SimpleNamespace(optimizers=SimpleNamespace(Adam=lambda **given: given))


class Model:
    """Loses one less each time that it is asked."""

    def __init__(self) -> None:
        self.fitted: dict[str, Any] = {}
        self.lost = 3.0

    def compile(self, **_: Any) -> None:
        """Nothing to do."""

    def evaluate(self, *_: Any, **__: Any) -> float:
        self.lost -= 1.0
        return self.lost

    def fit(self, x: Any, y: Any, **given: Any) -> Any:
        self.fitted = given
        return SimpleNamespace(history={"loss": [2.0, 1.0, np.nan]})


@pytest.mark.parametrize("steps", [None, 2])
def test_an_epoch_has_as_many_steps_as_it_is_told(steps: int | None) -> None:
    model = Model()
    told = train(KERAS, model, {**TASK, "steps": steps}, ARRAYS)
    assert (model.fitted["steps_per_epoch"], model.fitted["epochs"]) == (steps, 3)
    assert told == {"loss": [2.0, 1.0, None]}
    assert model.lost == 3.0, "nothing is compared that nobody wants to know"


def test_what_is_lost_before_and_after_is_told_where_it_is_asked_for() -> None:
    told = train(KERAS, Model(), {**TASK, "compare": True}, ARRAYS)
    assert (told["before"], told["after"]) == ([2.0], [1.0])


def test_only_a_training_is_computed_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model answers is judged alike, whoever trained it."""
    done: list[str] = []

    @contextmanager
    def by_the_kernel() -> Iterator[None]:
        done.append("kernel")
        yield
        done.append("Keras")

    def step(name: str, result: Any) -> None:
        def doing(*_: Any, **__: Any) -> Any:
            done.append(name)
            return result

        monkeypatch.setattr(worker, name, doing)

    step("build", None)
    step("describe", {})
    step("train", {"loss": [1.0]})
    step("predict", ARRAYS["x"])
    task = {"op": "train", "architecture": {}, "inputs": "x", "weights": []}
    told, _ = perform(KERAS, task, ARRAYS, by_the_kernel)
    assert "error" not in told
    assert done == ["build", "describe", "kernel", "train", "Keras", "predict"]
