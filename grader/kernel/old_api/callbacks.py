"""In the notebook's room: arguments of callbacks that Keras 2 knew.

Enters: Keras. Leaves: callbacks that take them. Touches: ``ModelCheckpoint``, ``TensorBoard``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .saving import holds_weights_the_old_way
from .wrapping import KIND, wrap

GONE = ("write_grads", "batch_size", "embeddings_layer_names", "embeddings_data")


def install(keras: Any, remarks: Any) -> None:
    """Let callbacks take the arguments of their time."""
    wrap(keras.callbacks.ModelCheckpoint, "__init__", lambda usual: _keeps(usual, remarks))
    wrap(keras.callbacks.TensorBoard, "__init__", lambda usual: _draws(usual, remarks))


def _keeps(usual: Callable[..., None], remarks: Any) -> Callable[..., None]:
    def constructed(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        if kwargs.get("period") == 1:
            del kwargs["period"]  # after every epoch, as ever
            remarks.tell(KIND, "period=", "save_freq=")
        only_weights = kwargs.get("save_weights_only")
        suffix = ".weights.h5" if only_weights else ".keras"
        old = holds_weights_the_old_way(str(filepath))
        if not old or (str(filepath).endswith(".h5") and not only_weights):
            usual(self, filepath, *args, **kwargs)  # today's Keras takes it, or says what is wrong
            return
        usual(self, f"{filepath}{suffix}", *args, **kwargs)
        self.filepath = str(filepath)
        remarks.tell(KIND, "ModelCheckpoint('….h5')", f"ModelCheckpoint('…{suffix}')")

    return constructed


def _draws(usual: Callable[..., None], remarks: Any) -> Callable[..., None]:
    def constructed(self: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        for gone in [one for one in GONE if one in kwargs]:
            del kwargs[gone]
            remarks.tell(KIND, f"TensorBoard({gone}=…)")
        usual(self, *args, **kwargs)

    return constructed
