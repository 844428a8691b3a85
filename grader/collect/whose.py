"""Whose a notebook is, where its path alone does not tell: seen beside the others of the batch.

Enters: where the files of a batch lie. Leaves: the same, read anew where a name misled; doubts.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from grader.collect.exercises import is_exercise
from grader.collect.labels import Whereabouts
from grader.collect.layouts import PathNames, read_path
from grader.text.printable import printable
from grader.types import Message


@dataclass(frozen=True)
class Doubt:
    """What somebody should know about a notebook; ``refused``: it is graded for nobody."""

    message: Message
    refused: bool


def without_mistaken_uploads(
    files: Sequence[Whereabouts], notebooks: Sequence[Whereabouts], exercise_ids: Collection[str]
) -> list[Whereabouts]:
    """Read names such as ``HW_3_10_kim`` and ``HW_3_11_lee`` as they stand: Canvas wrote neither.

    Canvas counts uploads, so its number stands in one name only. And somebody of a class hands in
    one notebook, or notebooks named as exercises: where nobody does, ``HW_3`` is no student.

    Args:
        files: everything that was handed in.
        notebooks: those of it that are notebooks.
        exercise_ids: of the course.
    """
    repeated = _repeated(files)
    uploads = [one for one in files if one.named.upload is not None]
    left = [one for one in notebooks if one.named.upload is not None] or uploads
    left = [one for one in left if _key(one) not in repeated]
    every = {*repeated, *map(_key, uploads)}
    mistaken = repeated if _written_by_canvas(left, exercise_ids) else every
    return [
        replace(one, named=_again(one, exercise_ids))
        if _key(one) in mistaken and one.named.platform == "canvas"
        else one
        for one in files
    ]


def _again(one: Whereabouts, exercise_ids: Collection[str]) -> PathNames:
    return read_path(one.relative, one.above, exercise_ids, canvas=False, rounds=one.rounds)


def _key(one: Whereabouts) -> tuple[str, str] | None:
    upload = one.named.upload
    return None if upload is None else (upload.owner, upload.number)


def _repeated(notebooks: Sequence[Whereabouts]) -> set[tuple[str, str] | None]:
    """Give the numbers that stand in more than one name."""
    names: dict[tuple[str, str] | None, set[str]] = {}
    for one in notebooks:
        if one.named.upload is not None:
            names.setdefault(_key(one), set()).add(one.named.upload.name)
    return {key for key, files in names.items() if len(files) > 1}


def _written_by_canvas(notebooks: Sequence[Whereabouts], exercise_ids: Collection[str]) -> bool:
    """Whether anybody handed in what one person would."""
    owners: dict[str, dict[tuple[int, str], str]] = {}
    for one in notebooks:
        if (upload := one.named.upload) is not None:
            theirs = owners.setdefault(upload.owner, {})
            theirs[one.source, upload.name] = upload.original
    return any(_of_one_person(theirs, exercise_ids) for theirs in owners.values())


def _of_one_person(files: Mapping[tuple[int, str], str], exercise_ids: Collection[str]) -> bool:
    """Whether it is one notebook, or several named as exercises, none twice in a download."""
    own = [original for original in files.values() if not is_exercise(original, exercise_ids)]
    told = {(source, original) for (source, _), original in files.items()}
    return len(own) <= 1 and len(told) == len(files)


def doubts(notebooks: Sequence[Whereabouts]) -> list[Doubt | None]:
    """Doubt what lies in a folder that looks like another's, within one folder.

    One such folder within a student's own is the student's. Several are as well a class's that was
    given with a folder too many around it.
    """
    marks: dict[tuple[int, str], set[str]] = {}
    for one in notebooks:
        if one.named.mark is not None:
            marks.setdefault((one.source, one.named.student), set()).add(one.named.mark)
    return [_doubt(one, marks) for one in notebooks]


def _doubt(one: Whereabouts, marks: dict[tuple[int, str], set[str]]) -> Doubt | None:
    if one.named.mark is None:
        return None
    told = {
        "name": printable(str(one.relative), limit=200),
        "student": printable(one.named.student, limit=200),
    }
    if len(marks[one.source, one.named.student]) > 1:
        return Doubt(Message("collect.inner_marks", told), refused=True)
    return Doubt(Message("collect.inner_mark", told), refused=False)
