"""Who handed in no notebook, and what else was handed in beside one: nothing of a class vanishes.

Enters: everything that was handed in, and whose it is. Leaves: for each person without a notebook
what was found instead, for each with one what lay beside it unread. Touches nothing.

Somebody is who has a folder, or who was named by a platform. A file that lies in no folder and that
no platform named is nobody's for sure; where a class's notebooks lie there too, it is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.collect.beside import Placed
from grader.collect.files import is_archive, is_zip
from grader.collect.stored import Stored
from grader.text.printable import printable
from grader.types import Message, Scalar

LOOSE = "collect.loose_files"
SEVERAL = 2
MOST_NAMES = 5
MOST_LOOSE = 40  # of which each may be somebody's
LONGEST = 60
NBGRADER_TIME = "timestamp.txt"
EXERCISE = "exercise.toml"  # of the course: what lies beside it came with it
_FROM_OTHERS = frozenset({"readme", "license"})  # with which a repository begins
# What people hand in where a notebook was asked for, and what is told of it.
_KINDS = {
    ".py": "collect.no_notebook_py",
    ".pdf": "collect.no_notebook_printed",
    ".html": "collect.no_notebook_printed",
    ".htm": "collect.no_notebook_printed",
    ".docx": "collect.no_notebook_printed",
    ".doc": "collect.no_notebook_printed",
    ".hwp": "collect.no_notebook_printed",
    ".hwpx": "collect.no_notebook_printed",
    ".png": "collect.no_notebook_printed",
    ".jpg": "collect.no_notebook_printed",
}


@dataclass(frozen=True)
class Layout:
    """How one of the given paths is laid out."""

    flat: bool  # notebooks lie in no folder, named by no platform
    alone: bool  # all of it is one person's
    sample: bool  # a course's own samples are in it
    zips: bool = False  # people handed in a zip each


def layout(notebooks: Sequence[Placed]) -> Layout:
    """Look at the notebooks of one given path."""
    flat = [one for one in notebooks if one.at.named.folders is None and not one.at.named.sample]
    students = {one.at.named.student for one in notebooks}
    nearest = {one.at.above[-1] for one in flat if one.at.above}
    tops = {one.at.relative.parts[0] for one in notebooks}
    return Layout(
        flat=bool(flat),
        alone=bool(flat) and len(students) == 1 and students <= nearest,
        sample=any(one.at.named.sample for one in notebooks),
        zips=len({top for top in tops if is_zip(top)}) >= SEVERAL,
    )


def is_somebodys(one: Placed, laid: Layout) -> bool:
    """Whether a file that is no notebook shows that there is a person."""
    if one.at.named.platform is not None:
        return True
    if laid.sample or one.at.named.sample:
        return False
    if laid.zips and one.at.lies_alone and is_zip(one.at.relative.name):
        return True
    return one.at.named.folders is not None and not laid.flat


def without_notebook(files: Sequence[Placed]) -> Message:
    """Say what one person handed in, and what to hand in."""
    handed_in = [one for one in files if one.item.relative.name]
    handed_in = [one for one in handed_in if not _is_receipt(one)] or handed_in
    if not handed_in:
        return Message("collect.nothing_in_it")
    suffixes = {one.item.relative.suffix.lower() for one in handed_in}
    kinds = {_KINDS.get(suffix, "collect.no_notebook_here") for suffix in suffixes}
    message_id = kinds.pop() if len(kinds) == 1 else "collect.no_notebook_here"
    return Message(message_id, {"found": _listed(_names(handed_in))})


def others(
    files: Iterable[Placed], called: Mapping[str, str], given: Collection[Stored]
) -> Iterator[tuple[str, Message]]:
    """Name what people handed in beside their notebooks, and nobody looks at: a scan, a report.

    Args:
        files: all of the batch.
        called: people with a notebook, as paths name them, to what they are called.
        given: files that notebooks find beside them.
    """
    found: dict[str, list[Placed]] = defaultdict(list)
    for one in files:
        theirs = one.at.named.platform is not None or one.at.named.folders is not None
        is_file = bool(_called(one)) and not one.item.notebook and not _is_receipt(one)
        is_file = is_file and one.item.relative.stem.casefold() not in _FROM_OTHERS
        student = called.get(one.at.named.student)
        if student is not None and theirs and is_file and one.item.stored not in given:
            found[student].append(one)
    for student, several in found.items():
        args: dict[str, Scalar] = {"found": _listed(_names(several)), "count": len(several)}
        yield student, Message("collect.other_files", args)


def _is_receipt(one: Placed) -> bool:
    """Whether Blackboard or nbgrader wrote it, and not a student."""
    if one.at.named.platform == "nbgrader":
        return one.item.relative.name == NBGRADER_TIME
    return one.at.named.platform == "blackboard" and not one.at.named.original


def _names(files: Sequence[Placed]) -> Iterator[str]:
    for one in files:
        name = printable(_called(one), limit=LONGEST)
        held = ", ".join(printable(held, limit=LONGEST) for held in one.item.holds)
        yield f"{name} ({held})" if held and is_archive(PurePosixPath(name)) else name


def _called(one: Placed) -> str:
    """Give what its author called a file, without what a platform put before it."""
    own = one.at.named.original if one.at.lies_alone else ""
    return f"{own}{one.at.relative.suffix}" if own else one.item.relative.name


def _listed(names: Iterator[str], most: int = MOST_NAMES) -> str:
    every = list(names)
    return ", ".join(every[:most]) + (", …" if every[most:] else "")


def _may_be_all_of_it(one: Placed) -> bool:
    """Whether somebody may have handed in this file alone, where everybody else has a folder."""
    suffix = one.at.relative.suffix.lower()
    return _KINDS.get(suffix) == "collect.no_notebook_printed" and not suffix.startswith(".htm")


def loose(files: Sequence[Placed], laid: Layout) -> Message | None:
    """Tell of files that may be somebody's, beside a class's notebooks."""
    if laid.alone or laid.sample:
        return None
    names = [one for one in files if one.at.named.folders is None and one.at.named.platform is None]
    if not laid.flat:
        names = [one for one in names if _may_be_all_of_it(one) and not is_somebodys(one, laid)]
    names = _without_the_courses(names)
    if not names:
        return None
    args: dict[str, Scalar] = {"found": _listed(_names(names), MOST_LOOSE), "count": len(names)}
    return Message(LOOSE, args)


def _without_the_courses(files: Sequence[Placed]) -> list[Placed]:
    """Leave out an exercise's own files: beside them only a print or a program is somebody's."""
    given = {one.at.relative.parent for one in files if one.item.relative.name == EXERCISE}
    return [
        one
        for one in files
        if one.at.relative.parent not in given or one.at.relative.suffix.lower() in _KINDS
    ]
