"""Faults of ours, kept for those who mend them.

Enters: an exception. Leaves: the name of the file with its traceback. Touches: ``OUT/faults/``.

The same fault is the same file, so a class that meets it a hundred times leaves one. What a file
says may repeat what a student wrote: it is for the instructor.
"""

from __future__ import annotations

import hashlib
import traceback
from contextlib import suppress
from pathlib import Path

from grader import __version__
from grader.record import files
from grader.types import GraderError

FOLDER = "faults"
LONGEST = 100_000  # characters: the last ones, for the cause stands at the end


def keep_fault(out: Path, error: BaseException) -> str:
    """Write a traceback where an instructor finds it; a disk that refuses is no second fault.

    Returns:
        The file's name below OUT: ``faults/3f2a….txt``.
    """
    told = "".join(traceback.format_exception(error))[-LONGEST:]
    text = f"grader {__version__}\n{told}".encode("utf-8", "replace")
    name = f"{FOLDER}/{hashlib.sha256(text).hexdigest()[:12]}.txt"
    with suppress(GraderError, OSError):
        if not (out / name).exists():
            files.write_whole(out / name, text)
    return name
