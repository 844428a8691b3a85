"""In the notebook's room: the student's own files, handed in beside the notebook.

Enters: a read-only folder of files. Leaves: copies of them in the working directory, where the
notebook may write. Touches: the working directory.

What is there already, the course's data, stays. Nothing is run or imported here.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path


def install(folder: Path) -> None:
    """Put a copy of every file where the notebook looks for it."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = Path.cwd() / file.relative_to(folder)
        with contextlib.suppress(OSError):  # a name that this file system refuses
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() and not place.is_symlink():
                shutil.copyfile(file, place)
