"""Files that are there whole or not at all.

Enters: paths and bytes. Leaves: nothing. Touches: the disk.

A file is written beside its place, then renamed: a reader sees the old content or the new, never
half of it. A killed process loses nothing that was renamed; only a power cut can, so that flushing
may wait and be done for many files at once. What the disk refuses becomes one clear sentence.

What is kept is for its owner alone, whatever the umask: folders 0700, files 0600. A folder that is
there already keeps its rights; what is made in it is closed all the same.

The lock says that one grader at a time writes to a folder; the system lets go of it when the
process ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.locks import lock
from grader.plain_files import TooLongError, read_within
from grader.types import GraderError, Message

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC})
OWNERS_FOLDER, OWNERS_FILE = 0o700, 0o600
_FOLDER, _FILE = 0o777, 0o666  # as far as the umask lets
_REFUSED = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a GraderError about ``path``."""
    try:
        yield
    except OSError as error:
        where = {"path": str(path)}
        if error.errno in _FULL:
            raise GraderError(Message("record.disk_full", where)) from error
        if error.errno in _REFUSED:
            raise GraderError(Message("record.unwritable", where)) from error
        reason = error.strerror or type(error).__name__
        raise GraderError(Message("record.disk", where | {"error": reason})) from error


def write_whole(path: Path, data: bytes, *, durably: bool = False, shared: bool = False) -> None:
    """Replace a file atomically, making its folder where needed; ``durably``: and flush it.

    ``shared``: with the usual rights, for what somebody asked to have elsewhere.

    Raises:
        GraderError: the disk is full, or the folder cannot be written.
    """
    with disk_errors(path):
        new = make_folders(path.parent, _FOLDER if shared else OWNERS_FOLDER)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            write_new(temporary, data, durably=durably, mode=_FILE if shared else OWNERS_FILE)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            for folder in new:  # removed only where still empty
                with suppress(OSError):
                    folder.rmdir()
            raise
        if durably:
            sync_folder(path.parent)
        if durably and new:
            sync_folder(path.parent.parent)


def sweep(folder: Path, names: Collection[str] = ()) -> None:
    """Remove what a killed process left beside the files that it wrote whole into a folder.

    Args:
        folder: to look into; one that is not there holds nothing.
        names: of files that are written there; none means all of them.
    """
    with suppress(OSError):
        for path in list(folder.iterdir()):
            match = _TEMPORARY.fullmatch(path.name)
            if match and (not names or match["name"] in names):
                with suppress(OSError):
                    path.unlink()


def write_new(path: Path, data: bytes, *, durably: bool = False, mode: int = OWNERS_FILE) -> None:
    """Write a new file; the caller renames it into place."""
    with open(path, "xb", opener=opened_with(mode)) as file:
        file.write(data)
        if durably:
            file.flush()
            os.fsync(file.fileno())


def opened_with(mode: int = OWNERS_FILE) -> Callable[[str, int], int]:
    """Give an opener for ``open`` that makes files with these rights."""
    return lambda path, flags: os.open(path, flags, mode)


def read_at_most(path: Path, most: int) -> bytes:
    """Read a file that we wrote.

    Raises:
        OSError: missing, unreadable, or longer than anything we write.
    """
    with path.open("rb") as file:
        try:
            return read_within(file, most)
        except TooLongError as error:
            raise OSError(str(error)) from error


def add_line(path: Path, line: bytes) -> int:
    """Add a line to a file, made where needed with its folder; how many lines it had before."""
    if not path.parent.is_dir():
        make_folders(path.parent)
    with open(path, "ab+", opener=opened_with()) as file:
        file.seek(0)
        before = file.read(2**20).count(b"\n")
        file.write(line)
    return before


def make_folders(folder: Path, mode: int = OWNERS_FOLDER) -> list[Path]:
    """Make a folder and its parents; the ones that were missing, innermost first."""
    try:
        folder.mkdir(mode)
    except FileExistsError:
        if folder.is_dir():
            return []
        raise
    except FileNotFoundError:
        return _make_deep(folder, mode)
    return [folder]


def _make_deep(folder: Path, mode: int) -> list[Path]:
    missing = [folder] if not folder.exists() else []
    while missing and not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(mode, exist_ok=True)
    return missing


def open_to_others(folder: Path) -> bool:
    """Whether anybody but the owner may look into a folder."""
    try:
        return sys.platform != "win32" and bool(folder.stat().st_mode & 0o077)
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network disks cannot
            raise
    finally:
        os.close(handle)


def take_lock(path: Path) -> int | None:
    """Lock a file without waiting; None where another process holds it. Close the handle to let go.

    Raises:
        GraderError: the file cannot be made, or the disk it lies on has no locks.
    """
    with disk_errors(path.parent):
        make_folders(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, OWNERS_FILE)
    try:
        if lock(handle):
            return handle
    except OSError as error:
        os.close(handle)
        told = {"path": str(path.parent), "error": error.strerror or type(error).__name__}
        raise GraderError(Message("record.no_locks", told)) from error
    os.close(handle)
    return None


def swap_folder(new: Path, target: Path) -> None:
    """Rename a finished folder into its place; what was there is removed afterwards."""
    old = target.with_name(f".old-{secrets.token_hex(4)}")
    with suppress(FileNotFoundError):
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
