"""Prints what packages take on the disk, and what each brings along that was not there before.

    python tools/installed-size.py BASE… -- PACKAGE…

BASE are packages that are there anyway, with all that they need. Enters: what is installed beside
this Python. Leaves: a line per package, in MB (1,000,000 bytes) of its files as they were shipped,
without what Python compiled of them. Touches nothing.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

COMPILED = ".pyc"
MB = 1_000_000


def size_of(name: str) -> int:
    """Give the bytes of an installed package's files."""
    files = metadata.files(name) or []
    paths = [Path(str(file.locate())) for file in files if file.suffix != COMPILED]
    return sum(path.stat().st_size for path in paths if path.is_file())


def with_needs(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """Give a package and all that it needs and that is installed, by their usual names."""
    usual = canonicalize_name(name)
    if usual in seen:
        return seen
    try:
        needs = metadata.requires(usual) or []
    except metadata.PackageNotFoundError:
        return seen
    seen |= {usual}
    for need in map(Requirement, needs):
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            seen = with_needs(need.name, seen)
    return seen


def main() -> None:
    """Print the table for the packages of the command line."""
    between = sys.argv.index("--")
    there: frozenset[str] = frozenset()
    for name in sys.argv[1:between]:
        there = with_needs(name, there)
    print(f"{sum(map(size_of, there)) / MB:8.1f} MB there already: {len(there)} packages")
    for name in sys.argv[between + 1 :]:
        brought = with_needs(name) - there
        there |= brought
        size = sum(map(size_of, brought)) / MB
        print(f"{size:8.1f} MB {name}: {', '.join(sorted(brought)) or 'nothing new'}")


if __name__ == "__main__":
    main()
