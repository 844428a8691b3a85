"""Reads arrays that came out of a room: strictly, within bounds, nothing ever unpickled.

Enters: the path of an npz file. Leaves: arrays by name. Touches: reads that file.
"""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from grader.plain_files import (
    BoundedReader,
    NotPlainError,
    TooLongError,
    open_plain,
    read_within,
)
from grader.types import Array

MEMBERS = 2000
ENTRY_BYTES = 500  # of a member in the zip's directory, which honest ones take 70 of
HEADER_BYTES = 4096  # an npy file's own, far more than its description of a shape takes
SHAPE_BYTES = 1000  # of that description, which numpy evaluates: a long one takes a millisecond
KINDS = "biuf"  # bool, integers, floats: no objects, no strings, no structures


class BadArraysError(Exception):
    """The file is not what an honest probe writes; the text says in which way."""


def open_private(path: Path) -> BoundedReader:
    """Open a regular file with one name only: a second one may lead out of the room's folder.

    Raises:
        BadArraysError: another kind of file.
        OSError: missing, unreadable.
    """
    try:
        file = open_plain(path)
    except NotPlainError as error:
        raise BadArraysError(str(error)) from error
    if os.fstat(file.fileno()).st_nlink != 1:
        file.close()
        raise BadArraysError("a file with several names")
    return BoundedReader(file)


def read_bounded(path: Path, cap: int) -> bytes:
    """Read a whole regular file of at most ``cap`` bytes.

    Raises:
        BadArraysError: larger, or not a plain file.
        OSError: missing, unreadable.
    """
    with open_private(path) as file:
        try:
            return read_within(file, cap)
        except TooLongError as error:
            raise BadArraysError(str(error)) from error


def read_npz(path: Path, cap: int, members: int = MEMBERS) -> dict[str, Array]:
    """Read an uncompressed npz of so many arrays, which hold at most ``cap`` bytes together.

    Raises:
        BadArraysError: compressed, oversized, pickled, of another type, or no zip at all.
    """
    try:
        with open_private(path) as file:
            return _read_members(file, cap, members)
    except BadArraysError:
        raise
    except TooLongError as error:
        raise BadArraysError("endless zip directory") from error
    except Exception as error:  # a hostile header can break zipfile and numpy in a dozen ways
        raise BadArraysError(str(error)[:200]) from error


def _read_members(file: BoundedReader, cap: int, most: int) -> dict[str, Array]:
    found: dict[str, Array] = {}
    file.longest = ENTRY_BYTES * (most + 1)
    with zipfile.ZipFile(file) as archive:
        file.longest = None
        members = archive.infolist()
        if len(members) > most:
            raise BadArraysError(f"{len(members)} arrays")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > cap + HEADER_BYTES:
                raise BadArraysError(f"{member.filename[:60]!r} is compressed or too large")
            name = member.filename.removesuffix(".npy")
            if name in found:
                raise BadArraysError(f"two arrays of the name {name[:60]!r}")
            with archive.open(member) as stream:
                found[name] = _read_array(stream, member.file_size, cap)
            cap -= found[name].nbytes
    return found


def _read_array(stream: IO[bytes], declared: int, cap: int) -> Array:
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise BadArraysError(f"npy version {version}")
    shape, fortran, dtype = read_header(stream, max_header_size=SHAPE_BYTES)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in KINDS or any(n < 0 for n in shape) or size > min(cap, declared):
        raise BadArraysError(f"array {dtype} {shape}")
    data = stream.read(size)
    if len(data) != size:
        raise BadArraysError("array shorter than declared")
    array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
