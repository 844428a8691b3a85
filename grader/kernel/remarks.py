"""In the notebook's room: what is worth a word and costs nothing, told with the student's line.

Enters: what was used, and what stands in its place. Leaves: ``grader_remark`` messages on iopub,
each remark once. Touches: the kernel's iopub. Never raises.
"""

from __future__ import annotations

import contextlib
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from grader.kernel.lacks.places import is_students
else:
    from lacks.places import is_students  # a script finds its neighbours by their bare names

LONGEST = 80  # characters of what a remark is about


class Remarks:
    """The way out for remarks, and what was said already."""

    is_students = staticmethod(is_students)

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.told: set[tuple[str, str]] = set()

    def tell(self, kind: str, what: str, instead: str = "") -> None:
        """Say once what the student used: ``old_api`` with its successor, or a ``stand_in``."""
        with contextlib.suppress(Exception):
            if (kind, what) not in self.told:
                line = students_line(sys._getframe(1))  # noqa: SLF001 - the way to a caller
                if line is not None:
                    self.told.add((kind, what))
                    self._send({"kind": kind, "what": what, "instead": instead, "line": line})

    def _send(self, content: dict[str, Any]) -> None:
        bounded = {k: v[:LONGEST] if isinstance(v, str) else v for k, v in content.items()}
        self.kernel.session.send(
            self.kernel.iopub_socket,
            "grader_remark",
            bounded,
            parent=self.kernel.get_parent(),
            ident=b"grader_remark",
        )


def students_line(frame: FrameType | None) -> int | None:
    """Give the line of the running cell; None where nothing of the student's is running."""
    line = None
    while frame is not None:
        if is_students(frame):
            line = frame.f_lineno
        frame = frame.f_back
    return line
