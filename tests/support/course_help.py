"""A course of one's own to break: copies of some exercises, and what is in a tree."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from grader.authoring.release import BEGIN, END
from grader.course.exercises import Course, Exercise
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("sequence-prediction", "multiplication-gru")


def course_of(place: Path, *ids: str) -> Course:
    """Copy these exercises, with everything that the course shares."""
    for part in ("assignments", "reference"):
        for name in ids:
            shutil.copytree(ROOT / part / name, place / part / name, ignore=_LEFT_BY_PYTHON)
    shutil.copytree(
        ROOT / "reference/families", place / "reference/families", ignore=_LEFT_BY_PYTHON
    )
    return load_course(place)


def an_answer_of(exercise: Exercise) -> str:
    """Give one line that stands between the markers of an exercise's solution, the longest."""
    assert exercise.reference_path is not None
    source = (exercise.reference_path / "solution.py").read_text("utf-8")
    answers = [part.partition(END)[0] for part in source.split(BEGIN)[1:]]
    return max("".join(answers).splitlines(), key=len).strip()


def everything_in(folder: Path) -> list[str]:
    """The paths of all that lies in a folder, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def digest_of(tree: Path) -> str:
    """Give a digest of names and contents, without what Python leaves behind."""
    whole = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            whole.update(path.relative_to(tree).as_posix().encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()


_LEFT_BY_PYTHON = shutil.ignore_patterns("__pycache__")
