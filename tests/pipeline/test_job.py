"""What a key covers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.course.load import load_course
from grader.pipeline import job
from grader.pipeline.job import Job, Settings, room_code_digest
from grader.pipeline.runner import Slot
from grader.submission import Cell, HandedIn, Notebook, Submission
from grader.types import Engine, Level


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, whose digest is asked for."""
    copy = tmp_path / "grader"
    shutil.copytree(job.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(job, "PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("kernel/start.py", True),
        ("driver/converse.py", True),
        ("execute/claims.py", True),
        ("arrays.py", True),
        ("plain_files.py", True),
        ("room/inside/launcher.py", True),
        ("score/score.py", False),
        ("code/engines.py", False),
    ],
)
def test_what_runs_with_a_notebook_or_reads_its_claims_is_part_of_a_runs_key(
    package: Path, file: str, counts: bool
) -> None:
    before = room_code_digest.__wrapped__()
    with (package / file).open("a", encoding="utf-8") as source:
        source.write("# changed\n")
    assert (room_code_digest.__wrapped__() != before) is counts


def made(
    *files: HandedIn,
    student: str = "kim",
    asks: bool = False,
    level: Level = Level.FULL,
    **settings: Any,
) -> Job:
    course = replace(load_course(job.PACKAGE.parent), asks_trainer=asks)
    notebook = Notebook((Cell(1, "x"),), None, "digest")
    path = Path("/nowhere/kim.ipynb")
    one = Submission("kim.ipynb", student, path, ("char-text",), notebook, None, "0", files=files)
    return Job(course, Settings(bytes(32), **settings), one, level)


def key(*files: HandedIn) -> str:
    return made(*files).execution_key(Slot((0,)), Engine.JAX, 1)


def test_the_epochs_are_part_of_a_runs_key_where_the_notebook_asks_for_numbers() -> None:
    course = load_course(job.PACKAGE.parent)
    path = Path("/nowhere/kim.ipynb")

    def limits(source: str) -> dict[str, object]:
        notebook = Notebook((Cell(1, source),), None, "digest")
        one = Submission("k", "kim", path, ("sequence-prediction",), notebook, None, "0")
        return Job(course, Settings(bytes(32)), one, Level.FULL)._limits(Engine.JAX)

    assert limits("n = input()")["epochs"] == 100
    assert "epochs" not in limits("n = 100")


def test_the_author_s_own_files_are_part_of_a_runs_key_by_name_and_content() -> None:
    file = HandedIn("helper.py", Path("/nowhere/helper.py"), (), "0" * 64)
    moved = HandedIn("helper.py", Path("/elsewhere.zip"), (3,), "0" * 64)
    changed = HandedIn("helper.py", Path("/nowhere/helper.py"), (), "1" * 64)
    renamed = HandedIn("helpers.py", Path("/nowhere/helper.py"), (), "0" * 64)
    assert key(file) == key(moved)
    assert len({key(), key(file), key(changed), key(renamed), key(file, renamed)}) == 5


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both engines are there."""
    monkeypatch.setattr("grader.environment.engines", lambda: (Engine.TENSORFLOW, Engine.JAX))


@pytest.mark.usefixtures("both")
def test_where_a_trainer_trains_everybody_has_the_same_seed() -> None:
    def of(attempt: int, **changes: Any) -> int:
        return made(**changes).seed(attempt)

    assert of(1, asks=True) == of(1, asks=True, student="lee") != of(2, asks=True)
    alone = {of(1), of(1, student="lee"), of(1, asks=True)}
    assert len(alone) == 3
    assert of(1, asks=True, engine="jax") == of(1), "on JAX it trains by itself"
    assert of(2, asks=True, seed=7) == 8


@pytest.mark.usefixtures("both")
def test_whose_training_it_is_is_part_of_a_runs_key_where_it_is_the_trainers() -> None:
    def of(engine: Engine, **changes: Any) -> str:
        return made(seed=1, **changes).execution_key(Slot((0,)), engine, 1)

    assert of(Engine.TENSORFLOW) != of(Engine.TENSORFLOW, asks=True)
    assert of(Engine.JAX) == of(Engine.JAX, asks=True)


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("asks", "said", "trains"),
    [
        (False, None, False),
        (True, None, True),
        (False, True, True),
        (True, False, False),
    ],
)
def test_what_the_call_says_of_who_trains_comes_before_what_the_course_says(
    asks: bool, said: bool | None, trains: bool
) -> None:
    one = made(asks=asks, trainer=said)
    assert one.asks_trainer(one.choice.engine) is trains
    assert one.choice.engine is (Engine.TENSORFLOW if trains else Engine.JAX)
    assert job.may_ask(one.course, one.settings, Level.FULL) is trains


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("level", Level)
def test_in_an_open_room_notebooks_train_by_themselves_and_run_as_they_always_did(
    level: Level,
) -> None:
    one, closed = made(asks=True, level=level), level is not Level.NONE
    assert one.asks_trainer(Engine.TENSORFLOW) is closed
    assert one.choice.engine is (Engine.TENSORFLOW if closed else Engine.JAX)
    assert job.may_ask(one.course, one.settings, level) is closed
    assert one.seed(1) != made(level=level, student="lee").seed(1)


@pytest.mark.parametrize(
    ("installed", "lacks"),
    [
        ((Engine.TENSORFLOW,), "jax"),
        ((Engine.JAX,), "tensorflow"),
        ((Engine.TENSORFLOW, Engine.JAX), None),
    ],
)
def test_what_the_room_that_trains_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[Engine, ...], lacks: str | None
) -> None:
    monkeypatch.setattr("grader.environment.engines", lambda: installed)
    why = job.no_trainer(Level.FULL)
    assert (why and why.args["engine"]) == lacks
    one = made(asks=True)
    assert job.may_ask(one.course, one.settings, Level.FULL) is (lacks is None)
    assert one.asks_trainer(Engine.TENSORFLOW) is (lacks is None)
