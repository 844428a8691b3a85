"""The end of what a program writes, kept in memory: nothing of it lies on a disk.

Enters: bytes, on a pipe whose writing end a program has. Leaves: the last of them as text.
Touches: that pipe.

A file would grow with whatever a notebook writes past its kernel, on the host's disk.
"""

from __future__ import annotations

import contextlib
import os
from typing import Self

KEPT_BYTES = 2000
_AT_ONCE = 1 << 20  # at most so much in one look: a program that writes without end must wait


class LastWords:
    """A pipe and the end of what came through it. Who writes more than it holds waits for us."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._kept = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._reading)
        os.close(self.writing)

    def listen(self) -> None:
        """Take what has come, without waiting."""
        taken = 0
        with contextlib.suppress(BlockingIOError):
            while taken < _AT_ONCE and (part := os.read(self._reading, 1 << 16)):
                taken += len(part)
                self._kept = (self._kept + part)[-KEPT_BYTES:]

    def text(self) -> str:
        """Give the last that came."""
        self.listen()
        return self._kept.decode("utf-8", "replace").strip()
