"""Who looks at the data given to ``fit``: the exercise's family, or the part that students have.

Enters: a course, an exercise. Leaves: what answers as the exercise's family does, or why nothing
here can. Touches: reads the family, and the files that students have.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

from grader.course.exercises import ASSIGNMENTS, Course, Exercise
from grader.course.families import (
    Family,
    InFiles,
    Looks,
    LooksInFiles,
    load_family,
    own_findings,
)
from grader.course.public import PublicCourse, digest_of, kept_name, read_public
from grader.submission import Notebook
from grader.types import Finding, Message

# Why nothing here can tell whether the data are right.
UNASKED = "live.data_unasked"
MISSING, ELSEWHERE = "live.data_missing", "live.data_elsewhere"
OUTSIDE, HANDED_IN = "live.data_outside", "live.data_handed_in"
HERE = Path()  # with the notebook


def looks_at(course: Course, exercise: Exercise) -> Looks | Message:
    """Give what looks at an exercise's data; where nothing here can, say why."""
    if exercise.family is None:
        return Message(course.public_left or UNASKED)
    if course.public is not None:
        beside = exercise.assignment_path
        return looks_of(read_public(course.public), exercise, beside) or Message(MISSING)
    family = family_of(course, exercise)
    return Message(UNASKED) if family is None else family


def family_of(course: Course, exercise: Exercise) -> Family | None:
    """Give the whole family, which the instructor alone has; None elsewhere."""
    if exercise.family is None or course.reference is None:
        return None
    return load_family(course.reference, exercise.family)


def looks_of(course: PublicCourse, exercise: Exercise, beside: Path = HERE) -> Looks | None:
    """Give what looks at an exercise's data; None where only the instructor has it.

    A file that the course handed out may be missing here, or be another one by now: None too.

    Args:
        course: the students' half.
        exercise: one of it.
        beside: a folder in which its files may lie too: the half may be made away from the course.
    """
    if exercise.family is None:
        return None
    family = load_family(course.folder, exercise.family)
    files = course.files.get(exercise.id, {})
    if not files:
        return family
    folders = (course.folder.parent / ASSIGNMENTS / exercise.id, beside, HERE)
    places = {name: _place(course, folders, name, digest) for name, digest in files.items()}
    there = tuple((name, path) for name, path in places.items() if path is not None)
    if len(there) < len(files):
        return None
    table = json.dumps(dict(exercise.data), sort_keys=True)
    students = _read(course.folder, exercise.family, there, table, tuple(files.values()))
    return InFiles(cast("LooksInFiles", family), students)


def may_be_of_another_file(
    folder: Path, exercise: Exercise, findings: Iterable[Finding], ran: Notebook | None
) -> bool:
    """Whether data that are not the exercise's own may be so in grading alone.

    What a textbook's notebook downloads is another file here than the one that stands in for it
    there. Shapes and targets are right or wrong in either.

    Args:
        folder: of the public half, with the family.
        exercise: the one that is checked.
        findings: what the family said.
        ran: the notebook's cells; None where they are not known.
    """
    family = load_family(folder, exercise.family or "")
    own = own_findings(family) or ()
    foreign = any(one.id in own and one.fraction < 1.0 for one in findings)
    names: tuple[str, ...] = getattr(family, "STAND_INS", ())
    cells = ran.cells if ran is not None else ()
    return foreign and any(name in cell.source for name in names for cell in cells)


def _place(course: PublicCourse, folders: Sequence[Path], name: str, digest: str) -> Path | None:
    """Find a file as the course handed it out: carried along, in the bundle, with the notebook."""
    carried = course.folder / kept_name(name, digest)
    for path in (carried, *(one / name for one in folders)):
        with contextlib.suppress(OSError):
            if digest_of(path.read_bytes()) == digest:
                return path
    return None


@lru_cache(maxsize=4)
def _read(
    folder: Path,
    family: str,
    places: tuple[tuple[str, Path], ...],
    table: str,
    digests: tuple[str, ...],  # other files under the same names are read anew
) -> object:
    del digests
    files = {name: path.read_bytes() for name, path in places}
    return cast("LooksInFiles", load_family(folder, family)).read_files(files, json.loads(table))
