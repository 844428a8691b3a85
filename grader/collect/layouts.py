"""Tells from where a notebook lies whose it is and which exercise it answers.

Enters: a path relative to what was collected, the folders around that, the course's exercise ids.
Leaves: PathNames. Touches nothing.

A file stem or an enclosing folder equal to an id names the exercise; the rest of the relative
path is the student. Learning platforms put both into one name; those are taken apart first:

    kim/multiplication-lstm.ipynb                       kim
    kim/chapter.ipynb                                   kim
    kim__multiplication-lstm.ipynb                      kim
    multiplication-lstm/kim.ipynb                       kim
    reference/char-text/submissions/wrong_data/x.ipynb  wrong_data/x  (from wherever it is graded)
    submitted/kim/ps1/problem1.ipynb                    kim           (nbgrader)
    kimminjun_LATE_1234_5678_my-solution.ipynb          kimminjun_1234 (Canvas)
    김민준_1234_assignsubmission_file_/my-solution.ipynb  김민준_1234    (Moodle)

A platform's marks count in the topmost folder alone, below folders of exercises at most. Further
down somebody chose the names, and could choose another one's: there a folder named like a mark
names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath

from grader.text.printable import composed

SUBMITTED = "submitted"  # nbgrader's folder of what students handed in
REFERENCE = "reference"  # a course's own folder of what must not be seen
SAMPLES = "submissions"  # a course's own, one folder per expected verdict
CHAPTER = "chapter"  # a file name that says nothing about its author
ARCHIVES = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".egg", ".alz"})
_NBGRADER_FOLDERS = 2  # STUDENT/ASSIGNMENT
# The original name is the student's choice and comes last: what it says is never taken for a mark.
_CANVAS = re.compile(
    r"(?s)(?P<name>[^_]+)(?:_LATE)?_(?P<id>\d+)_(?P<upload>\d+)_(?!assignsubmission_file)(?P<original>.+)"
)
_MOODLE = re.compile(r"(?s)(?P<name>.+?)_(?P<id>\d+)_assignsubmission_file_?(?P<original>.*)")
_RESUBMITTED = re.compile(r"-\d+$")  # Canvas counts attempts behind the original name


@dataclass(frozen=True)
class Upload:
    """What Canvas would have written: before the name that the student gave it, and that name."""

    owner: str
    number: str
    original: str


@dataclass(frozen=True)
class PathNames:
    """Whose notebook it is, and the exercise that its path names.

    ``mark``: a folder around it that is named as a platform names somebody's, where that says
    nothing. ``upload``: how Canvas may have named it.
    """

    student: str
    exercise: str | None
    mark: str | None = None
    upload: Upload | None = field(default=None, compare=False)


@dataclass(frozen=True)
class _Name:
    """A file's stem taken apart: who wrote it, where the name says so, and what is left."""

    owner: str | None
    stem: str
    upload: Upload | None = None


def read_path(
    path: PurePosixPath,
    above: Sequence[str],
    exercise_ids: Collection[str],
    *,
    canvas: bool = True,
) -> PathNames:
    """Read a relative path.

    Args:
        path: relative to what was collected, with the file's name.
        above: the folders that enclose it there, outermost first; an archive counts as one.
        exercise_ids: of the course.
        canvas: whether Canvas may have named it.
    """
    name = _take_apart(nfc(path.stem), exercise_ids, canvas=canvas)
    parts = [nfc(part) for part in path.parts[:-1]]
    student, folders = _student_folder(parts, above, exercise_ids)
    exercise = _exercise([*above, *folders, name.stem], exercise_ids)
    if student is not None:
        return PathNames(student, exercise)
    samples = _below_samples(folders, above, exercise)
    if samples is None and (inner := _inner_mark(folders, exercise_ids)) is not None:
        owner = [folder for folder in folders[: inner.start] if folder not in exercise_ids]
        return PathNames("/".join(owner), exercise, "/".join(folders[: inner.stop]))
    rest = _rest(folders if samples is None else samples, name, exercise)
    student = "/".join(rest) or _nearest(above, exercise_ids) or name.stem
    return PathNames(student, exercise, upload=name.upload)


def is_notebook(path: PurePath) -> bool:
    """Whether a file of this name is meant to be a notebook."""
    return path.suffix.lower() == ".ipynb"


def is_archive(path: PurePath) -> bool:
    """Whether a file of this name holds other files."""
    return path.suffix.lower() in ARCHIVES


def nfc(text: str) -> str:
    """Compose Korean syllables, which macOS hands over in pieces."""
    return composed(text)


def _take_apart(stem: str, exercise_ids: Collection[str], *, canvas: bool) -> _Name:
    by_canvas = _CANVAS.fullmatch(stem) if canvas else None
    if match := by_canvas or _MOODLE.fullmatch(stem):
        original = match["original"]
        counted = _RESUBMITTED.sub("", original)
        kept = counted if counted in exercise_ids else original
        owner = f"{match['name']}_{match['id']}"
        return _Name(owner, kept, Upload(owner, by_canvas["upload"], kept) if by_canvas else None)
    owner, _, exercise = stem.rpartition("__")
    return _Name(owner, exercise) if owner and exercise in exercise_ids else _Name(None, stem)


def _student_folder(
    folders: list[str], above: Sequence[str], exercise_ids: Collection[str]
) -> tuple[str | None, list[str]]:
    """Find the folder that a platform named after the student; else leave all that may matter."""
    top = _top(folders, exercise_ids)
    if top < len(folders):
        if match := _MOODLE.fullmatch(folders[top]):
            return f"{match['name']}_{match['id']}", folders
        if folders[top] == SUBMITTED:
            student, rest = _nbgrader(folders[top + 1 :])
            return student, [*folders[:top], *rest]
    return _nbgrader(folders) if above and above[-1] == SUBMITTED else (None, folders)


def _top(folders: Sequence[str], exercise_ids: Collection[str]) -> int:
    """Give the place of the topmost folder that is not an exercise's, or how many there are."""
    names = (depth for depth, folder in enumerate(folders) if folder not in exercise_ids)
    return next(names, len(folders))


def _inner_mark(folders: Sequence[str], exercise_ids: Collection[str]) -> range | None:
    """Find the folders below somebody's own that look like a platform's, or a course's samples."""
    for depth in range(_top(folders, exercise_ids) + 1, len(folders)):
        folder, left = folders[depth], len(folders) - depth - 1
        if _MOODLE.fullmatch(folder):
            return range(depth, depth + 1)
        if folder == SUBMITTED and left >= _NBGRADER_FOLDERS:
            return range(depth, depth + 2)
        if folder == SAMPLES and left and folders[depth - 1] in exercise_ids:
            start = depth - 2 if folders[depth - 2 : depth - 1] == [REFERENCE] else depth - 1
            return range(start, depth + 2)
    return None


def _nbgrader(folders: list[str]) -> tuple[str | None, list[str]]:
    """Take STUDENT from STUDENT/ASSIGNMENT."""
    return (folders[0], folders[1:]) if len(folders) >= _NBGRADER_FOLDERS else (None, folders)


def _exercise(names: Sequence[str], exercise_ids: Collection[str]) -> str | None:
    return next((name for name in reversed(names) if name in exercise_ids), None)


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


def _rest(folders: list[str], name: _Name, exercise: str | None) -> list[str]:
    rest = [folder for folder in folders if folder != exercise]
    if name.owner is not None:
        return [*rest, name.owner]
    return rest if name.stem in {exercise, CHAPTER} else [*rest, name.stem]


def _nearest(above: Sequence[str], exercise_ids: Collection[str]) -> str | None:
    return next((nfc(name) for name in reversed(above) if nfc(name) not in exercise_ids), None)
