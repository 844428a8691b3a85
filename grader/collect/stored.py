"""Reads what lies in a folder or in a zip, down to zips within zips, by where it is.

Enters: where a file is. Leaves: its bytes. Touches: reads that file; one zip is open at a time,
with those within it.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from grader.collect.archives import Archive, open_archive
from grader.collect.notebooks import Malformed
from grader.collect.regular import open_regular, read_notebook_bytes
from grader.types import GraderError, Message

_BEGINS = 512  # bytes


@dataclass(frozen=True)
class Stored:
    """Where a file's bytes are: in a file, or at these places in a zip and in those within."""

    path: Path
    inside: tuple[int, ...] = ()

    @property
    def around(self) -> Stored:
        """The zip in which it lies."""
        return Stored(self.path, self.inside[:-1])


class OpenZips:
    """Open zips: one, with those within it down to the one that is read."""

    def __init__(self) -> None:
        self._chain: list[tuple[Stored, Archive, ExitStack]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_down_to(0)

    def archive(self, stored: Stored) -> Archive:
        """Open a zip; those that it does not lie in are closed.

        Raises:
            GraderError, Malformed: it cannot be opened.
        """
        depth = len(stored.inside)
        if len(self._chain) <= depth or self._chain[depth][0] != stored:
            around = self.archive(stored.around) if depth else None
            self._close_down_to(depth)
            with ExitStack() as stack:
                opened = stack.enter_context(_opened(stored, around))
                self._chain.append((stored, opened, stack.pop_all()))
        return self._chain[depth][1]

    def _close_down_to(self, depth: int) -> None:
        while len(self._chain) > depth:
            self._chain.pop()[2].close()

    def read(self, stored: Stored) -> bytes:
        """Read a file.

        Raises:
            Malformed: a link, a special file, too large, damaged.
            OSError: missing, forbidden, unreadable.
        """
        if not stored.inside:
            return read_notebook_bytes(stored.path)
        archive = self.archive(stored.around)
        entry = archive.entries[stored.inside[-1]]
        if entry.problem:
            raise Malformed(entry.problem)
        return archive.read(entry)

    def begins(self, stored: Stored) -> bytes:
        """Read the first bytes of a file; none where it cannot be read."""
        if not stored.inside:
            try:
                with open_regular(stored.path) as opened:
                    return opened.read(_BEGINS)
            except (OSError, Malformed):
                return b""
        archive = self.archive(stored.around)
        entry = archive.entries[stored.inside[-1]]
        return b"" if entry.problem else archive.begins(entry, _BEGINS)


def _opened(stored: Stored, around: Archive | None) -> AbstractContextManager[Archive]:
    if around is None:
        return open_archive(stored.path)
    entry = around.entries[stored.inside[-1]]
    if entry.problem:
        raise Malformed(entry.problem)
    return around.within(entry, entry.path)


def read_again(stored: Stored, digest: str) -> bytes:
    """Read a file that was handed in beside a notebook, as it was when it was collected.

    Raises:
        GraderError: it cannot be read any more, or it is another one.
    """
    try:
        with OpenZips() as zips:
            data = zips.read(stored)
    except (Malformed, OSError, IndexError) as error:
        raise GraderError(Message("collect.file_gone", {"path": str(stored.path)})) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise GraderError(Message("collect.file_gone", {"path": str(stored.path)}))
    return data
