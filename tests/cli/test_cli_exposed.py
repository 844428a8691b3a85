"""``grader grade`` refuses before anything runs where notebooks could read what is ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.cli.calibrate import run_calibrate, run_check_calibration
from grader.cli.check import CheckOptions, run_check
from grader.cli.prepare import run_prepare
from grader.types import GraderError
from tests.support.cli_help import ROOT, Shell

SOUND = ROOT / "reference/sequence-prediction/submissions/accepted/textbook.ipynb"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder among the packages, for this test."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr("grader.room.choose.readable_paths", lambda: (folder,))
    return folder


@pytest.mark.parametrize("level", ["auto", "full", "reduced"])
def test_results_among_the_packages_are_refused_and_nothing_is_made(
    shell: Shell, shown: Path, level: str
) -> None:
    shell.out = shown / "out"
    said = shell.grade(SOUND, "--isolation", level)
    assert said.code == 2
    assert str(shell.out) in said.line
    assert str(shown) in said.line
    assert "--out" in said.line
    assert not shell.out.exists()


def test_a_secret_among_the_packages_is_refused(
    shell: Shell, shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_SECRET_FILE", str(shown / "secret"))
    said: Any = shell.grade(SOUND)
    assert said.code == 2
    assert "GRADER_SECRET_FILE" in said.line


@pytest.mark.parametrize(
    "run",
    [
        lambda: run_check(CheckOptions((SOUND,), None, "auto", None, None)),
        lambda: run_calibrate(("sequence-prediction",), 1, "auto", 1, None, None),
        lambda: run_check_calibration(("sequence-prediction",), "auto", None),
        lambda: run_prepare(None),
    ],
    ids=["check", "calibrate", "check-calibration", "prepare"],
)
def test_every_command_that_runs_notebooks_refuses_it(
    run: Callable[[], int], shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_SECRET_FILE", str(shown / "secret"))
    monkeypatch.chdir(ROOT)
    with pytest.raises(GraderError) as refused:
        run()
    assert refused.value.message.id == "room.exposed_secret"


def test_submissions_among_the_packages_are_refused(shell: Shell, shown: Path) -> None:
    (shown / "kim").mkdir()
    (shown / "kim" / SOUND.name).write_bytes(SOUND.read_bytes())
    said = shell.grade(shown / "kim")
    assert said.code == 2
    assert str(shown / "kim") in said.line
