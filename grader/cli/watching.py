"""Looks for saved notebooks: ``grader check --watch``.

Enters: notebooks and folders. Leaves: a turn at once and after every save. Touches: asks for the
files' times twice a second, which any file system can tell, a network's too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

SECONDS = 0.5
SUFFIXES = frozenset({".ipynb", ".py"})
MOST = 1000  # files of a folder

State: TypeAlias = Mapping[Path, tuple[int, int]]  # time of the last change in ns, bytes


def each_save(
    paths: Sequence[Path], sleep: Callable[[float], object] = time.sleep
) -> Iterator[None]:
    """Give a turn now, and one more whenever a file was saved, also during the turn before.

    A file that is being replaced is waited for: it is saved when nothing has changed for a moment.

    Args:
        paths: notebooks, and folders of them.
        sleep: waits so many seconds.
    """
    before = state_of(paths)
    yield
    while True:
        sleep(SECONDS)
        now = state_of(paths)
        if now and now != before:
            sleep(SECONDS)
            if state_of(paths) == now:
                before = now
                yield


def state_of(paths: Sequence[Path]) -> State:
    """Give time and size of every file that is there."""
    state = {}
    for path in _files(paths):
        with contextlib.suppress(OSError):
            status = path.stat()
            state[path] = (status.st_mtime_ns, status.st_size)
    return state


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = (one for one in path.rglob("*") if one.suffix in SUFFIXES)
        yield from (one for one, _ in zip(inside, range(MOST), strict=False))
