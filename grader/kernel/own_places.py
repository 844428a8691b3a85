r"""In the notebook's room: callbacks that write to a folder of another computer write beside it.

Enters: Keras' callbacks, remarks. Leaves: ones that take a path of this machine in the place of a
path that it has not. Touches: how those callbacks are made.

A checkpoint on Google Drive or in ``C:\Users`` would end ``fit`` after its first epoch, and with
it a training that is worth far more than the line which names the folder.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from grader.kernel.lacks.elsewhere import root_elsewhere
else:
    from lacks.elsewhere import root_elsewhere  # a script finds its neighbours by their bare names

ELSEWHERE = "elsewhere"
WRITING = {  # and how their first argument is called, which is where
    "ModelCheckpoint": "filepath",
    "CSVLogger": "filename",
    "TensorBoard": "log_dir",
    "BackupAndRestore": "backup_dir",
}


def install(remarks: Any) -> None:
    """Let Keras' callbacks write beside the notebook what cannot be written elsewhere."""
    with contextlib.suppress(Exception):
        callbacks = importlib.import_module("keras.callbacks")
        for name, argument in WRITING.items():
            kind = getattr(callbacks, name)
            kind.__init__ = made_here(kind.__init__, name, argument, remarks)


def made_here(usual: Callable[..., None], name: str, argument: str, remarks: Any) -> Any:
    """Make a callback's ``__init__`` of the usual one."""

    def here(path: Any) -> Any:
        text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
        if not isinstance(text, str) or root_elsewhere(text) is None:
            return path
        beside = text.replace("\\", "/").rstrip("/").rpartition("/")[2] or argument
        remarks.tell(ELSEWHERE, name, beside)
        return beside

    @functools.wraps(usual)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it is one
        __tracebackhide__ = True
        if args:
            args = (here(args[0]), *args[1:])
        elif argument in kwargs:
            kwargs[argument] = here(kwargs[argument])
        usual(self, *args, **kwargs)

    return __init__
