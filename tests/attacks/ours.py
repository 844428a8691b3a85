"""What a grader keeps in the home of whoever grades: results of trainings, and nothing besides.

Enters: a home. Leaves: the paths there that are the grader's own. Touches: reads files below it.

A file counts as the grader's where its name is a key and what is in it is a result: whatever else
lies there somebody else has left.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from grader.arrays import BadArraysError, read_npz

FOLDERS = (".cache", ".cache/rnn-grader", ".cache/rnn-grader/trained")
RESULT, LOCK = re.compile(r"[0-9a-f]{64}\.npz"), re.compile(r"[0-9a-f]{64}\.lock")
MEMBERS = re.compile(r"told|predictions|(w|o|e\d+)_\d{4}")
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
MOST_BYTES, MOST_MEMBERS = 1 << 30, 1 << 16


def ours(home: Path) -> frozenset[str]:
    """Paths in a home that the grader's own trainings leave."""
    folders = [home / name for name in FOLDERS]
    if not all(map(_is_folder, folders)) or _mode(folders[-1]) != PRIVATE_FOLDER:
        return frozenset()
    return frozenset(map(str, (*folders, *_files(folders[-1]))))


def _is_folder(path: Path) -> bool:
    return path.exists() and stat.S_ISDIR(path.lstat().st_mode)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        state = path.lstat()
        alone = stat.S_ISREG(state.st_mode) and state.st_nlink == 1
        if not alone or _mode(path) != PRIVATE_FILE:
            continue
        lock = LOCK.fullmatch(path.name) and state.st_size == 0  # of a grader that was killed
        if lock or (RESULT.fullmatch(path.name) and _is_result(path)):
            yield path


def _is_result(path: Path) -> bool:
    try:
        arrays = read_npz(path, MOST_BYTES, MOST_MEMBERS)
    except (OSError, BadArraysError):
        return False
    return "told" in arrays and all(map(MEMBERS.fullmatch, arrays))
