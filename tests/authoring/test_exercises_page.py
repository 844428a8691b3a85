"""docs/exercises.md says what the exercises ask for; after a change: ``make exercises-table``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.course.exercises import Exercise
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/exercises.md"
EXERCISES = list(load_course(ROOT).exercises.values())
Row = tuple[str, str, int]
OUTDATED = "run: make exercises-table"


def shown(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def told() -> dict[str, list[Row]]:
    """The page's table: per exercise its rows of layer, output and parameters, the total last."""
    found: dict[str, list[Row]] = {}
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip(" *`") for cell in line.split("|")[1:-1]]
        if len(cells) != 5 or not re.fullmatch(r"\d*", cells[3]):
            continue
        if cells[0]:
            found[cells[0]] = [("input", cells[2], 0)]
        else:
            list(found.values())[-1].append((cells[1], cells[2], int(cells[3])))
    return found


def told_of(exercise: Exercise) -> list[Row]:
    rows = told()
    assert exercise.id in rows, OUTDATED
    return rows[exercise.id]


def test_every_exercise_is_on_the_page_in_the_courses_order() -> None:
    assert list(told()) == [exercise.id for exercise in EXERCISES], OUTDATED


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)
def test_the_references_model_is_the_one_that_the_exercise_asks_for(exercise) -> None:
    layers = [(one.cls, shown(one.output_shape), one.params) for one in exercise.layers]
    total = ("total", "", exercise.total_params)
    asked = [("input", shown(exercise.input_shape), 0), *layers, total]
    assert told_of(exercise) == asked, OUTDATED


@pytest.mark.parametrize(
    "exercise", [one for one in EXERCISES if one.expectation], ids=lambda one: one.id
)
def test_the_page_shows_what_calibration_saw(exercise) -> None:
    layers = [
        (one.cls, shown(one.output_shape), one.params)
        for one in exercise.expectation.structure.layers
    ]
    assert told_of(exercise)[1:-1] == layers, OUTDATED


@pytest.mark.real
def test_the_references_build_what_the_page_says(tmp_path: Path) -> None:
    out = tmp_path / "exercises.md"
    command = [sys.executable, str(ROOT / "tools/exercises-table.py"), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert out.read_text("utf-8") == PAGE.read_text("utf-8"), OUTDATED
