"""The course check's static half: do the files of a course fit together?

Enters: a Course with its ``reference/``. Leaves: Rulings, one per rule and subject. Touches: reads
the course's files; runs no notebook and needs no engine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from grader.authoring.release import made_for
from grader.course.data import data_fingerprint
from grader.course.exercises import Course, Exercise
from grader.course.families import load_family
from grader.course.own_checks import load_own_checks
from grader.course.profiles import LAPTOP
from grader.types import JUDGED, EvidenceClass, GraderError, Message, Scalar, Verdict
from grader.verify.leaks import leaks
from grader.verify.orphans import orphans
from grader.verify.ruling import Ruling, ruling

_HANGUL = re.compile(r"[가-힣]")
_WHEN = {*(one.value for one in JUDGED), *(one.value for one in EvidenceClass)}


def check_files(course: Course, exercises: Iterable[Exercise]) -> Iterator[Ruling]:
    """Look at the course as a whole, then at each of these exercises."""
    yield from orphans(course)
    yield from leaks(course)
    for exercise in exercises:
        for rule in (_notebook, _outputs, _hints, _checks, _samples, _expected):
            yield rule(course, exercise)


def _notebook(course: Course, exercise: Exercise) -> Ruling:
    """The committed notebook and its data are those that the solution and the family give today."""
    solution = (exercise.reference_path or Path()) / "solution.py"
    if exercise.reference_path is None or not solution.is_file():
        return ruling("notebook", exercise.id, Message("verify.no_solution"))
    try:
        made = made_for(course, exercise)
    except GraderError as error:
        return ruling("notebook", exercise.id, error.message)
    if exercise.profile != LAPTOP:
        return ruling("notebook", exercise.id)  # it can be made; what is committed has other sizes
    for name, content in made.items():
        path = exercise.assignment_path / name
        if not path.is_file():
            return ruling("notebook", exercise.id, Message("verify.no_file", {"file": name}))
        if path.read_bytes() != content:
            return ruling("notebook", exercise.id, Message("verify.file_old", {"file": name}))
    return ruling("notebook", exercise.id)


def _outputs(course: Course, exercise: Exercise) -> Ruling:
    """A students' notebook was never run."""
    del course
    path = _student_notebook(exercise)
    try:
        document = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        args = {"file": path.name, "problem": str(error)}
        return ruling("outputs", exercise.id, Message("course.bad_file", args))
    stored = [
        number
        for number, cell in enumerate(_cells(document), start=1)
        if cell.get("outputs") or cell.get("execution_count") is not None
    ]
    got = Message("verify.outputs_stored", {"cell": stored[0]}) if stored else None
    return ruling("outputs", exercise.id, got)


def _cells(document: Any) -> list[dict[str, Any]]:
    cells = document.get("cells", []) if isinstance(document, dict) else []
    return [cell for cell in cells if isinstance(cell, dict)]


def _hints(course: Course, exercise: Exercise) -> Ruling:
    """There is advice, in both languages, for something that can happen."""
    del course
    if not exercise.hints:
        return ruling("hints", exercise.id, Message("verify.no_hints"))
    for number, hint in enumerate(exercise.hints, start=1):
        args: dict[str, Scalar] = {"number": number, "when": hint.when}
        ko, en = (str(hint.message.args.get(lang) or "").strip() for lang in ("ko", "en"))
        if not _HANGUL.search(ko):
            return ruling("hints", exercise.id, Message("verify.hint_not_korean", args))
        if not en or _HANGUL.search(en):
            return ruling("hints", exercise.id, Message("verify.hint_not_english", args))
        if hint.when.partition(".")[0] not in _WHEN:
            return ruling("hints", exercise.id, Message("verify.hint_never", args))
    return ruling("hints", exercise.id)


def _checks(course: Course, exercise: Exercise) -> Ruling:
    """The exercise's own checks can be loaded, and take no more points than there are."""
    del course
    try:
        load_own_checks(exercise)
    except GraderError as error:
        return ruling("checks", exercise.id, error.message)
    return ruling("checks", exercise.id)


def _samples(course: Course, exercise: Exercise) -> Ruling:
    """Something that must pass and something that must not."""
    del course
    folder = (exercise.reference_path or Path()) / "submissions"
    found = {path.parent.name for path in folder.glob("*/*.ipynb")} & _verdicts()
    if Verdict.ACCEPTED.value not in found:
        return ruling("samples", exercise.id, Message("verify.no_accepted"))
    if found == {Verdict.ACCEPTED.value}:
        return ruling("samples", exercise.id, Message("verify.no_wrong"))
    return ruling("samples", exercise.id)


def _verdicts() -> set[str]:
    return {one.value for one in JUDGED}


def _expected(course: Course, exercise: Exercise) -> Ruling:
    """``expected.json`` was measured on today's data and today's layers."""
    measured = exercise.expectation
    if measured is None:
        got = Message("verify.not_calibrated", {"exercise": exercise.id})
        return ruling("expected", exercise.id, got, waiting=True)
    layers = [(one.cls, one.output_shape, one.params) for one in measured.structure.layers]
    asked = [(one.cls, one.output_shape, one.params) for one in exercise.layers]
    if layers != asked:
        return ruling("expected", exercise.id, Message("verify.other_layers"))
    if exercise.family is None or course.reference is None:
        return ruling("expected", exercise.id)
    family = load_family(course.reference, exercise.family)
    if data_fingerprint(exercise, family) != measured.data.fingerprint:
        got = Message("verify.other_data", {"exercise": exercise.id})
        return ruling("expected", exercise.id, got, waiting=True)
    return ruling("expected", exercise.id)


def without_threshold(exercises: Iterable[Exercise]) -> Iterator[tuple[str, Message]]:
    """Give, for each exercise for which calibration found no threshold, why there is none."""
    for exercise in exercises:
        measured = exercise.expectation
        entries = measured.thresholds if measured else ()
        if measured is None or not entries or any(one.value is not None for one in entries):
            continue
        found = measured.threshold(entries[0].engine, entries[0].device)
        if found is not None and found.why is not None:
            yield exercise.id, found.why


def _student_notebook(exercise: Exercise) -> Path:
    return exercise.assignment_path / f"{exercise.id}.ipynb"
