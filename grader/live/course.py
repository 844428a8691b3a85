"""Finds the public half of the course for a check in a notebook.

Enters: the environment, the current folder. Leaves: a PublicCourse. Touches: reads what a release
wrote; in an instructor's checkout makes the same anew, in a temporary folder.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from grader.course.exercises import ASSIGNMENTS, REFERENCE
from grader.course.public import FILE, FOLDER, PublicCourse, installed, read_public
from grader.types import GraderError, Message

VARIABLE = "GRADER_COURSE"
BESIDE = Path(__file__).resolve().parents[2]  # where the course is, in a checkout


def find_public() -> PublicCourse:
    """Give the course: GRADER_COURSE, else around the current folder, else installed, else ours.

    Raises:
        GraderError: there is none, or what is there is from before checks in notebooks.
    """
    old = False
    for root in _roots():
        if (root / FOLDER / FILE).is_file():
            return read_public(root / FOLDER)
        if (root / ASSIGNMENTS).is_dir() and (root / REFERENCE).is_dir():
            return _made_of(root)
        old = old or (root / ASSIGNMENTS).is_dir()
    package = installed()
    if package is not None:
        return read_public(package)
    if (BESIDE / ASSIGNMENTS).is_dir() and (BESIDE / REFERENCE).is_dir():
        return _made_of(BESIDE)
    raise GraderError(Message("live.old_bundle" if old else "live.no_course"))


def _roots() -> Iterator[Path]:
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(named).expanduser()
        return
    here = Path.cwd()
    yield from (here, *here.parents)


@lru_cache(maxsize=4)
def _made_of(root: Path) -> PublicCourse:
    """Make what a release of this course would hold; it is read again after a restart."""
    from grader.authoring.public import written_public
    from grader.course.load import load_course

    return read_public(written_public(load_course(root), Path(_kept().name)))


@lru_cache(maxsize=1)
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="grader-course-")  # gone with the process
