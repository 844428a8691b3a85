"""Whose a notebook is, where its path alone does not tell: seen beside the others of the batch.

Enters: where the notebooks of a batch lie. Leaves: the same, read anew where a name misled; doubts.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from grader.collect.labels import Whereabouts
from grader.collect.layouts import read_path
from grader.text.printable import printable
from grader.types import Message


@dataclass(frozen=True)
class Doubt:
    """What somebody should know about a notebook; ``refused``: it is graded for nobody."""

    message: Message
    refused: bool


def without_mistaken_uploads(
    notebooks: Sequence[Whereabouts], exercise_ids: Collection[str]
) -> list[Whereabouts]:
    """Read names such as ``HW_3_10_kim`` and ``HW_3_10_lee`` as they stand: Canvas wrote neither.

    Canvas counts uploads, so its number stands in one name only.
    """
    names: dict[str, set[str]] = {}
    for one in notebooks:
        if one.named.upload is not None:
            names.setdefault(one.named.upload, set()).add(one.relative.name)
    mistaken = {upload for upload, files in names.items() if len(files) > 1}
    return [
        replace(one, named=read_path(one.relative, one.above, exercise_ids, canvas=False))
        if one.named.upload in mistaken
        else one
        for one in notebooks
    ]


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
