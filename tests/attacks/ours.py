"""What a grader keeps in the home of whoever grades: results of trainings, and nothing besides.

Enters: a home. Leaves: the paths there that are the grader's own. Touches: reads files below it.

A file counts as the grader's where its name is a key and what is in it is a result, or where its
name is that of a file which a killed grader had not finished: whatever else lies there somebody
else has left.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from grader.arrays import BadArraysError, read_npz
from grader.trainer.answers import PREDICTIONS
from grader.trainer.fitting import MOST_EPOCHS
from grader.trainer.response import MEMBERS as MOST_MEMBERS
from grader.trainer.response import outcome_of
from grader.trainer.result import Trained
from grader.trainer.results import TOLD
from grader.user_folders import TRIAL_BYTES

FOLDERS = (".cache", ".cache/rnn-grader", ".cache/rnn-grader/trained")
RESULT, LOCK = re.compile(r"[0-9a-f]{64}\.npz"), re.compile(r"[0-9a-f]{64}\.lock")
MEMBERS = re.compile(r"told|(w|o|e\d+)_\d{4}")
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
UNFINISHED = re.compile(r"\.[0-9a-f]{64}\.npz\.[0-9a-f]{8}")
TRIAL = re.compile(r"\.trial-[0-9a-f]{8}")
MOST_BYTES = 1 << 30


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
        if RESULT.fullmatch(path.name):
            left = _is_result(path)
        else:  # by a grader that was killed
            left = bool(UNFINISHED.fullmatch(path.name)) and _begins_as_one(path)
            left |= bool(LOCK.fullmatch(path.name)) and state.st_size == 0
            left |= bool(TRIAL.fullmatch(path.name)) and _is_empty(path, TRIAL_BYTES)
        if left:
            yield path


def _begins_as_one(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in {b"", b"PK"}  # an archive, of which nothing may be written yet


def _is_result(path: Path) -> bool:
    try:
        arrays = read_npz(path, MOST_BYTES, MOST_MEMBERS)
    except (OSError, BadArraysError):
        return False
    try:
        told = arrays[TOLD].tobytes()
        if set(arrays) == {TOLD, PREDICTIONS}:
            return isinstance(json.loads(told), dict)
        found = outcome_of(told, arrays, MOST_EPOCHS)
    except (KeyError, ValueError):
        return False
    return isinstance(found, Trained) and all(map(MEMBERS.fullmatch, arrays))


def _is_empty(path: Path, most_bytes: int) -> bool:
    """Whether there is nothing in it, as far as it was written."""
    with path.open("rb") as file:
        found = file.read(most_bytes + 1)
    return len(found) <= most_bytes and not found.strip(b"\0")
