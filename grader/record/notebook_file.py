"""The code cells that a run was made of, kept beside what it left behind.

Enters: an OUT folder, the key of an execution, a Notebook. Leaves: the same, when asked for again.
Touches: ``evidence/<execution key>/notebook.json``, which goes with its folder.

Pages show them beside the feedback, and similarity compares them. A folder that an earlier version
graded has none: pages are then made without, and nothing is graded anew for it.
"""

from __future__ import annotations

import json
from pathlib import Path

from grader.record import files
from grader.record.index import KEY
from grader.submission import Cell, Notebook
from grader.types import Json

NAME = "notebook.json"
FORMAT = "grader/notebook/v1"
MOST_BYTES = 64 * 2**20  # as a notebook's own file


def write(out: Path, key: str, notebook: Notebook) -> None:
    """Keep a notebook's code cells, where they are not kept yet.

    Raises:
        GraderError: the disk is full or refuses.
    """
    path = _path(out, key)
    if path is None or path.exists():
        return
    kept: Json = {
        "format": FORMAT,
        "digest": notebook.digest,
        "cells": [{"index": one.index, "source": one.source} for one in notebook.cells],
    }
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False)
    data = text.encode("utf-8", "replace")
    if len(data) <= MOST_BYTES:
        files.write_whole(path, data)


def read(out: Path, key: str) -> Notebook | None:
    """Give the code cells of this run; None where none are kept, or none that can be read."""
    path = _path(out, key)
    if path is None:
        return None
    try:
        kept = json.loads(files.read_at_most(path, MOST_BYTES))
        return _notebook(kept)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _path(out: Path, key: str) -> Path | None:
    return out / "evidence" / key / NAME if KEY.fullmatch(key) else None


def _notebook(kept: Json) -> Notebook:
    """Read what was written.

    Raises:
        ValueError, TypeError, KeyError: it is something else.
    """
    if not isinstance(kept, dict) or kept["format"] != FORMAT:
        raise ValueError
    cells = kept["cells"]
    if not isinstance(cells, list):
        raise TypeError
    return Notebook(tuple(_cell(one) for one in cells), None, str(kept["digest"]))


def _cell(one: Json) -> Cell:
    if not isinstance(one, dict):
        raise TypeError
    index, source = one["index"], one["source"]
    if type(index) is not int or not isinstance(source, str):
        raise TypeError
    return Cell(index, source)
