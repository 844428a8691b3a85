"""What a worker on another machine does with a portion of a batch.

Enters: payloads, common files. Leaves: the bytes of each result, as it becomes done. Touches: a
folder for the common files in the user's cache, a lock for the core that it works on.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from grader import environment, user_folders
from grader.locks import lock
from grader.pipeline.runner import Slot, There

COMMON, CORES = "common", "cores"  # folders that workers share
LOOK_SECONDS = 0.2
OLD_SECONDS = 14 * 24 * 3600.0


def done_there(
    there: There, hidden: Sequence[Path], common_files: bytes, payloads: Sequence[object]
) -> Iterator[bytes]:
    """Open the work once, then do payload after payload on a core of its own."""
    with suppress(OSError):  # only root may; others start their cluster with RAY_worker_niceness=0
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    shared = base()
    folder = unpacked(common_files, shared / COMMON)
    with core(shared / CORES) as slot, there.open(folder, hidden) as do:
        for payload in payloads:
            yield do(payload, slot)


def base() -> Path:
    """Where workers of this user keep what they share: the cache, else a folder of this machine's.

    In a temporary folder of its own a worker would not see which cores the others have.
    """
    usual = user_folders.cache() / user_folders.OURS
    if all(user_folders.refusal(usual / name) is None for name in (COMMON, CORES)):
        return usual
    shared = Path(tempfile.gettempdir()) / f"{user_folders.OURS}-{os.geteuid()}"
    if user_folders.refusal(shared) is None:
        return shared
    return Path(tempfile.mkdtemp(prefix=f"{user_folders.OURS}-"))


def unpacked(common_files: bytes, parent: Path) -> Path:
    """Unpack common files unless they are there: once per machine, whole or not at all.

    The folder is named by the content, and belongs to the user alone.
    """
    user_folders.make_folder(parent)
    folder = parent / hashlib.sha256(common_files).hexdigest()[:32]
    if not folder.is_dir():
        _sweep(parent)
        new = parent / f".{secrets.token_hex(8)}"
        try:
            with tarfile.open(fileobj=io.BytesIO(common_files)) as tar:
                tar.extractall(new, filter="data")
            with suppress(OSError):  # somebody else was faster
                new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    os.utime(folder)
    return folder


def _sweep(parent: Path) -> None:
    """Remove what nobody asked for in two weeks."""
    for folder in parent.iterdir():
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > OLD_SECONDS:
                shutil.rmtree(folder)


@contextmanager
def core(parent: Path) -> Iterator[Slot]:
    """Have one of this machine's cores to oneself; wait where all are taken.

    A cluster's own count of cores says how many, not which, and pins nothing. A lock belongs to
    whoever holds it, so a worker that dies gives its core back. Where the disk knows no locks, each
    takes one by chance.
    """
    user_folders.make_folder(parent)
    while True:
        for number in environment.cores():
            handle = os.open(parent / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                mine = lock(handle)
            except OSError:
                mine, number = True, secrets.choice(environment.cores())  # noqa: PLW2901
            if not mine:
                os.close(handle)
                continue
            try:
                yield Slot((number,))
            finally:
                os.close(handle)
            return
        time.sleep(LOOK_SECONDS)
