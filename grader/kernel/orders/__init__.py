"""In the notebook's room: asks the trainer for what ``fit`` would do, and takes over what it did.

Enters: Keras, and a way to ask. Leaves: a ``fit`` that does the same for the one who calls it.
Touches: ``keras.Model.fit`` (wrapped); of a model that is being trained, methods, until it is.

Whatever cannot be an order is trained here, as Keras does it, and whatever is wrong with it Keras
says: an order is made where Keras has checked everything and would take its first step.
"""

from __future__ import annotations

from .asking import Answer, Ask
from .fitting import wrap_fit

__all__ = ["Answer", "Ask", "wrap_fit"]
