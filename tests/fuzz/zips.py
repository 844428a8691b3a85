"""Zips as no archiver would write them.

Enters: notebooks and a ``random.Random``. Leaves: bytes. Touches nothing.
"""

from __future__ import annotations

import io
import random
import re
import stat
import struct
import warnings
import zipfile
from collections.abc import Sequence

from tests.fuzz.mutate import change_bytes

PARTS = (
    *("kim", "lee", "submitted", "sequence-prediction", "chapter", "..", ".", "", "C:", "CON", "~"),
    *("김철수", "a" * 300, "a\\b", "nul\0", "sp ace ", "dot.", "\u202e", "é", "e\u0301", "K\u212a"),
    *("__MACOSX", ".git", ".ipynb_checkpoints", "lee_late_12_34_", "x__sequence-prediction"),
    *("kim_1234_5678_", "이름 홍길동_1_assignsubmission_file_", "\ud7ff", "%2e%2e", "-rf", "$(x)"),
)
ENDS = (".ipynb", ".ipynb", ".ipynb", ".IPYNB", ".ipynb ", ".zip", ".txt", "", "/", ".ipynb/x")
KINDS = (0, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR)
# Where the fields lie in an entry of the central directory, and how long they are.
FIELDS = ((4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2))
MORE_FIELDS = ((34, 2), (36, 2), (38, 4), (42, 4))
END_FIELDS = ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))
BOMB_MB = 70  # more than a notebook may have


def make(rng: random.Random, notebooks: Sequence[bytes]) -> bytes:
    """Write a zip, then break it."""
    data = _zip(rng, notebooks, nested=True)
    kind = rng.random()
    if kind < 0.4:
        for _ in range(rng.randint(1, 3)):
            data = _change_field(data, rng)
    elif kind < 0.7:
        data = change_bytes(data, rng)
    elif kind < 0.75:
        data = rng.randbytes(rng.choice((0, 3, 500))) + data
    return data


def _zip(rng: random.Random, notebooks: Sequence[bytes], *, nested: bool) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")  # two entries of one name are the point
        for _ in range(rng.choice((0, 1, 2, 3, 8, 60))):
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = _name(rng)
            info.external_attr = rng.choice(KINDS) << 16
            info.compress_type = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
            if rng.random() < 0.02:
                info.compress_type = zipfile.ZIP_BZIP2
            archive.writestr(info, _content(rng, notebooks, nested=nested))
        archive.comment = b"x" * rng.choice((0, 0, 9, 60_000))
    return file.getvalue()


def _name(rng: random.Random) -> str:
    parts = [rng.choice(PARTS) for _ in range(rng.choice((1, 2, 2, 3, 4, 30)))]
    return ("/" if rng.random() < 0.05 else "") + "/".join(parts) + rng.choice(ENDS)


def _content(rng: random.Random, notebooks: Sequence[bytes], *, nested: bool) -> bytes:
    kind = rng.random()
    if kind < 0.7:
        return rng.choice(notebooks)
    if kind < 0.75:
        return b"[" * rng.choice((10, 100_000))
    if kind < 0.752:
        return b" " * (BOMB_MB << 20)
    if kind < 0.8 and nested:
        return _zip(rng, notebooks, nested=False)
    return change_bytes(rng.choice(notebooks), rng)


def _change_field(data: bytes, rng: random.Random) -> bytes:
    """Let one entry of the directory, one entry's own header, or the end tell something else."""
    signature, fields = rng.choice(
        (
            (b"PK\x01\x02", (*FIELDS, *MORE_FIELDS)),
            (b"PK\x03\x04", ((6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))),
            (b"PK\x05\x06", END_FIELDS),
        )
    )
    places = [found.start() for found in re.finditer(signature, data[:-46])]
    if not places:
        return data
    offset, size = rng.choice(fields)
    at = rng.choice(places) + offset
    (old,) = struct.unpack("<H" if size == 2 else "<I", data[at : at + size])
    most = 2 ** (8 * size) - 1
    new = rng.choice((0, 1, 2, 8, 9, 12, 14, most, most - 1, most // 2, old + 1, old - 1, old * 2))
    return data[:at] + struct.pack("<H" if size == 2 else "<I", new & most) + data[at + size :]
