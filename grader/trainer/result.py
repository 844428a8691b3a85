"""What came of an order.

Enters: nothing. Leaves: the dataclasses. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.trainer.order import Order
from grader.types import Array


@dataclass(frozen=True)
class Trained:
    """A training that ended: all that the notebook needs to go on, and the evidence for it.

    ``history`` is per epoch, None where a number was not finite. Its keys: ``loss``, ``metric_0``
    and so on by the order's positions, ``val_`` before those of validation, ``learning_rate``.
    ``optimizer`` holds its variables as Keras orders them: updates, learning rate, then the rest.
    """

    history: Mapping[str, tuple[float | None, ...]]
    epochs: int
    updates: int  # of the model altogether, earlier trainings that it goes on from included
    weights: tuple[Array, ...]
    optimizer: tuple[Array, ...]
    each_epoch: tuple[tuple[Array, ...], ...] = ()  # weights after every epoch, where asked for
    callbacks: tuple[Mapping[str, float | None], ...] = ()  # stopped_epoch, best, wait …
    building: float = 0.0  # seconds
    training: float = 0.0  # seconds, compiling included
    moved: bool = True  # the last weights are not the first ones


@dataclass(frozen=True)
class Untrainable:
    """An order that fails whoever asks for it, while a control model trains: the model's fault.

    ``step``: build, continue, fit, result; stopped where the limit or the memory did not suffice,
    ended where the process did not survive it.
    """

    step: str
    error: str


Outcome = Trained | Untrainable


def history_as_asked(order: Order, result: Trained) -> dict[str, tuple[float | None, ...]]:
    """Give the history under the notebook's names, in Keras' order."""
    names = {f"metric_{number}": name for number, name in enumerate(order.metric_names)}
    names |= {f"val_{position}": f"val_{name}" for position, name in names.items()}
    renamed = {names.get(key, key): values for key, values in result.history.items()}

    def place(name: str) -> tuple[int, str]:
        return (2 if name == "learning_rate" else int(name.startswith("val_")), name)

    return {name: renamed[name] for name in sorted(renamed, key=place)}
