"""The cache is filled by two runs of each reference: neither costs it what the other compiled."""

from __future__ import annotations

import zlib
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.calibration import compiling
from grader.calibration.compiling import Failed, fill
from grader.cli import prepare
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.execution import CellRun, Execution
from grader.room.xla_cache import cache_folder
from grader.trainer import building
from grader.types import CellError, Engine, GraderError, Message, Outcome
from tests.calibration.test_calibrate import GRU, ROOM, SLOT, one_exercise
from tests.support import builders as b
from tests.support.cli_help import NoRoom

TRAINING, NOTEBOOK = "cli.prepare_training_failed", "cli.prepare_notebook_failed"
DEAD = Message("execute.no_driver", {"log": "killed"})
TOLD = {Engine.TENSORFLOW: TRAINING, Engine.JAX: NOTEBOOK}  # the trainer's is on TensorFlow
ENGINES = pytest.mark.parametrize("engine", TOLD)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return one_exercise(tmp_path)


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[Engine, Any]:
    """Each run compiles a program and ends well, or as is set here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ends: dict[Engine, Any] = {}

    def execute(run: Any, room: Any, **_: Any) -> Execution:
        (room.folder / f"{run.engine}-cache").write_bytes(zlib.compress(b"a program"))
        end = ends.get(run.engine, {})
        if isinstance(end, GraderError):
            raise end
        return replace(b.execution(), **end)

    monkeypatch.setattr(compiling, "execute", execute)
    monkeypatch.setattr(compiling, "trainer", lambda *_: nullcontext(lambda: None))
    monkeypatch.setattr(compiling, "extract", lambda *_: None)
    return ends


def kept() -> set[str]:
    return {path.name for path in cache_folder().iterdir()}


def test_what_both_runs_compiled_is_kept(course: Course) -> None:
    (made,) = fill(course, ROOM, SLOT)
    assert (made.exercise, made.added, made.failed) == (GRU, 2, ())
    assert kept() == {"tensorflow-cache", "jax-cache"}


@ENGINES
def test_a_run_that_fails_costs_neither_what_it_compiled_nor_the_other(
    engine: Engine, course: Course, ended: dict[Engine, Any]
) -> None:
    ended[engine] = GraderError(DEAD)
    (made,) = fill(course, ROOM, SLOT)
    assert made.failed == (Failed(TOLD[engine], DEAD),)
    assert kept() == {"tensorflow-cache", "jax-cache"}


@ENGINES
@pytest.mark.parametrize(
    ("end", "why"),
    [
        ({"outcome": Outcome.TIME_LIMIT}, Message("outcome.time_limit")),
        (
            {"cells": (CellRun(4, "error", 1.0, "", CellError("ValueError", "no", "")),)},
            Message("cli.prepare_cell_failed", {"cell": 4, "error": "ValueError: no"}),
        ),
    ],
)
def test_a_run_that_ends_early_is_told_with_its_reason(
    engine: Engine, end: dict[str, Any], why: Message, course: Course, ended: dict[Engine, Any]
) -> None:
    ended[engine] = end
    (made,) = fill(course, ROOM, SLOT)
    assert made.failed == (Failed(TOLD[engine], why),)


def test_a_reference_whose_epochs_nobody_can_shorten_is_told(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = Message("calibrate.no_epochs", {"exercise": GRU})

    def refuse(*_: object) -> None:
        raise GraderError(why)

    monkeypatch.setattr(compiling, "one_epoch", refuse)
    (made,) = fill(course, ROOM, SLOT)
    assert (made.added, made.failed) == (0, (Failed(TRAINING, why), Failed(NOTEBOOK, why)))


def test_prepare_says_what_failed_and_goes_on(
    course: Course,
    ended: dict[Engine, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended[Engine.TENSORFLOW] = GraderError(DEAD)
    monkeypatch.setenv("GRADER_SIGNING_KEY_FILE", str(tmp_path / "signing.key"))
    monkeypatch.setattr(environment, "engines", lambda: (Engine.JAX,))
    monkeypatch.setattr(environment, "missing", lambda _: ())
    monkeypatch.setattr(prepare, "course_to_grade_with", lambda _: load_course(course.root))
    monkeypatch.setattr(prepare, "open_room", lambda *_: NoRoom())
    monkeypatch.setattr(building, "build", lambda *_: Message("kernel.no_compiler"))
    assert prepare.run_prepare("en") == 0
    *_, added, failed = capsys.readouterr().out.splitlines()
    assert added == f"{GRU}: programs compiled: 2."
    assert failed.startswith(f"{GRU}: the training")
    assert "Its last words: killed. What" in failed
