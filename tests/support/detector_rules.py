"""What JPlag and Dolos make of a folder that they are given, by the rules of their readers.

JPlag (its ``SubmissionSetBuilder``): every child of the root folder is a submission, a folder with
all files below it; a file counts by its suffix; the base code is a folder or file of its own, and
one that lies in the root folder is no submission; fewer than two submissions are an error.

Dolos (its ``Dataset``): ``info.csv`` read as D3 reads CSV, which takes a mark of order for a part
of the first column's name; ``filename`` from where the table lies; ``ignored`` is the text "true"
for one file at most; ``label`` and ``full_name`` as they are. One file that is neither CSV nor zip
is an error, and so is a table of which one file cannot be read.
"""

from __future__ import annotations

import ast
import csv
import io
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".py"  # of both programs, for Python


@dataclass(frozen=True)
class Dataset:
    """What Dolos would compare, and what it leaves out of all."""

    names: dict[Path, str]
    labels: set[str]
    ignored: Path | None


def jplag_takes(root: Path, base: Path) -> tuple[dict[str, list[Path]], list[Path]]:
    """Give the submissions by name, each with its files, and the files of the base code."""
    assert root.is_dir()
    assert base.exists()
    submissions = {
        one.name: _files(one) for one in sorted(root.iterdir()) if one.resolve() != base.resolve()
    }
    assert len(submissions) > 1, "nothing to compare"
    assert all(submissions.values()), "a submission without a file"
    for path in (*_files(base), *(one for files in submissions.values() for one in files)):
        ast.parse(path.read_bytes())  # what it cannot parse it leaves out, and says so
    return submissions, _files(base)


def _files(place: Path) -> list[Path]:
    there = [place] if place.is_file() else [one for one in place.rglob("*") if one.is_file()]
    return sorted(one for one in there if one.name.endswith(SUFFIX))


def dolos_takes(info: Path) -> Dataset:
    """Read the table, and every file that it names."""
    assert info.name.lower().endswith(".csv")
    rows = list(csv.DictReader(io.StringIO(info.read_bytes().decode("utf-8"), newline="")))
    files = [(info.parent / row["filename"], row) for row in rows]
    for path, _ in files:
        assert path.read_bytes(), path
    ignored = [path for path, row in files if row.get("ignored") == "true"]
    assert len(ignored) < 2, "one file of common code"
    compared = {path: row for path, row in files if path not in ignored}
    assert len(compared) > 1, "nothing to compare"
    names = {path: row.get("full_name", "") for path, row in compared.items()}
    labels = {row.get("label", "") for row in compared.values()}
    return Dataset(names, labels, next(iter(ignored), None))
