"""Reads arrays that came out of a room: strictly, within bounds, nothing ever unpickled.

Enters: the path of an npz file. Leaves: arrays by name. Touches: reads that file.
"""

from __future__ import annotations

import math
import os
import stat
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from grader.types import Array

MEMBERS = 2000
KINDS = "biuf"  # bool, integers, floats: no objects, no strings, no structures


class BadArraysError(Exception):
    """The file is not what an honest probe writes; the text says in which way."""


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file with one name: no link is followed, no pipe or device waits.

    Raises:
        BadArraysError: not a regular file, or a file with several names.
        OSError: cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise BadArraysError("not a plain file")
    return os.fdopen(descriptor, "rb")


def read_bounded(path: Path, cap: int) -> bytes:
    """Read a whole regular file of at most ``cap`` bytes.

    Raises:
        BadArraysError: larger, or not a plain file.
    """
    with open_regular(path) as file:
        data = file.read(cap + 1)
    if len(data) > cap:
        raise BadArraysError(f"larger than {cap} bytes")
    return data


def read_npz(path: Path, cap: int) -> dict[str, Array]:
    """Read an uncompressed npz whose arrays hold at most ``cap`` bytes together.

    Raises:
        BadArraysError: compressed, oversized, pickled, of another type, or no zip at all.
    """
    found: dict[str, Array] = {}
    left = cap
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS:
                raise BadArraysError(f"{len(members)} arrays")
            for member in members:
                if member.compress_type != zipfile.ZIP_STORED or member.file_size > left + 4096:
                    raise BadArraysError(f"{member.filename[:60]!r} is compressed or too large")
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as stream:
                    found[name] = _read_array(stream, member.file_size, left)
                left -= found[name].nbytes
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise BadArraysError(str(error)[:200]) from error
    return found


def _read_array(stream: IO[bytes], declared: int, cap: int) -> Array:
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise BadArraysError(f"npy version {version}")
    shape, fortran, dtype = read_header(stream)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in KINDS or any(n < 0 for n in shape) or size > min(cap, declared):
        raise BadArraysError(f"array {dtype} {shape}")
    data = stream.read(size)
    if len(data) != size:
        raise BadArraysError("array shorter than declared")
    array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
