"""Files as a learning management system makes them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Give a zip of named files, in their order; names may come twice."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Give a table."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def written(path: Path, content: bytes) -> Path:
    """Write a file and the folders around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
