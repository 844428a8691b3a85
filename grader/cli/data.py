"""The commands about data sets: what there is, get the real ones, are they sound.

Enters: names of data sets. Leaves: a table, files in the cache, an exit code. Touches: stdout, the
network (``fetch`` alone), the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from grader.cli.course import open_course, open_words
from grader.cli.printing import console
from grader.course.data import (
    CACHE,
    SHIPPED,
    Beside,
    DataSet,
    Origin,
    data_sets,
    is_here,
    is_sound,
    verified,
)
from grader.text.numbers import number
from grader.text.words import Words
from grader.types import GraderError, Message, Scalar

if TYPE_CHECKING:
    from http.client import HTTPResponse

ALL_SOUND, SOME_NOT = 0, 1
MISSING, DAMAGED = "datasets.missing", "datasets.damaged"
SOUND, UNCHECKED = "datasets.sound", "datasets.unchecked"
WHERE = {SHIPPED: "datasets.shipped", CACHE: "datasets.cache"}
HEADINGS = (
    "datasets.dataset",
    "datasets.origin",
    "datasets.where",
    "datasets.size",
    "datasets.state",
    "datasets.licence",
)
SECONDS = 30.0  # without a byte
LARGEST = 1 << 30
PIECE = 1 << 20


def run_list(lang: str | None) -> int:
    """Print every data set with its possible origins."""
    sets, words = _opened(lang)
    _print(sets, words)
    return ALL_SOUND


def run_verify(lang: str | None) -> int:
    """Check every file that is here; 1 where one is not what it should be."""
    sets, words = _opened(lang)
    _print(sets, words)
    origins = [origin for one in sets for origin in one.origins]
    states = [state_of(origin) for origin in origins]
    states += [_state_beside(one) for origin in origins for one in origin.beside]
    return SOME_NOT if DAMAGED in states else ALL_SOUND


def run_fetch(names: Sequence[str], url: str | None, lang: str | None) -> int:
    """Download the real files of data sets into the cache.

    Raises:
        GraderError: no such data set, no network, or the file is not what it should be.
    """
    sets, words = _opened(lang)
    known = {one.name: one for one in sets}
    for name in names or tuple(known):
        if name not in known:
            args = {"dataset": name, "known": ", ".join(known)}
            raise GraderError(Message("datasets.unknown", args))
    wanted = [known[name] for name in names or known]
    origins = [origin for one in wanted for origin in one.origins if origin.where == CACHE]
    if url is not None and len(origins) != 1:
        raise GraderError(Message("datasets.one_url"))
    for origin in origins:
        there = state_of(origin) == SOUND
        if not there:
            fetch(origin, url or origin.url or "")
        _tell_got(origin, words, there=there)
        for one in origin.beside:
            there = is_sound(one)
            if not there:  # at a mirror it lies where the other file does
                fetch(one, urljoin(url, one.file) if url else one.url)
            _tell_got(one, words, there=there)
    return ALL_SOUND


def _tell_got(file: Origin | Beside, words: Words, *, there: bool) -> None:
    key = "datasets.there" if there else "datasets.fetched"
    console().print(words(key, file=file.file, path=str(file.path)), soft_wrap=True)


def fetch(wanted: Origin | Beside, url: str) -> None:
    """Download one file; it appears in the cache whole and checked, or not at all.

    Raises:
        GraderError: it cannot be had or kept, or its size or checksum differ.
    """
    folder = wanted.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".fetching-")
    except OSError as error:
        told: dict[str, Scalar] = {"path": str(folder), "why": error.strerror or repr(error)}
        raise GraderError(Message("datasets.not_kept", told)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            got = _copied(url, file.write)
        if not _is_it(wanted, got):
            args: dict[str, Scalar] = {"url": url, "size": got.size, "sha256": got.sha256}
            raise GraderError(Message("datasets.other_file", args))
        Path(name).replace(wanted.path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        args = {"url": url, "reason": str(reason), "path": str(wanted.path)}
        raise GraderError(Message("datasets.no_download", args)) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


@dataclass(frozen=True)
class _Got:
    """What a download was."""

    sha256: str
    md5: str
    size: int


def _is_it(wanted: Origin | Beside, got: _Got) -> bool:
    if isinstance(wanted, Beside):
        return wanted.md5 == got.md5
    return wanted.sha256 in (None, got.sha256) and wanted.size in (None, got.size)


def _copied(url: str, write: Callable[[bytes], object]) -> _Got:
    """Copy what an address gives; give its digests and size."""
    digest, older, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    answer: HTTPResponse
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 the schema is checked where it is read
        while piece := answer.read(PIECE):
            size += len(piece)
            if size > LARGEST:
                raise ValueError(f"more than {LARGEST} bytes")
            digest.update(piece)
            older.update(piece)
            write(piece)
    return _Got(digest.hexdigest(), older.hexdigest(), size)


def _opened(lang: str | None) -> tuple[tuple[DataSet, ...], Words]:
    course = open_course()
    words = open_words(course, lang)
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    return data_sets(course.reference), words


def state_of(origin: Origin) -> str:
    """Say of a file whether it is here, and is what it should be: the id of a word."""
    if not is_here(origin.path):
        return MISSING
    try:
        verified(origin)
    except GraderError:
        return DAMAGED
    return SOUND if origin.sha256 else UNCHECKED


def _state_beside(one: Beside) -> str:
    if not is_here(one.path):
        return MISSING
    return SOUND if is_sound(one) else DAMAGED


def _print(sets: Sequence[DataSet], words: Words) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(words(heading), overflow="fold")
    for one in sets:
        for origin in one.origins:
            state = state_of(origin)
            size = number(origin.path.stat().st_size) if state != MISSING else "–"
            where = words(WHERE[origin.where])
            table.add_row(one.name, origin.name, where, size, words(state), origin.licence)
            for other in origin.beside:
                state = _state_beside(other)
                size = number(other.path.stat().st_size) if state != MISSING else "–"
                table.add_row("", f"+ {other.file}", where, size, words(state), "")
    console().print(table)
