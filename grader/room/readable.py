"""What every room may read: the interpreter, its packages and the system's libraries.

Enters: nothing but this process. Leaves: paths. Touches: reads link targets.

An allow-list. The repository, home folders, /var, /run, /srv and /mnt are not on it, and of /etc
only what the dynamic linker, fonts and clocks need. Of the interpreter's prefix only its own parts:
whoever makes a virtual environment in the course's folder has the course below that prefix.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

# /etc/alternatives holds links only: libblas.so.3, and half of /usr/bin.
_SYSTEM = (
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share/fontconfig",
    "/usr/share/fonts",
    "/usr/share/locale",
    "/usr/share/terminfo",
    "/usr/share/zoneinfo",
    "/usr/local/cuda",
    "/usr/local/nvidia",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
)
# Of a prefix: programs, packages and libraries; the rest is what conda lays beside them.
_OF_PREFIX = (
    "bin",
    "lib",
    "lib32",
    "lib64",
    "pyvenv.cfg",
    "etc/fonts",
    "fonts",
    "nvvm",
    "share/fontconfig",
    "share/fonts",
    "share/locale",
    "share/terminfo",
    "share/zoneinfo",
    "targets",
)
_TOP_LEVEL = ("/bin", "/lib", "/lib32", "/lib64")  # links into /usr, folders on older systems


@functools.cache
def readable_paths() -> tuple[Path, ...]:
    """Folders and files that exist here and that a program needs to run."""
    paths = [Path(p) for p in _SYSTEM if Path(p).exists()]
    paths += [Path(p) for p in _TOP_LEVEL if Path(p).is_dir() and not Path(p).is_symlink()]
    for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix):
        paths += _prefix_paths(Path(prefix))
    paths += package_folders()
    paths += [hop for hop in link_chain(Path(sys.executable)) if not _covered(hop, paths)]
    kept: list[Path] = []
    for path in paths:
        if not _covered(path, kept):
            kept.append(path)
    return tuple(kept)


def top_level_links() -> tuple[tuple[str, str], ...]:
    """Links such as /lib64 → usr/lib64, as (target, link)."""
    return tuple((str(Path(p).readlink()), p) for p in _TOP_LEVEL if Path(p).is_symlink())


def link_chain(path: Path) -> list[Path]:
    """A path and every target on the way to the real file: .venv/bin/python → … → python3.11."""
    chain = [path]
    while path.is_symlink():
        path = Path(os.path.normpath(path.parent / path.readlink()))
        chain.append(path)
    if path.resolve() != path:
        chain.append(path.resolve())
    return chain


def package_folders() -> list[Path]:
    """Where packages are imported from: Debian keeps them outside the interpreter's prefix.

    By their name, since ``sys.path`` may also name a folder with somebody's sources.
    """
    folders = [Path(entry) for entry in sys.path]
    named = [path for path in folders if path.name in ("site-packages", "dist-packages")]
    return [path for path in named if path.is_dir()]


def _prefix_paths(prefix: Path) -> list[Path]:
    """What belongs to a Python installation, under the prefix's own name and its real one."""
    if prefix == Path("/usr"):
        return []
    names = dict.fromkeys((prefix, prefix.resolve()))
    return [path for name in names for part in _OF_PREFIX if (path := name / part).exists()]


def _covered(path: Path, by: list[Path]) -> bool:
    return any(path.is_relative_to(parent) for parent in by)
