"""Curves of correct runs, out of lines that were kept; what a release makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.authoring.public import public_files
from grader.calibration.curves import (
    FEWEST,
    Learned,
    curve_of,
    engine_asked,
    keep,
    read,
    write_curve,
)
from grader.calibration.learning import engine_for
from grader.course.curves import SHARES, as_table, from_table, read_curve
from grader.course.data import data_fingerprint
from grader.course.exercises import Course
from grader.course.families import load_family
from grader.course.load import load_course
from grader.course.public import FILE, read_public
from grader.types import Engine
from tests.support.course_help import course_of

ROOT = Path(__file__).resolve().parents[2]
SEQUENCE = "sequence-prediction"
EPOCHS = 100
DATA = "sha256:these"


def losses(number: int, epochs: int = EPOCHS) -> list[float]:
    """A played run: it falls, and the higher its number, the slower."""
    return [(1.0 + number / 10) * 0.97**epoch for epoch in range(epochs)]


def line(number: int, epochs: int = EPOCHS, **changes: Any) -> dict[str, Any]:
    told = {"seed": number, "data": DATA, "loss": "mse"}
    return {**told, "curves": {"loss": losses(number, epochs)}, **changes}


def lines(count: int = 40) -> list[dict[str, Any]]:
    return [line(number) for number in range(count)]


def test_it_tells_what_each_share_of_the_runs_was_at_or_below() -> None:
    curve = curve_of(lines(), EPOCHS)
    assert curve is not None
    assert (curve.loss, curve.runs, curve.epochs[-1]) == ("mse", 40, EPOCHS // 2)
    at = [losses(number)[19] for number in range(40)]
    assert curve.at(20) == pytest.approx(np.quantile(at, SHARES), rel=5e-3)


def test_the_order_of_the_runs_does_not_matter() -> None:
    assert curve_of(lines()[::-1], EPOCHS) == curve_of(lines(), EPOCHS)


@pytest.mark.parametrize(
    "runs",
    [
        [],
        lines(FEWEST - 1),
        [line(number, EPOCHS // 2 - 1) for number in range(FEWEST)],  # too short
        [line(number, curves={"loss": [None] * EPOCHS}) for number in range(FEWEST)],
        [line(number, curves={}) for number in range(FEWEST)],
        [line(number, loss="") for number in range(FEWEST)],  # nobody knows of what
    ],
)
def test_of_too_few_runs_there_is_none(runs: list[dict[str, Any]]) -> None:
    assert curve_of(runs, EPOCHS) is None


def test_runs_of_another_loss_are_left_out() -> None:
    odd = [line(number, loss="mae") for number in range(40, 45)]
    assert curve_of([*lines(), *odd], EPOCHS) == curve_of(lines(), EPOCHS)


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    keep(tmp_path, SEQUENCE, DATA, Learned("jax", 1, "mse", {"loss": (1.0, 0.5)}))
    with (tmp_path / f"{SEQUENCE}-jax.jsonl").open("a") as file:
        file.write('{"seed": 2, "da')
    assert list(read(tmp_path, SEQUENCE, "jax")) == [1]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return course_of(tmp_path / "course", SEQUENCE)


def kept(folder: Path, data: str, count: int = 40, way: str = "jax") -> None:
    for number in range(count):
        keep(folder, SEQUENCE, data, Learned(way, number, "mse", {"loss": losses(number)}))


def fingerprint(course: Course) -> str:
    measured = course.exercise(SEQUENCE).expectation
    assert measured is not None
    return measured.data.fingerprint


def test_a_release_carries_it_and_a_check_reads_it(course: Course, tmp_path: Path) -> None:
    lines, exercise = tmp_path / "lines", course.exercise(SEQUENCE)
    kept(lines, fingerprint(course))
    curve = write_curve(lines, exercise, fingerprint(course))
    assert curve is not None
    for name, content in public_files(load_course(course.root)).items():
        path = tmp_path / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert read_public(tmp_path / "public").curves == {SEQUENCE: curve}


def test_one_of_other_data_stays_at_home(course: Course, tmp_path: Path) -> None:
    lines, exercise = tmp_path / "lines", course.exercise(SEQUENCE)
    kept(lines, DATA)
    assert write_curve(lines, exercise, fingerprint(course)) is None
    assert write_curve(lines, exercise, DATA) is not None
    table = json.loads(public_files(load_course(course.root))[FILE])
    assert "curve" not in table["exercises"][SEQUENCE]


def test_runs_of_every_way_count_together(course: Course, tmp_path: Path) -> None:
    exercise = course.exercise(SEQUENCE)
    kept(tmp_path, DATA, 12, "jax")
    kept(tmp_path, DATA, 12, "trainer")
    curve = write_curve(tmp_path, exercise, DATA)
    assert curve is not None
    assert curve.runs == 24
    assert exercise.reference_path is not None
    assert read_curve(exercise.reference_path, exercise.profile, DATA) == curve


def test_of_an_embedding_the_lines_of_students_engine_alone_count(
    course: Course, tmp_path: Path
) -> None:
    """There it learns otherwise: a word that comes twice in a batch has two gradients."""
    exercise = course.exercise(SEQUENCE)
    words = replace(exercise, layers=(replace(exercise.layers[0], cls="Embedding"),))
    kept(tmp_path, DATA, 40, "trainer")
    kept(tmp_path, DATA, FEWEST - 1, "tensorflow")
    assert write_curve(tmp_path, words, DATA) is None
    kept(tmp_path, DATA, FEWEST, "tensorflow")
    curve = write_curve(tmp_path, words, DATA)
    assert curve is not None
    assert (curve.runs, curve.engine) == (FEWEST, "tensorflow")
    assert from_table(as_table(curve)) == curve
    assert (engine_for(words), engine_for(exercise)) == (Engine.TENSORFLOW, Engine.JAX)


def test_the_courses_curves_can_be_told_on_students_engine() -> None:
    course = load_course(ROOT)
    assert course.reference is not None
    for one in course.exercises.values():
        assert one.reference_path is not None
        family = load_family(course.reference, one.family or "")
        curve = read_curve(one.reference_path, one.profile, data_fingerprint(one, family))
        asked = engine_asked(one)
        assert curve is None or curve.engine == (asked.value if asked is not None else "")


def test_no_level_tells_where_correct_work_ends(course: Course, tmp_path: Path) -> None:
    """The threshold lies beyond the end of correct runs; of the second half nothing is told."""
    exercise = course.exercise(SEQUENCE)
    ends = [dict(line(number)) for number in range(40)]
    other = [
        line(number, curves={"loss": [*losses(number)[: EPOCHS // 2], *([9.0] * 50)]})
        for number in range(40)
    ]
    assert curve_of(ends, exercise.epochs) == curve_of(other, exercise.epochs)
    short = replace(exercise, epochs=10)
    curve = curve_of(ends, short.epochs)
    assert curve is not None
    assert curve.epochs[-1] == 5
