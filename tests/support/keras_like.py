"""The little of Keras by which a notebook's models and histories are found, without an engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Model:
    """A model that has a name and can be fitted."""

    def __init__(self, name: str = "sequential") -> None:
        self.name = name
        self.trainable_weights = [1]
        self.history: Any = None
        self.optimizer = SimpleNamespace(iterations=0, learning_rate=0.001)

    def fit(
        self, x: Any = None, y: Any = None, epochs: int = 1, validation_data: Any = None
    ) -> Any:
        """Read what is given, as an epoch would, and remember it."""
        if not isinstance(epochs, int):
            raise ValueError("epochs is no number")  # noqa: TRY004 - as Keras may
        rows = list(x)
        self.history = History(self, list(range(epochs)), {"epochs": epochs}, {"loss": [2.0, 1.0]})
        self.history.given = (rows, y, validation_data)
        return self.history


class History:
    """What fit returns."""

    def __init__(
        self, model: Any, epoch: list[int], params: dict[str, Any], history: dict[str, list[float]]
    ) -> None:
        self.model, self.epoch, self.params, self.history = model, epoch, params, history


def keras_like() -> Any:
    """A module of its own for each test: fit is wrapped on it."""
    own = type("Model", (Model,), {"fit": Model.fit})
    return SimpleNamespace(
        Model=own,
        callbacks=SimpleNamespace(History=History),
        utils=SimpleNamespace(PyDataset=type("PyDataset", (), {})),
    )
