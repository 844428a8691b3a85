"""What a key covers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.course.load import load_course
from grader.pipeline import job
from grader.pipeline.job import Job, Settings, room_code_digest
from grader.pipeline.runner import Slot
from grader.types import Cell, Engine, HandedIn, Level, Notebook, Submission


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


def key(*files: HandedIn) -> str:
    course = load_course(job.PACKAGE.parent)
    notebook = Notebook((Cell(1, "x"),), None, "digest")
    path = Path("/nowhere/kim.ipynb")
    one = Submission("kim.ipynb", "kim", path, ("char-text",), notebook, None, "0", files=files)
    return Job(course, Settings(bytes(32)), one, Level.FULL).execution_key(
        Slot((0,)), Engine.JAX, 1
    )


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
