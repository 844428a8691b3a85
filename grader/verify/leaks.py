"""Answers and thresholds that slipped into what students receive.

Enters: a Course. Leaves: a Ruling per public file. Touches: reads what students get, and the
solutions.

An answer is a line between the markers of a solution. Lines that say nothing by themselves, such as
a closing bracket, are no secret; neither is, in another exercise's notebook, a line that some
exercise gives away anyway. How correct runs learn is public, and so many numbers that some are a
threshold's by chance: those are not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from grader.authoring.release import BEGIN, END
from grader.course.exercises import ASSIGNMENTS, Course, Exercise
from grader.course.public import FOLDER
from grader.types import Message
from grader.verify.ruling import Ruling, ruling

TELLING = 12  # characters; what is shorter stands in any program
CURVE = "curve"  # of an exercise, in the public half of a course
DIGITS = 3  # a number with fewer significant digits is no calibration's
PRIVATE_WORDS = ("grader/expected/v1", "false_fail", "false_pass")
_NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class _SolutionLines:
    """A solution's lines: those between the markers, and those that students get."""

    answers: frozenset[str]
    given: frozenset[str]


def leaks(course: Course) -> Iterator[Ruling]:
    """Rule on every file that students get: no answer in it, no threshold.

    Those are below ``assignments/`` and, in what a release wrote, ``grader_course/``.
    """
    solutions = {key: _lines(one) for key, one in course.exercises.items()}
    measured = _measured(course)
    for folder in (ASSIGNMENTS, FOLDER):
        root = course.root / folder
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if not path.is_file() or any(part.startswith((".", "__")) for part in name.parts):
                continue
            content = _readable(path)
            subject = f"{folder}/{name.as_posix()}"
            secret = _secret(name.parts[0], solutions)
            yield ruling("answers", subject, _answer_in(content, secret))
            yield ruling("thresholds", subject, _threshold_in(content, measured))


def _readable(path: Path) -> str:
    """Give a file's text; nothing for data in a form of their own."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def _lines(exercise: Exercise) -> _SolutionLines:
    path = (exercise.reference_path or Path()) / "solution.py"
    answers: set[str] = set()
    given: set[str] = set()
    inside = False
    source = path.read_text("utf-8") if exercise.reference_path and path.is_file() else ""
    for line in map(str.strip, source.splitlines()):
        if line in (BEGIN, END):
            inside = line == BEGIN
        elif len(line) >= TELLING:
            (answers if inside else given).add(line)
    return _SolutionLines(frozenset(answers), frozenset(given))


def _secret(owner: str, solutions: Mapping[str, _SolutionLines]) -> frozenset[str]:
    """Give what must not stand in a file of ``owner``: all of its answers, the others' secrets."""
    answers = frozenset[str]().union(*(one.answers for one in solutions.values()))
    given = frozenset[str]().union(*(one.given for one in solutions.values()))
    own = solutions[owner].answers if owner in solutions else frozenset[str]()
    return (answers - given) | own


def _answer_in(content: str, secret: frozenset[str]) -> Message | None:
    if BEGIN in content:
        return Message("verify.answer_found", {"line": BEGIN})
    found = secret.intersection(map(str.strip, _text(content).splitlines()))
    return Message("verify.answer_found", {"line": min(found)}) if found else None


def _text(content: str) -> str:
    """Give a notebook's cells as text; any other file as it is."""
    try:
        document = json.loads(content)
    except ValueError:
        return content
    cells: list[Any] = document.get("cells", []) if isinstance(document, dict) else []
    return "\n".join("".join(cell.get("source", "")) for cell in cells) if cells else content


def _measured(course: Course) -> dict[Decimal, str]:
    """Give every threshold with enough digits to be told from an ordinary number."""
    found = {}
    for exercise in course.exercises.values():
        for entry in exercise.expectation.thresholds if exercise.expectation else ():
            for number in (entry.value, entry.control):
                shown = Decimal(repr(number)).normalize() if number is not None else Decimal(0)
                if len(shown.as_tuple().digits) >= DIGITS:
                    found[shown] = exercise.id
    return found


def without_curves(content: str) -> str:
    """Give a course's public half without how correct runs learn; any other text as it is."""
    try:
        document = json.loads(content)
    except ValueError:
        return content
    entries = document.get("exercises") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        return content
    some = {
        key: {k: v for k, v in one.items() if k != CURVE} if isinstance(one, dict) else one
        for key, one in entries.items()
    }
    return json.dumps({**document, "exercises": some}, ensure_ascii=False)


def _threshold_in(content: str, measured: Mapping[Decimal, str]) -> Message | None:
    word = next((word for word in PRIVATE_WORDS if word in content), None)
    if word is not None:
        return Message("verify.private_word", {"word": word})
    for number in _NUMBER.findall(_text(without_curves(content))):
        if (owner := measured.get(Decimal(number).normalize())) is not None:
            return Message("verify.threshold_found", {"number": number, "exercise": owner})
    return None
