"""In the notebook's room: files as Keras 2 wrote them.

Enters: Keras. Leaves: models that write and read ``.h5``. Touches: ``keras.Model``,
``keras.models.load_model``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from .wrapping import KIND, wrap

OLD_FILES = (".h5", ".hdf5")
LOSSES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
}


def holds_weights_the_old_way(path: str) -> bool:
    """Whether today's Keras would refuse to write weights under this name."""
    return path.endswith(OLD_FILES) and not path.endswith(".weights.h5")


def install(keras: Any, remarks: Any) -> None:
    """Let weights be kept in ``.h5``, and models of short-named losses be read from it."""
    wrap(keras.Model, "save_weights", lambda usual: _save_weights(usual, remarks))
    losses = {short: getattr(keras.losses, name) for short, name in LOSSES.items()}
    usual = keras.models.load_model
    loading = _load_model(usual, losses | {name: losses[s] for s, name in LOSSES.items()})
    for name in ("keras.models", "keras.saving", "keras._tf_keras.keras.models"):
        module = sys.modules.get(name)
        if getattr(module, "load_model", None) is usual:
            setattr(module, "load_model", loading)  # noqa: B010 - a module of whatever name


def _save_weights(usual: Callable[..., None], remarks: Any) -> Callable[..., None]:
    def save_weights(self: Any, filepath: Any, overwrite: Any = True, **kwargs: Any) -> None:
        __tracebackhide__ = True
        name = os.fspath(filepath)
        if not holds_weights_the_old_way(name):
            usual(self, filepath, overwrite=overwrite, **kwargs)
            return
        import h5py  # type: ignore[import-untyped]
        from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

        remarks.tell(KIND, "save_weights('….h5')", "save_weights('….weights.h5')")
        with h5py.File(name, "w") as file:
            save_weights_to_hdf5_group(file, self)

    return save_weights


def _load_model(usual: Callable[..., Any], losses: dict[str, Any]) -> Callable[..., Any]:
    import functools

    @functools.wraps(usual)
    def load_model(filepath: Any, custom_objects: Any = None, **kwargs: Any) -> Any:
        """Read a model; the file of an old format names losses by what they were called."""
        __tracebackhide__ = True
        if str(filepath).endswith(OLD_FILES):
            custom_objects = {**losses, **(custom_objects or {})}
        return usual(filepath, custom_objects, **kwargs)

    return load_model
