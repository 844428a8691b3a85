"""What is still to be measured on the trainer, in pieces."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location(
    "calibrate_on_trainer", ROOT / "tools/calibrate-on-trainer.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
tool = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = tool
_SPEC.loader.exec_module(tool)
Piece = tool.Piece


def test_all_exercises_grow_together_to_what_each_is_to_have() -> None:
    found = list(tool.pieces({"multiplication-gru": 0, "char-text": 0}))
    assert found[:4] == [
        Piece("multiplication-gru", 10),
        Piece("char-text", 10),
        Piece("multiplication-gru", 20),
        Piece("char-text", 20),
    ]
    assert [one.runs for one in found if one.exercise == "char-text"] == [10, 20, 30, 40]
    assert [one.runs for one in found if one.exercise != "char-text"] == list(range(10, 101, 10))


def test_what_is_there_is_not_asked_for_again_and_what_a_piece_lost_is() -> None:
    assert list(tool.pieces({"char-text": 40})) == []
    assert list(tool.pieces({"char-text": 39})) == [Piece("char-text", 40)]
    assert [one.runs for one in tool.pieces({"char-text": 15})] == [20, 30, 40]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would be run; nothing is."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        changed = "--quiet" in command and "diff" in command
        return subprocess.CompletedProcess(command, int(changed), "", "")

    monkeypatch.setattr(tool.subprocess, "run", run)
    monkeypatch.setattr(tool, "runs_of", lambda _: 30)
    monkeypatch.setattr(tool, "wanted", lambda one: 40 if one == "char-text" else 0)
    return commands


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setattr(sys, "argv", ["calibrate-on-trainer.py", *arguments])
    return tool.main()


def test_a_piece_is_a_calibration_and_a_commit(
    world: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called(monkeypatch, "--commit", "--without-kernel") == 0
    calibrate, add, _, commit = world
    assert calibrate[1:6] == ["-m", "grader", "calibrate", "char-text", "--engine"]
    assert calibrate[6:9] == ["trainer", "--seeds", "40"]
    assert add[3] == "add"
    assert "Calibration: char-text, 40 runs on the trainer" in commit


def test_without_a_kernel_or_time_nothing_begins(
    world: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="Keras' own loops"):
        called(monkeypatch)
    assert called(monkeypatch, "--without-kernel", "--minutes", "0") == 0
    assert called(monkeypatch, "--dry-run") == 0
    assert world == []
