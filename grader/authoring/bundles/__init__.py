"""One module per place that runs the grader by itself; this folder is the list of them.

Enters: a name, a course. Leaves: files to hand to that place. Touches: looks at the names of the
files in this folder; imports the one that was asked for.

A module defines ``files(course) -> iterator of File`` and, where the place takes one file, ``ZIP``,
its name. Programs for the place lie beside it and begin with ``_``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader import plugins

if TYPE_CHECKING:
    from grader.authoring.carried import File
    from grader.course.exercises import Course


@dataclass(frozen=True)
class Bundle:
    """What a module of this folder offers; ``zip_name`` is "" where a folder is taken."""

    name: str
    files: Callable[[Course], Iterator[File]]
    zip_name: str = ""


_FOLDER = plugins.Folder(__name__, "release.no_bundle", "release.broken_bundle")
known = _FOLDER.names


def load(name: str) -> Bundle:
    """Import a place's module.

    Raises:
        GraderError: there is none of this name, or its module is not one.
    """
    module = _FOLDER.load(name)
    files, zip_name = getattr(module, "files", None), getattr(module, "ZIP", "")
    if not callable(files) or not isinstance(zip_name, str):
        raise _FOLDER.incomplete(name, "files(course)")
    return Bundle(name, files, zip_name)


def program(name: str) -> bytes:
    """Give a program that lies beside its module."""
    return (Path(__file__).parent / name).read_bytes()
