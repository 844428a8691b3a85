"""What a student sees of an exercise: its notebook, and what it asks for and is worth.

Enters: an Exercise, words. Leaves: Seen. Touches: reads its solution and the files that students
get; runs nothing, for the course that it is asked about may be an earlier one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.authoring.release import stub
from grader.course.exercises import Exercise, ExpectedLayer
from grader.course.expectations import Threshold
from grader.report.wording import class_name, points
from grader.score.checks_structure import expected_text
from grader.text.numbers import number
from grader.text.words import Words
from grader.types import GraderError

_MADE = (".ipynb", ".toml")  # what is shown otherwise


@dataclass(frozen=True)
class Cell:
    """One cell of the notebook that students start from."""

    text: str
    code: bool


@dataclass(frozen=True)
class Seen:
    """What students see of one exercise."""

    title: str
    facts: Mapping[str, str]  # what it is called to what it says, in the reader's language
    cells: tuple[Cell, ...]
    fault: str = ""  # why there is no notebook


def seen(exercise: Exercise, words: Words) -> Seen:
    """Look at an exercise as its students do."""
    title = words.say(exercise.title.message())
    facts = dict(_facts(exercise, words))
    try:
        return Seen(title, facts, _cells(exercise))
    except GraderError as error:
        return Seen(title, facts, (), words.say(error.message))


def _cells(exercise: Exercise) -> tuple[Cell, ...]:
    """Give the cells as ``grader release`` makes them; none where there is no solution."""
    solution = exercise.reference_path and exercise.reference_path / "solution.py"
    if solution is None or not solution.is_file():
        return ()
    notebook = stub(solution, exercise)
    return tuple(Cell(one.source, one.cell_type == "code") for one in notebook.cells)


def _facts(exercise: Exercise, words: Words) -> Iterator[tuple[str, str]]:
    yield words("changed.title_ko"), exercise.title.ko
    yield words("changed.title_en"), exercise.title.en
    for cls, worth in exercise.points.items():
        yield words("changed.points", what=class_name(cls, words)), points(worth)
    yield from _sizes(exercise, words)
    for one in exercise.elsewhere:
        for label, value in _sizes(one, words):
            yield words("changed.at_profile", what=label, profile=one.profile), value
    for place, hint in enumerate(exercise.hints, start=1):
        said = " / ".join(str(hint.message.args.get(lang) or "") for lang in ("ko", "en"))
        yield words("changed.hint", number=place), f"{hint.when}: {said}"
    for path in sorted(exercise.assignment_path.glob("*")):
        if path.is_file() and path.suffix not in _MADE:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:8]
            size = words("changed.size", bytes=len(content), digest=digest)
            yield words("changed.data_file", name=path.name), size


def _sizes(exercise: Exercise, words: Words) -> Iterator[tuple[str, str]]:
    """Give what a profile may say otherwise, and the thresholds that were measured there."""
    yield words("changed.epochs"), number(exercise.epochs)
    yield words("changed.min_epochs"), number(exercise.min_epochs)
    yield words("changed.input"), _shape(exercise.input_shape)
    for place, layer in enumerate(exercise.layers, start=1):
        yield words("changed.layer", number=place), words.compared(expected_text(layer))
    yield words("changed.parameters"), number(exercise.total_params)
    for place, other in enumerate(exercise.accept, start=1):
        said = f"{words.say(other.note)} {_layers(other.layers, words)}"
        yield words("changed.accepted", number=place), said
    if exercise.limits.timeout is not None:
        yield words("changed.timeout"), f"{exercise.limits.timeout:g}"
    measured = exercise.expectation.thresholds if exercise.expectation is not None else ()
    for one in measured:
        label = words("changed.threshold", engine=one.engine, device=one.device)
        yield label, _threshold(one, words)


def _threshold(entry: Threshold, words: Words) -> str:
    if entry.value is None:
        return words("changed.no_threshold")
    key = "changed.at_most" if entry.better == "lower" else "changed.at_least"
    return words(key, figure=entry.metric, value=f"{entry.value:.6g}")


def _layers(layers: tuple[ExpectedLayer, ...], words: Words) -> str:
    return "; ".join(words.compared(expected_text(one)) for one in layers)


def _shape(shape: tuple[int | None, ...]) -> str:
    inner = ", ".join("?" if size is None else str(size) for size in shape)
    return f"({inner}{',' if len(shape) == 1 else ''})"
