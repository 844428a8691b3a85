"""A new exercise that works from its first minute, to be changed into one's own.

Enters: a Course and an id. Leaves: the files written. Touches: writes ``assignments/<id>/`` and
``reference/<id>/``, or nothing at all.

The template, in the folder of the same name, asks for the next of four numbers with a smaller
network than the course's own exercises do, so that no notebook fits both.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.authoring.release import notebook_of, stub, text
from grader.course.exercises import ASSIGNMENTS, COMMON, REFERENCE, SAMPLES, Course
from grader.course.load import load_course
from grader.types import GraderError, Message

TEMPLATE = Path(__file__).parent / "template"
FAMILY = "sequence"
LONGEST = 48  # characters; ids of cells and names of files are made of it
STEP = 10  # between two exercises' places in the course
ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
RESERVED = frozenset({*COMMON, SAMPLES, "auto", ASSIGNMENTS, REFERENCE})


@dataclass(frozen=True)
class Begun:
    """What was written."""

    assignment: Path
    reference: Path
    files: tuple[Path, ...]


def begin(course: Course, identifier: str) -> Begun:
    """Write a working exercise of this id.

    Raises:
        GraderError: the id cannot be one, is taken, or the course has no place for it.
    """
    _refuse(course, identifier)
    public, private = course.root / ASSIGNMENTS / identifier, course.root / REFERENCE / identifier
    try:
        _write(course, identifier, public, private)
    except BaseException:
        for folder in (public, private):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    files = sorted(path for folder in (public, private) for path in folder.rglob("*.*"))
    return Begun(public, private, tuple(path for path in files if path.is_file()))


def _refuse(course: Course, identifier: str) -> None:
    given = {"exercise": identifier}
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    if not ID.fullmatch(identifier) or len(identifier) > LONGEST:
        near = _free(course, nearest_valid(identifier))
        raise GraderError(Message("new.bad_id_near" if near else "new.bad_id", _with(given, near)))
    if identifier in RESERVED:
        raise GraderError(Message("new.reserved", given))
    if taken := _taken(course, identifier):
        raise GraderError(Message("new.taken", _with(given, taken)))
    if not (course.reference / "families" / f"{FAMILY}.py").is_file():
        raise GraderError(Message("course.no_family", {"family": FAMILY, "path": _family(course)}))


def _with(given: dict[str, str], other: str) -> dict[str, str]:
    return {**given, "other": other}


def _family(course: Course) -> str:
    return str(course.root / REFERENCE / "families" / f"{FAMILY}.py")


def nearest_valid(identifier: str) -> str:
    """Give the id that somebody most likely meant; "" where nothing is left of it."""
    broken = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", identifier.strip())
    plain = re.sub(r"[^a-z0-9]+", "-", broken.lower()).strip("-")
    near = re.sub(r"^[0-9-]+", "", plain)[:LONGEST].strip("-")
    return near if ID.fullmatch(near) else ""


def _free(course: Course, near: str) -> str:
    """Give an id like this one that nothing has yet: itself, or with the next number."""
    if not near:
        return ""
    stem = near[: LONGEST - len("-99")].strip("-")
    numbered = (f"{stem}-{number}" for number in range(2, 100))
    return next(
        (one for one in (near, *numbered) if one not in RESERVED and not _taken(course, one)), ""
    )


def _taken(course: Course, identifier: str) -> str:
    """Give the folder that has this id already."""
    places = (f"{root}/{identifier}" for root in (ASSIGNMENTS, REFERENCE))
    return next((one for one in places if (course.root / one).exists()), "")


def _write(course: Course, identifier: str, public: Path, private: Path) -> None:
    order = max((one.order for one in course.exercises.values()), default=0) + STEP
    for source, target in _targets(public, private):
        content = source.read_text("utf-8").replace("@ID@", identifier)
        content = content.replace("@ORDER@", str(order))
        if target.suffix == ".ipynb":
            content = text(notebook_of(content, identifier))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8", newline="\n")
    made = load_course(course.root).exercise(identifier)
    notebook = text(stub(private / "solution.py", made))
    (public / f"{identifier}.ipynb").write_text(notebook, "utf-8", newline="\n")


def _targets(public: Path, private: Path) -> Iterator[tuple[Path, Path]]:
    yield TEMPLATE / "exercise.toml", public / "exercise.toml"
    yield TEMPLATE / "spec.toml", private / "spec.toml"
    yield TEMPLATE / "solution.py.in", private / "solution.py"
    for source in sorted((TEMPLATE / SAMPLES).glob("*/*.py.in")):
        name = source.name.removesuffix(".py.in")
        yield source, private / SAMPLES / source.parent.name / f"{name}.ipynb"
