"""In the notebook's room: whether Keras' classes still do what they did before the first cell.

Enters: Keras. Leaves: nothing, or what was replaced. Touches nothing.

A method that a notebook replaces on a class (``keras.Model.train_step = …``) makes every training
another one, and a configuration does not tell it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .asking import UnusualError
from .describing import TRAINING_METHODS

METHODS = (
    *TRAINING_METHODS,
    *("fit", "compile", "build", "set_weights", "compute_output_shape"),
    *("__call__", "__setattr__", "__getattribute__", "_get_metrics_result_or_logs"),
    *("_symbolic_build", "compute_own_loss", "stateless_call", "_update_metrics_variables"),
    *("compute_mask", "step", "inner_loop", "cudnn_ok"),
    *("apply", "apply_gradients", "stateless_apply", "update_step", "assign"),
    *("update_state", "result", "add_weight", "get_initial_state"),
)
_ANY = frozenset(METHODS)
KINDS = ("layers", "optimizers", "losses", "metrics", "callbacks", "initializers")
MISSING = object()


class Originals:
    """What Keras' classes held when ``keep`` was called; before, nothing counts as replaced."""

    def __init__(self, keras: Any) -> None:
        self._keras = keras
        self._kept: dict[type, tuple[Any, ...]] = {}

    def keep(self) -> None:
        """Remember what the classes hold now: whatever replaces it later is the notebook's."""
        self._kept = {kind: _methods(kind) for kind in _classes(self._keras)}

    def refuse_replaced(self) -> None:
        """Raise where a class does not hold what it held.

        Raises:
            UnusualError: a method that was replaced, on whatever class of Keras' own.
        """
        for kind, kept in self._kept.items():
            for name, before, now in zip(METHODS, kept, _methods(kind), strict=True):
                if before is not now:
                    raise UnusualError(f"a replaced {kind.__name__}.{name}")


def _methods(kind: type) -> tuple[Any, ...]:
    """Give what an object of this class would call, whichever class holds it."""
    held: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        held |= {name: value for name, value in vars(one).items() if name in _ANY}
    return tuple(held.get(name, MISSING) for name in METHODS)


def _classes(keras: Any) -> list[type]:
    """Give the classes by which a training is done; a Functional is no public one."""
    kinds = [one for one in keras.Model.__subclasses__() if one.__module__.startswith("keras.")]
    public = (getattr(keras, name, None) for name in KINDS)
    return [keras.Model, *kinds, *(one for module in public for one in _in(module))]


def _in(module: Any) -> Iterator[type]:
    for name in dir(module):
        one = getattr(module, name, None)
        if isinstance(one, type):
            yield one
