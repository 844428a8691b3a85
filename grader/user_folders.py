"""This user's folders: where they are, and whether anything can be kept in one.

Enters: the environment. Leaves: paths, why nothing can be kept. Touches: makes a folder, and a file
in it that is gone at once.

A home may be read-only, full, somebody else's, or not there at all. What lies in the cache can be
made again, so nothing of that may stop anybody: whoever keeps something there asks first.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

OURS = "rnn-grader"  # our folder in each of them
OWNERS_FOLDER, OPEN_FOLDER = 0o700, 0o755  # open: what rooms read, perhaps as another user
NOWHERE = Path(os.devnull)  # there is nothing below it, and nothing can be made there
OTHERS = stat.S_IWGRP | stat.S_IWOTH
TRIAL, OLD_SECONDS = ".trial-", 3600.0  # nothing is written for so long
TRIAL_BYTES = 1 << 16  # more than a file system keeps beside the file's name


def cache() -> Path:
    """Where programs of this user keep what can be made again."""
    return _named("XDG_CACHE_HOME", ".cache")


def data() -> Path:
    """Where programs of this user keep what cannot."""
    return _named("XDG_DATA_HOME", ".local/share")


def _named(variable: str, below_home: str) -> Path:
    """Give the folder from the root on: rooms start elsewhere, and find no other path."""
    named = os.environ.get(variable)
    try:
        return (Path(named).expanduser() if named else Path.home() / below_home).absolute()
    except RuntimeError:  # a user without an account and without HOME
        return NOWHERE / below_home


def is_ours(state: os.stat_result) -> bool:
    """Whether only we could have written to what has this state."""
    if sys.platform == "win32":
        return True
    return state.st_uid == os.geteuid() and not state.st_mode & OTHERS


def make_folder(folder: Path, mode: int = OWNERS_FOLDER) -> None:
    """Make a folder where it is missing, and those above it; no other user can write to any.

    Raises:
        OSError: it cannot be made.
    """
    for above in reversed(folder.parents):
        if not above.exists():
            above.mkdir(OPEN_FOLDER, exist_ok=True)
    folder.mkdir(mode, exist_ok=True)


def refusal(folder: Path, mode: int = OWNERS_FOLDER) -> str | None:
    """Say why nothing can be kept in a folder, which is made where it is missing; None: it can.

    Only trying tells: modes do not bind root, and a read-only disk binds everybody. A home that is
    not there is not made: whoever has none was meant to have none.
    """
    trial = folder / f"{TRIAL}{secrets.token_hex(4)}"
    try:
        _require_home(folder)
        make_folder(folder, mode)
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or not is_ours(state):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        sweep(folder, f"{TRIAL}*")
        trial.write_bytes(bytes(TRIAL_BYTES))
    except OSError as error:
        return error.strerror or type(error).__name__
    finally:
        with suppress(OSError):
            trial.unlink()
    return None


def sweep(folder: Path, pattern: str) -> None:
    """Remove what whoever was killed while writing has left under such names."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > OLD_SECONDS:
                path.unlink()


def _require_home(folder: Path) -> None:
    with suppress(RuntimeError):
        home = Path.home()
        if folder.is_relative_to(home):
            home.stat()
