"""The recurrent kernel of this machine: where it is kept, and whether it may be used.

Enters: nothing. Leaves: a Kernel, or why there is none. Touches: reads this user's cache.

What a room loads from there is machine code, so it is kept like what XLA compiled: written by us
alone (``building.py``), one folder per processor and set of versions, read-only in rooms. Without
one, or where one fails, recurrent layers are computed by Keras as ever; only slower.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader import environment, user_folders
from grader.types import GraderError, Message

SOURCES = Path(__file__).with_name("native")
ROOMS_PART = Path(__file__).parents[1] / "evaluation" / "recurrent.py"
LIBRARY, ANSWERS, TOLD = "recurrent.so", "answers.npz", "told.json"
MOST_BYTES = 64 << 20
MOST_IN_A_ROW = 2  # orders that it may fail over, one after the other
OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Level:
    """How wide the kernel computes, by what the processor has."""

    name: str
    width: int  # floats at once
    flags: tuple[str, ...]  # for the compiler
    needs: frozenset[str]  # words of /proc/cpuinfo
    gains: bool = True  # it is faster than XLA's own loops, docs/performance.md


LEVELS = (
    Level("avx512", 16, ("-mavx512f", "-mavx2", "-mfma"), frozenset({"avx512f", "avx2", "fma"})),
    Level("avx2", 8, ("-mavx2", "-mfma"), frozenset({"avx2", "fma"})),
    Level("plain", 4, (), frozenset(), gains=False),
)


@dataclass(frozen=True)
class Kernel:
    """A kernel that was built and checked here. ``version``: what keys name it by."""

    folder: Path
    version: str


class KernelFailedError(GraderError):
    """A room could not work with the kernel; without it, it may."""


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    level: Annotated[str, Field(max_length=20)]
    library: Annotated[str, Field(max_length=64)]
    answers: Annotated[str, Field(max_length=64)]


def level_of(processor: list[str]) -> Level:
    """Choose the widest level for a processor, as ``environment.processor`` tells of it."""
    has = {word for line in processor for word in line.partition(":")[2].split()}
    return next(level for level in LEVELS if level.needs <= has)


def kernel_folder() -> Path:
    """Where the kernel of this processor, these versions and these sources is."""
    parts = [sorted(environment.versions().items()), environment.processor(), sources_digest()]
    name = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return user_folders.cache() / user_folders.OURS / "kernel" / name


def sources_digest() -> str:
    """Give a digest of all that the kernel is made of."""
    paths = [*sorted(SOURCES.iterdir()), ROOMS_PART]
    return digest(b"".join(path.read_bytes() for path in paths if path.is_file()))


def digest(content: bytes) -> str:
    """Give the digest by which a file of the kernel is known again."""
    return hashlib.sha256(content).hexdigest()


def told(level: Level, library: bytes, answers: bytes) -> bytes:
    """Write down what the files of a kernel must be."""
    found = _Told(level=level.name, library=digest(library), answers=digest(answers))
    return found.model_dump_json().encode()


def find() -> Kernel | Message:
    """Give this machine's kernel, or say why there is none."""
    folder = kernel_folder()
    if not level_of(environment.processor()).gains:
        return Message("kernel.no_gain")
    try:
        if not folder.is_dir():
            others = folder.parent.is_dir() and any(folder.parent.iterdir())
            return Message("kernel.elsewhere") if others else Message("kernel.none")
    except OSError:  # nobody lets us look there
        return Message("kernel.none")
    try:
        if not _is_ours(folder.lstat(), stat.S_ISDIR):
            return Message("kernel.not_ours", {"path": str(folder)})
        said = _Told.model_validate_json(_read(folder / TOLD))
        library = digest(_read(folder / LIBRARY))
        whole = (library, digest(_read(folder / ANSWERS))) == (said.library, said.answers)
    except (OSError, ValidationError):
        whole = False
    if not whole:
        return Message("kernel.damaged", {"path": str(folder)})
    version = digest(f"{sources_digest()} {library}".encode())[:16]
    return Kernel(folder, f"{said.level} {version}")


def _read(path: Path) -> bytes:
    """Read a file that only we could write.

    Raises:
        OSError: it is another kind of file, another's, or too large.
    """
    state = path.lstat()
    if not _is_ours(state, stat.S_ISREG) or state.st_size > MOST_BYTES:
        raise PermissionError(path)
    return path.read_bytes()


def _is_ours(state: os.stat_result, kind: Callable[[int], bool]) -> bool:
    if sys.platform == "win32":  # no kernel is built there
        return False
    return kind(state.st_mode) and state.st_uid == os.geteuid() and not state.st_mode & OTHERS


class Kernels:
    """What this process computes with, until it is given up. Safe for threads.

    A room that fails with the kernel costs that order the kernel; two orders, with no training by
    the kernel in between, cost it everybody.
    """

    def __init__(self, look: Callable[[], Kernel | Message] = find) -> None:
        self._look = look
        self._given_up: Message | None = None
        self._failed: dict[str, Message] = {}
        self._in_a_row = 0
        self._lock = threading.Lock()

    def usable(self, name: Callable[[], str] = lambda: "") -> Kernel | None:
        """Give the kernel, if there is one that works.

        ``name``: gives an order's name, which is asked for where there are such as it failed over.
        """
        found = self._given_up or self._look()
        if not isinstance(found, Kernel) or (self._failed and name() in self._failed):
            return None
        return found

    def missing(self) -> Message | None:
        """Say why Keras' own loops compute, if they do."""
        found = self._given_up or self._look()
        return found if isinstance(found, Message) else None

    def failures(self) -> Message | None:
        """Say of a kernel that is still used how often it failed, if it did."""
        if self._given_up is not None or not self._failed:
            return None
        why = next(iter(self._failed.values())).args.get("why", "")
        return Message("kernel.failed_over", {"orders": len(self._failed), "why": why})

    def worked(self) -> None:
        """Take note that it trained something."""
        with self._lock:
            self._in_a_row = 0

    def failed(self, name: str, why: Message) -> None:
        """Take note of an order that could be trained without it and not with it."""
        with self._lock:
            self._in_a_row += name not in self._failed
            self._failed.setdefault(name, why)
            if self._in_a_row >= MOST_IN_A_ROW:
                self._given_up = self._given_up or why

    def give_up(self, why: Message) -> None:
        """Use no kernel in this process any more."""
        self._given_up = why


HERE = Kernels()
