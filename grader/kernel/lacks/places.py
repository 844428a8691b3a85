"""In the notebook's room: where an exception was raised, and by whose code.

Enters: an exception. Leaves: answers. Touches nothing.
"""

from __future__ import annotations

import dis
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

MOST_CAUSES = 20


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give an exception and those that it came from."""
    one: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def is_students(frame: FrameType) -> bool:
    """Whether a frame is of a cell, of a function defined in one, or of a file beside them."""
    if frame.f_globals.get("get_ipython") is not None and "In" in frame.f_globals:
        return True
    file = frame.f_code.co_filename.replace("\\", "/")
    return file.startswith(f"{Path.cwd().as_posix()}/") and "/site-packages/" not in file


def innermost(error: BaseException) -> TracebackType | None:
    """Give the end of the traceback: what raised."""
    end = error.__traceback__
    while end is not None and end.tb_next is not None:
        end = end.tb_next
    return end


def file_of(error: BaseException) -> str:
    """Give the file whose code raised, with forward slashes; "" where nobody knows."""
    end = innermost(error)
    return end.tb_frame.f_code.co_filename.replace("\\", "/") if end is not None else ""


def in_students_code(error: BaseException) -> bool:
    """Whether a line of the student's raised, and no library below it."""
    end = innermost(error)
    return end is not None and is_students(end.tb_frame)


def raised_on_purpose(error: BaseException) -> bool:
    """Whether the student's own ``raise`` or ``assert`` made the exception."""
    end = innermost(error)
    if end is None or not is_students(end.tb_frame):
        return False
    return dis.opname[end.tb_frame.f_code.co_code[end.tb_lasti]] in ("RAISE_VARARGS", "RERAISE")


def students_names(error: BaseException) -> set[str]:
    """Give what the innermost code of the student's mentions."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if is_students(frame)]
    return {*frames[-1].f_code.co_names, *frames[-1].f_code.co_varnames} if frames else set()
