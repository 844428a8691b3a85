"""Entries of XLA's cache: which files are some, whether one is whole, how one is written.

Enters: paths and bytes. Leaves: paths, whether JAX could read an entry to its end. Touches: these
files.

JAX writes an entry straight under its name and never looks whether it came to its end: a full disk
or a killed room leaves half of one, or an empty file. JAX never writes it anew, but warns with
every program that needs it, and a notebook that turns warnings into errors fails by it.
"""

from __future__ import annotations

import importlib
import os
import secrets
import stat
import zlib
from contextlib import suppress
from pathlib import Path

from grader import user_folders

MOST_BYTES = 64 << 20
ZSTANDARD = bytes.fromhex("28b52ffd")  # how what it compressed begins
_TIMES = "-atime"  # as JAX calls the files that say when an entry was last read
_MODE = 0o644  # rooms read it, perhaps as another user


def entries_in(folder: Path) -> list[Path]:
    """Give what JAX could take for a program; not what is still being written.

    Raises:
        OSError: there is no such folder, or it cannot be read.
    """
    found = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in found if not path.name.endswith(_TIMES))


def is_sound(path: Path) -> bool:
    """Whether an entry of ours is whole, and only we could have written it."""
    try:
        return user_folders.is_ours(path.lstat()) and content_of(path) is not None
    except OSError:
        return False


def content_of(path: Path) -> bytes | None:
    """Read an entry; None where it is no file, too large, or JAX could not read it to its end.

    Raises:
        OSError: it cannot be read.
    """
    state = path.lstat()
    if not stat.S_ISREG(state.st_mode) or state.st_size > MOST_BYTES:
        return None
    content = path.read_bytes()
    return content if _can_be_read(content) else None


def write(path: Path, content: bytes) -> None:
    """Write an entry whole, or not at all, whoever else writes the same one.

    Raises:
        OSError: the disk refuses.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with new.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut leaves the name without the content
        new.chmod(_MODE)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _can_be_read(content: bytes) -> bool:
    """Whether it can be decompressed, as JAX does: by Zstandard where it is installed, or zlib."""
    if content.startswith(ZSTANDARD):
        return _is_whole_zstandard(content)
    try:
        zlib.decompress(content)
    except zlib.error:
        return False
    return True


def _is_whole_zstandard(content: bytes) -> bool:
    for name in ("compression.zstd", "zstandard"):  # Python's own from 3.14 on, as JAX looks
        with suppress(ImportError):
            zstandard = importlib.import_module(name)
            try:
                zstandard.decompress(content)
            except zstandard.ZstdError:
                return False
            return True
    return False
