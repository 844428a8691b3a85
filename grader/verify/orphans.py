"""Files of a course that nothing looks at: usually a typing error in a name.

Enters: a Course. Leaves: Rulings. Touches: reads the names of the course's files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from grader.course.curves import curve_name
from grader.course.exercises import ASSIGNMENTS, COMMON, SAMPLES, Course, Exercise
from grader.course.own_checks import FILE as CHECKS
from grader.course.profiles import LAPTOP, expected_name
from grader.types import JUDGED, Message
from grader.verify.ruling import Ruling, ruling

PUBLIC = ("exercise.toml",)
PRIVATE = ("solution.py", "spec.toml", CHECKS)
WORDS = ("README.md",)
_VERDICTS = {one.value for one in JUDGED}


def orphans(course: Course) -> Iterator[Ruling]:
    """Rule on every exercise's two folders, and on what lies beside them."""
    roots = [course.root / ASSIGNMENTS, *([course.reference] if course.reference else [])]
    for root in roots:
        lost = list(_beside(root, course))
        yield _ruled(root.name, lost, course)
    for exercise in course.exercises.values():
        lost = [*_public(exercise), *_private(exercise)]
        yield _ruled(exercise.id, lost, course)
        yield _limits(exercise)


def _ruled(subject: str, lost: list[Path], course: Course) -> Ruling:
    if not lost:
        return ruling("orphans", subject)
    shown = [path.relative_to(course.root).as_posix() for path in lost]
    return ruling(
        "orphans", subject, Message("verify.orphan", {"file": shown[0], "count": len(shown)})
    )


def _beside(root: Path, course: Course) -> Iterator[Path]:
    """What lies in ``assignments/`` or ``reference/`` itself and belongs to no exercise."""
    allowed = {*course.exercises, *WORDS, *(COMMON if root == course.reference else ())}
    return (path for path in _listed(root) if path.name not in allowed)


def _public(exercise: Exercise) -> Iterator[Path]:
    """A file that the notebook reads is no orphan: its name stands in the exercise's files."""
    allowed = {*PUBLIC, *WORDS, f"{exercise.id}.ipynb"}
    used = _source(exercise)
    for path in _listed(exercise.assignment_path):
        if path.name not in allowed and path.name not in used:
            yield path


def _source(exercise: Exercise) -> str:
    """Give the texts that may name a file of data."""
    files = [exercise.assignment_path / "exercise.toml"]
    if exercise.reference_path is not None:
        files.append(exercise.reference_path / "solution.py")
    return "".join(path.read_text("utf-8") for path in files if path.is_file())


def _private(exercise: Exercise) -> Iterator[Path]:
    folder = exercise.reference_path
    if folder is None:
        return
    sizes = (LAPTOP, *_profiles(exercise))
    measured = (called(name) for called in (expected_name, curve_name) for name in sizes)
    allowed = {*PRIVATE, *WORDS, *measured}
    for path in _listed(folder):
        if path.name == SAMPLES and path.is_dir():
            yield from _stray_samples(path)
        elif path.name not in allowed or path.is_dir():
            yield path


def _stray_samples(folder: Path) -> Iterator[Path]:
    """A sample lies in a folder named by a verdict and is a notebook."""
    for verdict in _listed(folder):
        if verdict.name not in _VERDICTS or not verdict.is_dir():
            yield verdict
            continue
        yield from (one for one in _listed(verdict) if one.suffix != ".ipynb" or not one.is_file())


def _limits(exercise: Exercise) -> Ruling:
    """A sample with limits of its own exists."""
    folder = (exercise.reference_path or Path()) / SAMPLES
    lost = [name for name in exercise.sample_limits if not (folder / name).is_file()]
    got = Message("verify.no_such_sample", {"file": lost[0]}) if lost else None
    return ruling("sample_limits", exercise.id, got)


def _profiles(exercise: Exercise) -> set[str]:
    names: set[str] = set()
    files = [exercise.assignment_path / "exercise.toml"]
    if exercise.reference_path is not None:
        files.append(exercise.reference_path / "spec.toml")
    for path in files:
        if path.is_file():
            names |= set(tomllib.loads(path.read_text("utf-8")).get("profiles", {}))
    return names


def _listed(folder: Path) -> Iterator[Path]:
    """What a person put there: nothing hidden, nothing that Python or an editor left."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not path.name.startswith((".", "__")):
            yield path
