"""In the notebook's room: calls of 2018 to 2020 run as they did when the textbooks were printed.

Enters: a way to tell remarks. Leaves: Keras, TensorFlow and NumPy that know their old names again.
Touches: those libraries, in this process only.

A call of that time is made as today's: the probe below sees the fit, the model and the data that
there really were. What is said twice (``lr=`` beside ``learning_rate=``), what no version took,
and what has no like today stays the error that it is.
"""

from __future__ import annotations

import contextlib
from typing import Any

from . import callbacks, layers, names, optimizers, saving, training


def install(remarks: Any) -> None:
    """Teach the libraries their old ways; what one cannot learn stays as it is."""
    names.install(remarks, remarks.is_students)
    try:
        import keras
    except ImportError:
        return  # the notebook's own import fails too, and says so
    for part in (layers, optimizers, training, callbacks, saving):
        with contextlib.suppress(Exception):  # of a Keras that has changed once more
            part.install(keras, remarks)
