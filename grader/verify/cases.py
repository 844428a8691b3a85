"""The course check's runs: which notebooks, what each must get, and what a quick look leaves out.

Enters: a Course. Leaves: Cases. Touches: reads samples; ``references`` writes the reference
solutions as notebooks into a folder.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from grader.authoring.release import full, stub, text
from grader.course.exercises import SAMPLES, Course, Exercise
from grader.course.profiles import LAPTOP
from grader.submission import Submission
from grader.types import JUDGED, Verdict

CHAPTER = "chapter"
START_SECONDS = 8.0  # a room, an engine, the data; twice where the engine may be to blame
QUICK_SECONDS = 45.0  # for all reference solutions of a quick look together
_EPOCHS = re.compile(r"\bepochs\s*=\s*([A-Za-z_]\w*|\d+)")
_FIT = re.compile(r"\.fit\s*\(")
_NOTHING_RUNS = (Verdict.MALFORMED.value,)


class Kind(StrEnum):
    """What a notebook of the course is there for."""

    STUB = "stub"  # what students start from: scores zero
    REFERENCE = "reference"  # what it looks like when it is done: scores full
    SAMPLE = "sample"  # gets the verdict of its folder
    CHAPTER = "chapter"  # holds several exercises; expected.toml says which


@dataclass(frozen=True)
class CourseCase:
    """One notebook to grade, and the verdict per exercise that it must get."""

    kind: Kind
    name: str  # relative to the course, the same whatever else is looked at
    path: Path
    wanted: Mapping[str, str] = field(default_factory=dict)  # exercise -> verdict; of a stub none
    seconds: float = START_SECONDS  # as far as one can tell before


def cases(course: Course, exercises: Sequence[Exercise], folder: Path) -> list[CourseCase]:
    """Give every notebook of these exercises; the references are written into ``folder``.

    The chapters are part of it where no exercise was left out and all have their usual sizes.
    """
    found = [case for one in exercises for case in _of(course, one, folder)]
    if len(exercises) == len(course.exercises) and course.profile == LAPTOP:
        found += chapters(course)
    return found


def _of(course: Course, exercise: Exercise, folder: Path) -> Iterator[CourseCase]:
    """Samples and the committed stub are of the usual sizes; at others the stub is made anew."""
    if exercise.profile == LAPTOP:
        yield from stubs(exercise)
        yield from references(exercise, folder)
        yield from samples(course, exercise)
    else:
        yield from _made_stub(exercise, folder / "stubs")
        yield from references(exercise, folder)


def _made_stub(exercise: Exercise, folder: Path) -> Iterator[CourseCase]:
    solution = (exercise.reference_path or Path()) / "solution.py"
    if exercise.reference_path is None or not solution.is_file():
        return
    path = folder / exercise.id / f"{exercise.id}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(stub(solution, exercise)), "utf-8")
    yield CourseCase(Kind.STUB, f"assignments/{exercise.id}/{path.name}", path, {exercise.id: ""})


def stubs(exercise: Exercise) -> Iterator[CourseCase]:
    """The notebook that students receive."""
    path = exercise.assignment_path / f"{exercise.id}.ipynb"
    if path.is_file():
        yield CourseCase(
            Kind.STUB, f"assignments/{exercise.id}/{path.name}", path, {exercise.id: ""}
        )


def references(exercise: Exercise, folder: Path) -> Iterator[CourseCase]:
    """The reference solution as a student would hand it in."""
    solution = (exercise.reference_path or Path()) / "solution.py"
    if exercise.reference_path is None or not solution.is_file():
        return
    path = folder / exercise.id / f"{exercise.id}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(full(solution, exercise)), "utf-8")
    seconds = START_SECONDS + exercise.reference_seconds()
    wanted = {exercise.id: Verdict.ACCEPTED.value}
    name = f"reference/{exercise.id}/solution.py"
    yield CourseCase(Kind.REFERENCE, name, path, wanted, seconds)


def samples(course: Course, exercise: Exercise) -> Iterator[CourseCase]:
    """The samples, each with its folder's verdict."""
    if exercise.reference_path is None:
        return
    for path in sorted((exercise.reference_path / SAMPLES).glob("*/*.ipynb")):
        verdict = path.parent.name
        if verdict in set(JUDGED):
            name = path.relative_to(course.root).as_posix()
            seconds = _seconds(path, verdict, exercise)
            yield CourseCase(Kind.SAMPLE, name, path, {exercise.id: verdict}, seconds)


def chapters(course: Course) -> Iterator[CourseCase]:
    """The notebooks that hold several exercises, with what ``expected.toml`` says of each."""
    if course.reference is None or not (course.reference / CHAPTER).is_dir():
        return
    folder = course.reference / CHAPTER
    file = folder / "expected.toml"
    said = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    for path in sorted(folder.glob("*.ipynb")):
        wanted = cast("dict[str, Any]", said.get(path.name, {}))
        known = {key: str(value) for key, value in wanted.items() if key in course.exercises}
        seconds = START_SECONDS + sum(course.exercises[key].reference_seconds() for key in known)
        name = path.relative_to(course.root).as_posix()
        yield CourseCase(Kind.CHAPTER, name, path, known, seconds)


def case_of(submission: Submission, course: Course) -> CourseCase:
    """Give what a notebook's place says of it; nothing outside a verdict's folder."""
    path, parts = submission.path, submission.path.parts
    for one in chapters(course) if CHAPTER in parts else ():
        if one.path == path:
            return one
    after = parts[parts.index(SAMPLES) + 1 :] if SAMPLES in parts else ()
    verdict = next((part for part in after if part in set(JUDGED)), None)
    owed = submission.exercises or ("",)
    wanted = dict.fromkeys(owed, verdict) if verdict else {}
    return CourseCase(Kind.SAMPLE, submission.name, path, wanted)


def quick(every: Sequence[CourseCase]) -> list[CourseCase]:
    """Give each exercise's stub and its cheapest wrong sample, and the cheapest references."""
    chosen = {case.name for case in every if case.kind is Kind.STUB}
    for owner in dict.fromkeys(key for case in every for key in case.wanted):
        wrong = [case for case in every if _is_wrong_sample(case) and owner in case.wanted]
        chosen |= {case.name for case in wrong if not case.seconds}
        run = [case for case in wrong if case.seconds]
        trying = [case for case in run if case.wanted[owner] != Verdict.NO_MODEL] or run
        chosen |= {case.name for case in _cheapest(trying)[:1]}  # the stub has no model either
    left = QUICK_SECONDS
    for case in _cheapest([one for one in every if one.kind is Kind.REFERENCE]):
        left -= case.seconds
        if left >= 0:
            chosen.add(case.name)
    return [case for case in every if case.name in chosen]


def _is_wrong_sample(case: CourseCase) -> bool:
    return case.kind is Kind.SAMPLE and Verdict.ACCEPTED.value not in case.wanted.values()


def _cheapest(notebooks: Iterable[CourseCase]) -> list[CourseCase]:
    return sorted(notebooks, key=lambda case: (case.seconds, case.name))


def _seconds(path: Path, verdict: str, exercise: Exercise) -> float:
    """Guess what a sample takes, from the epochs in its source."""
    if verdict in _NOTHING_RUNS:
        return 0.0
    limit = exercise.sample_limits.get(f"{verdict}/{path.name}")
    if limit is not None and limit.timeout is not None:
        return START_SECONDS + limit.timeout
    source = path.read_text("utf-8", errors="replace")
    share = _epochs(source, exercise.epochs) / exercise.epochs
    runs = exercise.attempts if verdict == Verdict.LOW_ACCURACY.value else 1
    return round(START_SECONDS + exercise.reference_seconds() * share * runs, 1)


def _epochs(source: str, asked: int) -> int:
    """Add up what every ``fit`` asks for; a name stands for as many as the exercise wants."""
    given = [int(one) if one.isdigit() else asked for one in _EPOCHS.findall(source)]
    return sum(given) + max(0, len(_FIT.findall(source)) - len(given))
