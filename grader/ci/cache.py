"""Runs that later jobs need not repeat.

Enters: an OUT folder, a folder that is carried from job to job. Leaves: nothing. Touches: both.

A run is kept under its execution key: notebook, data, packages, seed, limits, our own code. It
holds claims of a notebook, judged anew each time; still, whoever could write one could claim
anything, so only jobs that nobody who hands in can change add to the folder.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from grader.record import files
from grader.record.index import keyed_folders

EVIDENCE, EXECUTION = "evidence", "execution"


def keep(out: Path, cache: Path) -> int:
    """Copy the runs that the cache does not have; gives how many.

    Raises:
        GraderError: the disk refuses.
    """
    count = 0
    for folder in keyed_folders(out / EVIDENCE):
        target = cache / EVIDENCE / folder.name / EXECUTION
        if target.exists() or not (folder / EXECUTION).is_dir():
            continue
        new = target.with_name(f".new-{secrets.token_hex(4)}")
        with files.disk_errors(target):
            files.make_folders(target.parent)
            shutil.copytree(folder / EXECUTION, new)
            files.swap_folder(new, target)
        count += 1
    return count
