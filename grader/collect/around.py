"""The files around a notebook that is given by itself, where they are its author's.

Enters: the notebook's path and the course's. Leaves: Items, or why there are none. Touches: lists
the notebook's folder; opens no file and follows no link.

A student who looks at a notebook of their own keeps it in a folder of their own. In a class's
folder the same files may be anybody's: there nothing is looked at but the notebook.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from grader.collect.files import is_notebook
from grader.collect.folders import is_hidden, look_into
from grader.collect.listing import Item, size_of
from grader.collect.stored import Stored
from grader.text.printable import printable
from grader.types import GraderError, Message, Scalar

MOST_AROUND = 2000  # files of a folder that is one notebook's own; a home folder has more


def files_around(notebook: Path, course: Path) -> tuple[tuple[Item, ...], Message | None]:
    """Give what lies in the notebook's folder or below it.

    Args:
        notebook: an absolute path.
        course: the course's folder. Where it lies below the notebook's, so do files that are not
            the student's, and only those right beside the notebook are given.

    Returns:
        The files, and what to tell where there are too many to be one notebook's.
    """
    folder = notebook.parent
    whole = not course.resolve().is_relative_to(folder.resolve())
    try:
        found = list(islice(_below(folder) if whole else _directly_in(folder), MOST_AROUND + 1))
    except (GraderError, OSError):
        return (), None  # the notebook can be read all the same
    if len(found) > MOST_AROUND:
        args: dict[str, Scalar] = {
            "name": printable(notebook.name, limit=200),
            "limit": MOST_AROUND,
        }
        return (), Message("collect.too_many_around", args)
    files = [
        Item(one, Stored(folder / one), notebook=False, size=size_of(folder / one))
        for one in found
        if not is_notebook(one)
    ]
    return tuple(files), None


def _below(folder: Path) -> Iterator[PurePosixPath]:
    return (one.relative for one in look_into(folder) if one.reason is None and not one.empty)


def _directly_in(folder: Path) -> Iterator[PurePosixPath]:
    for one in sorted(folder.iterdir()):
        if not one.is_dir() and not is_hidden(one.name):
            yield PurePosixPath(one.name)
