"""In the notebook's room: ``lr``, ``decay`` and ``epsilon=None`` of optimizers.

Enters: Keras. Leaves: optimizers that take them. Touches: their classes.

``decay`` makes each update with the rate ``lr / (1 + decay * updates)`` as it did; the optimizer's
configuration, which the probe reads, says so. ``learning_rate`` stays the rate without it:
callbacks read it, and write what they make of it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

from .wrapping import KIND, wrap

NAMES = "SGD RMSprop Adam Adagrad Adadelta Adamax Nadam Ftrl AdamW".split()
DECAY = "grader_decay"
RATE, OLD_RATE = "learning_rate", "lr"
SCHEDULE = "keras.optimizers.schedules.InverseTimeDecay"


def install(keras: Any, remarks: Any) -> None:
    """Let optimizers take the arguments of their time."""
    for name in NAMES:
        with contextlib.suppress(AttributeError):
            wrap(getattr(keras.optimizers, name), "__init__", lambda usual: _made(usual, remarks))
    base = keras.optimizers.Optimizer
    wrap(base, "_backend_update_step", lambda usual: _decayed(usual, keras))
    wrap(base, "get_config", _told)
    base.lr = property(_rate(remarks), _set_rate(remarks))


def _made(usual: Callable[..., None], remarks: Any) -> Callable[..., None]:
    signature = inspect.signature(usual)

    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        if OLD_RATE in kwargs and RATE not in _named(signature, self, args, kwargs):
            kwargs[RATE] = kwargs.pop(OLD_RATE)
            remarks.tell(KIND, "lr=", "learning_rate=")
        if "epsilon" in kwargs and kwargs["epsilon"] is None:
            del kwargs["epsilon"]  # it meant the usual one
        decay = kwargs.get("decay")
        if decay is not None:
            del kwargs["decay"]
            remarks.tell(KIND, "decay=", SCHEDULE)
        usual(self, *args, **kwargs)
        if decay:
            setattr(self, DECAY, float(decay))

    return constructed


def _named(signature: inspect.Signature, self: Any, args: Any, kwargs: Any) -> set[str]:
    """Give the names of the arguments that were given, by place or by name."""
    try:
        return set(signature.bind_partial(self, *args, **kwargs).arguments)
    except TypeError:
        return {RATE}  # too many: the library says so


def _decayed(usual: Callable[..., Any], keras: Any) -> Callable[..., Any]:
    def _backend_update_step(self: Any, grads: Any, trainable_variables: Any, rate: Any) -> Any:
        decay = getattr(self, DECAY, 0.0)
        if decay:
            updates = keras.ops.cast(self._iterations, "float32")
            rate = rate / (1.0 + decay * updates)
        return usual(self, grads, trainable_variables, rate)

    return _backend_update_step


def _told(usual: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    def get_config(self: Any) -> dict[str, Any]:
        decay = getattr(self, DECAY, 0.0)
        return {**usual(self), **({"decay": decay} if decay else {})}

    return get_config


def _rate(remarks: Any) -> Callable[[Any], Any]:
    def lr(self: Any) -> Any:
        remarks.tell(KIND, "optimizer.lr", "optimizer.learning_rate")
        return self.learning_rate

    return lr


def _set_rate(remarks: Any) -> Callable[[Any, Any], None]:
    def lr(self: Any, value: Any) -> None:
        remarks.tell(KIND, "optimizer.lr", "optimizer.learning_rate")
        self.learning_rate = value

    return lr
