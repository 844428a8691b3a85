"""Reads zips of submissions without unpacking them, and zips within them.

Enters: the path of a zip from Canvas, Moodle, a file manager. Leaves: its entries, each either
readable or refused with a reason that names it; the bytes of an entry on request. Touches: reads
the one file. Nothing is written to a disk, so an entry's name leads nowhere: contents go
from the zip into the notebook parser, bounded by size.

Who made the bad entry decides what becomes of it. An entry that only its own student can have
made (a link, a bomb, a broken checksum) costs that submission. One that the archive's maker must
have made (a path that leaves the archive, two names that are one, a password) is refused and
nobody is graded for it; the other entries are read all the same. An archive whose *structure* lies
(overlapping entries, a directory beyond all bounds) is refused whole.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath, PurePosixPath

from grader.collect.files import is_notebook
from grader.collect.notebooks import MAX_BYTES, Malformed, too_large
from grader.collect.regular import open_regular
from grader.plain_files import BoundedReader, TooLongError, read_within
from grader.text.printable import composed, printable
from grader.types import GraderError, Message

MAX_ENTRIES = 20_000
MAX_DIRECTORY_BYTES = 8 * 2**20  # 20,000 entries with names of 350 bytes
MAX_TOTAL_BYTES = 4 * 2**30  # of notebooks, as declared
MAX_NAME = 1000
LOCAL_HEADER = 30
UTF8_FLAG, ENCRYPTED_FLAG = 0x800, 0x1
_DAMAGED = (  # RuntimeError covers NotImplementedError: exotic flags
    zipfile.BadZipFile,
    TooLongError,  # its directory
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Entry:
    """One file of an archive. ``refused``: nobody is graded for it; ``problem``: its maker is."""

    path: PurePosixPath  # as named by the archive, safe to take apart, never to open
    refused: Message | None
    problem: Message | None
    info: zipfile.ZipInfo


class Archive:
    """An open zip: ``entries`` in the order of their names, ``read`` for their bytes."""

    def __init__(self, zipped: zipfile.ZipFile, path: PurePath) -> None:
        named = [(info, _name(info)) for info in zipped.infolist()]
        infos = [info for info, name in named if not name.endswith("/")]
        self.folders = tuple(_safe(name) for _, name in named if name.endswith("/"))
        _check_structure(zipped, path)
        names = [_name(info) for info in infos]
        clashing = _clashing(name for name in names if is_notebook(PurePosixPath(name)))
        self._zipped = zipped
        self.entries = tuple(
            sorted(
                (_entry(info, name, clashing) for info, name in zip(infos, names, strict=True)),
                key=lambda entry: str(entry.path),
            )
        )

    def read(self, entry: Entry, most: int | None = None) -> bytes:
        """Return the bytes of an entry.

        Raises:
            Malformed: too large, whatever it declares; damaged.
        """
        try:
            with self._zipped.open(entry.info) as stream:
                return read_within(stream, MAX_BYTES if most is None else most)
        except TooLongError as error:
            raise too_large(MAX_BYTES + 1) from error
        except _DAMAGED as error:
            raise Malformed(_about("collect.zip_damaged", entry.path)) from error

    def begins(self, entry: Entry, size: int) -> bytes:
        """Return an entry's first bytes; none where it is damaged."""
        try:
            with self._zipped.open(entry.info) as stream:
                return stream.read(size)
        except _DAMAGED:
            return b""

    @contextmanager
    def within(self, entry: Entry, path: PurePath) -> Iterator[Archive]:
        """Open a zip that is an entry of this one; ``path`` is what it is called.

        Raises:
            Malformed: it is too large or damaged.
            GraderError: not a zip, or one whose structure lies.
        """
        with _opened(BoundedReader(BytesIO(self.read(entry)), MAX_DIRECTORY_BYTES), path) as inner:
            yield inner


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip.

    Raises:
        GraderError: not a zip, or one whose structure lies.
    """
    with _opened(BoundedReader(open_regular(path), MAX_DIRECTORY_BYTES), path) as archive:
        yield archive


@contextmanager
def _opened(file: BoundedReader, path: PurePath) -> Iterator[Archive]:
    with file:
        try:
            zipped = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise _whole("collect.not_a_zip", path) from error
        with zipped:
            yield Archive(zipped, path)


def _check_structure(zipped: zipfile.ZipFile, path: PurePath) -> None:
    infos = sorted(zipped.infolist(), key=lambda info: info.header_offset)
    notebooks = [info for info in infos if is_notebook(PurePosixPath(_name(info)))]
    if len(notebooks) > MAX_ENTRIES:
        raise _whole("collect.zip_too_many", path, limit=MAX_ENTRIES)
    # One that is too large by itself is refused alone, and takes nobody along.
    declared = sum(info.file_size for info in notebooks if info.file_size <= MAX_BYTES)
    if declared > MAX_TOTAL_BYTES:
        raise _whole("collect.zip_too_large", path, limit=MAX_TOTAL_BYTES // 2**30)
    ends = [*(info.header_offset for info in infos[1:]), zipped.start_dir]
    for info, end in zip(infos, ends, strict=False):
        if info.header_offset + LOCAL_HEADER + info.compress_size > end:
            raise _whole("collect.zip_overlap", path, entry=printable(_name(info), limit=200))


def _whole(message_id: str, path: PurePath, **args: str | int) -> GraderError:
    return GraderError(Message(message_id, {"path": printable(str(path)), **args}))


def _name(info: zipfile.ZipInfo) -> str:
    """The entry's name; without the UTF-8 flag it may be UTF-8 all the same, or Windows' Korean."""
    name = info.orig_filename
    if not info.flag_bits & UTF8_FLAG:
        raw = name.encode("cp437")
        for encoding in ("utf-8", "cp949"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return composed(name.replace("\\", "/"))


def _clashing(names: Iterable[str]) -> frozenset[str]:
    """Names that are one name on some file system, folded as the strictest of them does."""
    counts = Counter(_folded(name) for name in names)
    return frozenset(folded for folded, count in counts.items() if count > 1)


def _folded(name: str) -> str:
    parts = [part.rstrip(". ") for part in name.split("/") if part not in {"", "."}]
    return composed("/".join(parts), "NFKC").casefold()


def _entry(info: zipfile.ZipInfo, name: str, clashing: frozenset[str]) -> Entry:
    path = _safe(name)
    refused = _refusal(info, name)
    if refused is None and _folded(name) in clashing:
        refused = "collect.zip_clash"
    problem = None if refused else _problem(info, path)
    return Entry(path, _about(refused, name) if refused else None, problem, info)


def _safe(name: str) -> PurePosixPath:
    return PurePosixPath(*[part for part in name.split("/") if part not in {"", ".", ".."}] or "?")


def _refusal(info: zipfile.ZipInfo, name: str) -> str | None:
    if len(name) > MAX_NAME or "\0" in name:
        return "collect.zip_bad_name"
    if name.startswith("/") or _DRIVE.match(name):
        return "collect.zip_absolute"
    if ".." in name.split("/"):
        return "collect.zip_traversal"
    if info.flag_bits & ENCRYPTED_FLAG:
        return "collect.zip_encrypted"
    return None


def _problem(info: zipfile.ZipInfo, path: PurePosixPath) -> Message | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return _about("collect.zip_symlink", path)
    if kind not in {0, stat.S_IFREG}:
        return _about("collect.zip_special", path)
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return _about("collect.zip_method", path)
    return too_large(info.file_size).message if info.file_size > MAX_BYTES else None


def _about(message_id: str, name: str | PurePosixPath) -> Message:
    return Message(message_id, {"entry": printable(str(name), limit=200)})
