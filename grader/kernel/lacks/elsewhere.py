"""In the notebook's room: folders of the computer on which a notebook was written.

Enters: a path, or an exception about one. Leaves: the folder that this machine has not. Touches:
looks whether a folder is there.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath

WINDOWS = re.compile(r"([A-Za-z]:)[\\/]+([^\\/]*)")
PATHS = re.compile(r"\b[A-Za-z]:[\\/][^'\"\n]*|(?<![\w.:/~])/[^\s'\",:;()]+")
GONE = re.compile(r"not found|no such|not exist|non-?existent", re.IGNORECASE)  # of a ValueError
PEOPLES = frozenset({"Users", "Volumes", "home", "media", "mnt"})  # hold a folder for each
CLOUDS = frozenset({"content", "gdrive", "kaggle"})  # Colab's and Kaggle's own


def root_elsewhere(path: str) -> str | None:
    r"""Give the beginning of a path of another machine: ``C:\Users``, ``/content``, ``/home/kim``.

    None where that is here, and for a lone name at the root, which may be a slip of the keyboard.
    """
    if found := WINDOWS.match(path):
        return None if os.name == "nt" else f"{found[1]}\\{found[2]}"
    _, *names = PurePosixPath(path).parts or ("",)
    if not path.startswith("/") or not names:
        return None
    count = 2 if names[0] in PEOPLES else 1
    if len(names) < count or (len(names) == 1 and names[0] not in CLOUDS):
        return None
    root = str(PurePosixPath("/", *names[:count]))
    return None if is_here(root) else root


def is_here(folder: str) -> bool:
    """Whether this machine has a folder."""
    return os.path.exists(folder)  # noqa: PTH110 - which raises for odd names


def folder_elsewhere(error: Exception) -> str | None:
    """Give the folder of another machine that an exception is about."""
    if not isinstance(error, OSError) and not (
        isinstance(error, ValueError) and GONE.search(str(error))
    ):
        return None
    named = str(error.filename or "") if isinstance(error, OSError) else ""
    paths = [named] if named else PATHS.findall(str(error))
    return next(filter(None, map(root_elsewhere, paths)), None)
