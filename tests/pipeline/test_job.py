"""What a key covers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.pipeline import job
from grader.pipeline.job import room_code_digest


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
