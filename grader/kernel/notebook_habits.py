"""In the notebook's room: habits of Colab that must not fail only because this is not Colab.

Enters: the IPython shell. Leaves: magics and a quiet matplotlib; a callback that only writes logs
writes none where it cannot. Touches: the shell, ``keras.callbacks.TensorBoard``.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any


def _tensorflow_version(line: str) -> None:
    """Colab's switch between TensorFlow 1 and 2: only the installed one exists here."""
    print(f"TensorFlow {line.strip() or '2.x'}: the installed version is used.")  # noqa: T201


def _tensorboard(line: str) -> None:
    """Nobody looks at a TensorBoard in the grading room; starting one takes 17 seconds."""
    print(f"TensorBoard is not shown while grading: {line.strip()}")  # noqa: T201


def _has_terminals() -> bool:
    """Whether this room can make a pseudo-terminal; reduced isolation cannot."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


def _without_tensorboard() -> None:
    """Let a training with a TensorBoard callback go on where TensorBoard is not installed."""
    try:
        if importlib.util.find_spec("tensorboard") is not None:
            return
        from keras.callbacks import Callback, TensorBoard

        for name in dir(Callback):
            if name.startswith(("on_", "set_")):
                setattr(TensorBoard, name, getattr(Callback, name))
    except Exception:
        return


def install(shell: Any) -> None:
    """Register Colab's magics, let ``!`` work without a terminal, draw into the notebook."""
    _without_tensorboard()
    if not _has_terminals():
        shell.system = shell.system_raw
    shell.register_magic_function(_tensorflow_version, "line", "tensorflow_version")
    shell.register_magic_function(_tensorboard, "line", "tensorboard")
    shell.extension_manager.loaded.add("tensorboard")  # whose magic would take that one's place
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
