"""Flushes what was written, for many files at once and while work goes on.

Enters: a folder, and a word whenever something was written below it. Leaves: nothing. Touches: the
disk of that folder, at most once a second, in a thread.

A killed grader loses nothing that was written; a power cut may cost the results of the last second,
which are then graded again. Flushing each file by itself took longer than grading it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path

PAUSE = 1.0  # seconds of results that a power cut may cost


class Flusher:
    """Knows whether there is anything to flush."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._flushing = threading.Lock()
        self._waiting: threading.Timer | None = None
        self._failed: OSError | None = None

    def wrote(self) -> None:
        """Note that something was written: it will be flushed within a second.

        Raises:
            OSError: what was written before could not be flushed.
        """
        with self._guard:
            failed, self._failed = self._failed, None
            if self._waiting is None:
                self._waiting = threading.Timer(PAUSE, self._in_time)
                self._waiting.daemon = True
                self._waiting.start()
        if failed is not None:
            raise failed

    def finish(self) -> None:
        """Flush now what was not flushed yet.

        Raises:
            OSError: the disk refuses, or refused before.
        """
        with self._flushing:  # one that is under way ends first, and its error is known then
            with self._guard:
                failed, self._failed = self._failed, None
                waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting.cancel()
                flush_all(self._folder)
        if failed is not None:
            raise failed

    def _in_time(self) -> None:
        with self._flushing:
            with self._guard:
                self._waiting = None  # what is written from now on is flushed next time
            try:
                flush_all(self._folder)
            except OSError as error:
                with self._guard:
                    self._failed = error


def flush_all(folder: Path) -> None:
    """Flush everything that was written to the disk of a folder, where the system can.

    Raises:
        OSError: the disk refuses.
    """
    if sys.platform != "linux":
        if hasattr(os, "sync"):
            os.sync()
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(handle)
