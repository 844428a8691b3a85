"""In the notebook's room: ``keras.Sequential``, watched where it makes a model of its layers.

Enters: the class. Leaves: a report of layers that do not fit together. Touches: its method that
joins them (wrapped), which ``Sequential(...)`` and ``add`` call. That is Keras' own affair: where
there is none, there is no report.

What ``Sequential(...)`` raised an error over no variable holds, and its layers say what was meant
all the same. Where a variable does, after ``add``, it is seen again when the cell has ended.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any

from .watching import Probe

JOINS = "_maybe_rebuild"


def watch_sequential(probe: Probe, cls: Any) -> None:
    """Wrap what joins the layers of ``keras.Sequential``; ``__init__`` itself is read by Keras."""
    original = getattr(cls, JOINS, None)
    if original is None:
        return

    @functools.wraps(original)
    def join(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a student's traceback shows the student's lines
        try:
            return original(self, *args, **kwargs)
        except Exception:
            with contextlib.suppress(Exception):
                probe.could_not_make(self)
            raise

    setattr(cls, JOINS, join)
