"""In the notebook's room: asks the trainer for what ``fit`` would do, and takes over what it did.

Enters: Keras, and a way to ask. Leaves: a ``fit`` that does the same for the one who calls it.
Touches: ``keras.Model.fit`` (wrapped); of a model that is being trained, methods, until it is.

Whatever cannot be an order is trained here, as Keras does it, and whatever is wrong with it Keras
says: an order is made where Keras has checked everything and would take its first step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .asking import Answer, Ask, Line
from .fitting import Way, wrap_fit
from .originals import Originals

__all__ = ["Answer", "Ask", "Installed", "Line", "Way", "install", "wrap_fit"]


@dataclass(frozen=True)
class Installed:
    """What was installed.

    Attributes:
        ready: is to be called once all of ours is installed: what a class of Keras' is given after
            that is the notebook's own, and its trainings are no orders.
        trained: whether a model is as the trainer left it.
    """

    ready: Callable[[], None]
    trained: Callable[[Any], bool]


def install(kernel: Any, most_bytes: int, ours: str) -> Installed:
    """Have the trainer do what ``fit`` would, where it can; below what watches ``fit``.

    Args:
        kernel: on whose stdin channel somebody listens.
        most_bytes: that the arrays of an order may take together.
        ours: the package of the callbacks that only watch.
    """
    try:
        import keras
    except ImportError:
        # The notebook's own import fails too, and says so.
        return Installed(lambda: None, lambda _: False)
    line, originals = Line(kernel), Originals(keras)
    way = Way(line.ask, line.tell, ours, most_bytes, originals.refuse_replaced)
    keras.Model.fit = wrap_fit(keras, keras.Model.fit, way)
    return Installed(originals.keep, way.known.holds)
