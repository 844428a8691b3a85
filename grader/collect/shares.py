"""How much is opened and looked through while a batch is listed: a share each, a bound for all.

Enters: where a file lies. Leaves: whether it may still be opened, looked at or read. Touches
nothing.

A share is one student's as far as paths tell before anybody is known: the first folder or file
below what lies around everything. So one student's many files close nobody else's, and all that
many students hand in is bounded still.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MAX_OPENED = 500  # zips of one share, with those within them
MAX_OPENED_BYTES = 4 * 2**30  # of these
MAX_LOOKED = 20_000  # files of which the beginning is read, for a notebook under another name
MAX_READ_BYTES = 256 * 2**20  # of those among them that are read whole
ALL_OPENED = 20_000
ALL_OPENED_BYTES = 64 * 2**30
ALL_LOOKED = 400_000
ALL_READ_BYTES = 4 * 2**30
# What is told of a zip that is too much.
ZIPS = {
    "collect.nested_too_many": {"limit": MAX_OPENED},
    "collect.nested_too_many_in_all": {"limit": ALL_OPENED, "gigabytes": ALL_OPENED_BYTES // 2**30},
}


@dataclass
class Spent:
    """What one share has used, or all together."""

    opened: int = 0
    opened_bytes: int = 0
    looked: int = 0
    read_bytes: int = 0


@dataclass
class Shares:
    """What was used, by whose it is; ``depth`` folders and zips lie around everything."""

    depth: int = 0
    together: Spent = field(default_factory=Spent)
    of: dict[PurePosixPath, Spent] = field(default_factory=dict)
    told: set[PurePosixPath] = field(default_factory=set)

    def around(self, paths: Iterable[PurePosixPath], below: PurePosixPath | None = None) -> None:
        """Learn what lies in a path, or in a zip that all else lies in.

        Args:
            paths: of everything in it, relative to what was given.
            below: the zip; None for the given path.
        """
        if below is not None and len(below.parts) != self.depth:
            return  # others lie beside it
        shared: tuple[str, ...] | None = None
        for path in paths:
            parts = path.parts
            if shared is None:
                shared = parts
                continue
            length = min(len(shared), len(parts))
            same = next((n for n in range(length) if shared[n] != parts[n]), length)
            shared = shared[:same]
        self.depth = max(self.depth, len(shared or ()))

    def may_open(self, path: PurePosixPath, size: int) -> str:
        """Count a zip that is to be opened, unless there are too many; "" or why it may not be."""
        mine, every = self._of(path), self.together
        if mine.opened >= MAX_OPENED or mine.opened_bytes + size > MAX_OPENED_BYTES:
            return "collect.nested_too_many"
        if every.opened >= ALL_OPENED or every.opened_bytes + size > ALL_OPENED_BYTES:
            return "collect.nested_too_many_in_all"
        for spent in (mine, every):
            spent.opened += 1
            spent.opened_bytes += size
        return ""

    def may_look(self, path: PurePosixPath) -> bool:
        """Count a file of which the beginning is to be read, unless there are too many."""
        mine, every = self._of(path), self.together
        if mine.looked >= MAX_LOOKED or every.looked >= ALL_LOOKED:
            return False
        for spent in (mine, every):
            spent.looked += 1
        return True

    def may_read(self, path: PurePosixPath, size: int) -> bool:
        """Count a file that is to be read whole, unless they are too large together."""
        mine, every = self._of(path), self.together
        if mine.read_bytes + size > MAX_READ_BYTES or every.read_bytes + size > ALL_READ_BYTES:
            return False
        for spent in (mine, every):
            spent.read_bytes += size
        return True

    def is_news(self, path: PurePosixPath) -> bool:
        """Whether nothing was said of this share yet; from now on there was."""
        key = self._key(path)
        news = key not in self.told
        self.told.add(key)
        return news

    def _of(self, path: PurePosixPath) -> Spent:
        return self.of.setdefault(self._key(path), Spent())

    def _key(self, path: PurePosixPath) -> PurePosixPath:
        return PurePosixPath(*path.parts[: self.depth + 1])
