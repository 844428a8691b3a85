"""Tells from where a file lies whose it is and which exercise it answers.

Enters: a path relative to what was collected, the folders around that, the course's exercise ids.
Leaves: PathNames. Touches nothing.

A file stem or an enclosing folder equal to an id names the exercise; copies of such a file do too.
The student is the first folder, whatever the file is called; in no folder it is the file's name.
Learning platforms put both into one name; those are taken apart first:

    kim/multiplication-lstm (1).ipynb                   kim
    kim/week 2/homework.ipynb                           kim
    kim__multiplication-lstm.ipynb                      kim
    multiplication-lstm/kim.ipynb                       kim
    1차/kim.ipynb, 과제 2/kim/homework.ipynb              kim           (rounds.py)
    reference/char-text/submissions/wrong_data/x.ipynb  wrong_data/x  (from wherever it is graded)
    submitted/kim/ps1/problem1.ipynb                    kim           (nbgrader)
    kimminjun_LATE_1234_5678_my-solution.ipynb          kimminjun_1234 (Canvas; others: names.py)

A platform's marks count in the topmost folder or file alone, below folders of exercises and of
rounds at most.
Further down somebody chose the names, and could choose another one's: there a folder or a file
named like a mark names nobody. A zip within counts as a folder.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from grader.collect.exercises import exercise_in, form, is_exercise, named, owner_of, says_nothing
from grader.collect.files import nfc, stem_of, unzipped
from grader.collect.names import Mark, file_mark, file_time, folder_mark, without_count
from grader.collect.rounds import is_nobodys

SUBMITTED = "submitted"  # nbgrader's folder of what students handed in
REFERENCE = "reference"  # a course's own folder of what must not be seen
SAMPLES = "submissions"  # a course's own, one folder per expected verdict
_NBGRADER_FOLDERS = 2  # STUDENT/ASSIGNMENT


@dataclass(frozen=True)
class Upload:
    """What Canvas would have written: before the name that the student gave it, and that name."""

    owner: str
    number: str
    original: str
    name: str  # all of it


@dataclass(frozen=True)
class PathNames:
    """Whose file it is, and the exercise that its path names.

    Attributes:
        mark: a folder around it that is named as a platform names somebody's, where that says
            nothing.
        upload: how Canvas may have named it.
        platform: what named its author, where one did.
        original: what the student called it, where a platform put more before it.
        handed_in: when, as the platform told it.
        folders: the folders around it within the student's own; None where it lies in no folder.
        named: by whom its own name says that it is, within a folder (KIM__EXERCISE).
        sample: it is one of a course's own.
        respondent: whose its name says that it is, as forms write it (EXERCISE - NAME).
    """

    student: str
    exercise: str | None
    mark: str | None = None
    upload: Upload | None = field(default=None, compare=False)
    platform: str | None = field(default=None, compare=False)
    original: str = field(default="", compare=False)
    handed_in: str = field(default="", compare=False)
    folders: tuple[str, ...] | None = field(default=None, compare=False)
    named: str | None = field(default=None, compare=False)
    sample: bool = field(default=False, compare=False)
    respondent: str | None = field(default=None, compare=False)


def read_path(
    path: PurePosixPath,
    above: Sequence[str],
    exercise_ids: Collection[str],
    *,
    canvas: bool = True,
    marks: bool = True,
    rounds: bool = False,
) -> PathNames:
    """Read a relative path.

    Args:
        path: relative to what was collected, with the file's name.
        above: the folders that enclose it there, outermost first; an archive counts as one.
        exercise_ids: of the course.
        canvas: whether Canvas may have named it.
        marks: whether a platform may have named anything of it.
        rounds: whether the first folders are rounds of handing in, and nobody's.
    """
    stem = stem_of(nfc(path.name))
    parts = [nfc(part) for part in path.parts[:-1]]
    folders = [unzipped(part) for part in parts]
    top = _top(folders, exercise_ids, rounds=rounds)
    if handed_in := file_time(stem, folders[top]) if top < len(folders) else "":
        stem = stem.partition("_")[2]
    mark = _mark(stem, path.suffix, parts[top:], canvas=canvas) if marks else None
    around = [*above, *(mark.original if n == top and mark else f for n, f in enumerate(folders))]
    said = named(stem, exercise_ids) or form(stem, exercise_ids)[0] or stem
    own = mark.original if mark and top == len(folders) else said
    exercise = exercise_in([*around, *_original(own, exercise_ids, mark)], exercise_ids)
    if mark is not None:
        return _marked(mark, stem, parts[top:], exercise, exercise_ids)
    if by_nbgrader := _nbgrader(folders, above, top):
        student, within = by_nbgrader
        return PathNames(student, exercise, folders=tuple(within), platform="nbgrader")
    if (below := _below_samples(folders, above, exercise)) is not None:
        rest = [folder for folder in below if folder != exercise]
        ends = [] if says_nothing(stem, exercise) else [stem]
        student = "/".join([*rest, *ends]) or _nearest(above, exercise_ids) or stem
        return PathNames(student, exercise, sample=True)
    if folders[top : top + 1] == [SUBMITTED]:
        top += 1
    if top < len(folders):
        found = _in_a_folder(folders[top:], stem, exercise, exercise_ids)
        return replace(found, handed_in=handed_in, original=stem if handed_in else "")
    return _in_no_folder(stem, exercise, above, exercise_ids)


def _marked(
    mark: Mark,
    stem: str,
    parts: Sequence[str],
    exercise: str | None,
    exercise_ids: Collection[str],
) -> PathNames:
    """Give whose it is where a platform said so, by the file's name or by the topmost folder's."""
    upload = None
    if mark.platform == "canvas" and mark.number:
        counted = without_count(mark.original)
        original = counted if is_exercise(counted, exercise_ids) else mark.original
        upload = Upload(mark.owner, mark.number, original, parts[0] if parts else stem)
    return PathNames(
        mark.owner,
        exercise,
        upload=upload,
        platform=mark.platform,
        original=stem if parts else mark.original,
        handed_in=mark.handed_in,
        folders=tuple(map(unzipped, parts[1:])),
    )


def _in_a_folder(
    folders: list[str], stem: str, exercise: str | None, exercise_ids: Collection[str]
) -> PathNames:
    """Give whose it is where nobody but its folders says so: the first folder's."""
    student, *inner = folders
    odd = _inner_mark(folders, exercise_ids)
    return PathNames(
        student,
        exercise,
        "/".join(odd) if odd else None,
        folders=tuple(inner),
        named=owner_of(stem, exercise_ids),
    )


def _in_no_folder(
    stem: str, exercise: str | None, above: Sequence[str], exercise_ids: Collection[str]
) -> PathNames:
    if owner := owner_of(stem, exercise_ids):
        return PathNames(owner, exercise)
    if says_nothing(stem, exercise):
        return PathNames(_nearest(above, exercise_ids) or stem, exercise)
    return PathNames(stem, exercise, respondent=form(stem, exercise_ids)[1])


# --- names of files ----------------------------------------------------------------------------


def _mark(stem: str, suffix: str, parts: Sequence[str], *, canvas: bool) -> Mark | None:
    """Read what a platform named: a file that lies in no folder, else the topmost folder or zip."""
    if not parts:
        return file_mark(stem, canvas=canvas, text=suffix.lower() == ".html")
    top = unzipped(parts[0])
    return (file_mark(top, canvas=canvas) if top != parts[0] else None) or folder_mark(top)


def _original(own: str, exercise_ids: Collection[str], mark: Mark | None) -> Sequence[str]:
    counted = without_count(own)
    return (counted,) if mark and mark.platform == "canvas" and counted in exercise_ids else (own,)


# --- folders -----------------------------------------------------------------------------------


def _nbgrader(
    folders: Sequence[str], above: Sequence[str], top: int
) -> tuple[str, Sequence[str]] | None:
    """Take STUDENT from submitted/STUDENT/ASSIGNMENT."""
    if folders[top : top + 1] == [SUBMITTED]:
        below = folders[top + 1 :]
    elif above and above[-1] == SUBMITTED:
        below = folders
    else:
        return None
    return (below[0], below[1:]) if len(below) >= _NBGRADER_FOLDERS else None


def _top(folders: Sequence[str], exercise_ids: Collection[str], *, rounds: bool) -> int:
    """Give the place of the topmost folder that may be a person's, or how many there are."""
    names = (
        place
        for place, folder in enumerate(folders)
        if not is_exercise(folder, exercise_ids) and not (rounds and is_nobodys(folder))
    )
    return next(names, len(folders))


def _inner_mark(folders: list[str], exercise_ids: Collection[str]) -> list[str] | None:
    """Find the folders below somebody's own that look like a platform's, or a course's samples."""
    for depth in range(1, len(folders)):
        folder, left = folders[depth], len(folders) - depth - 1
        if folder_mark(folder) is not None:
            return folders[: depth + 1]
        if folder == SUBMITTED and left >= _NBGRADER_FOLDERS:
            return folders[: depth + 2]
        if folder == SAMPLES and left and folders[depth - 1] in exercise_ids:
            return folders[: depth + 2]
    return None


def _below_samples(
    folders: Sequence[str], above: Sequence[str], exercise: str | None
) -> list[str] | None:
    """Give the folders below EXERCISE/submissions: a course's samples are the same ones always.

    Below what is graded that is a course's own where nothing but ``reference`` is around it.
    """
    every = [*above, *folders]
    for depth in range(len(every) - 1, 0, -1):
        around = every[len(above) : depth - 1]
        if every[depth] == SAMPLES and every[depth - 1] == exercise and around in ([], [REFERENCE]):
            return every[depth + 1 :]
    return None


def _nearest(above: Sequence[str], exercise_ids: Collection[str]) -> str | None:
    return next((nfc(name) for name in reversed(above) if nfc(name) not in exercise_ids), None)
