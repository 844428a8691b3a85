"""The bench of the coordinator's cost: its steps run on what no room needs to see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.cli_help import ROOT

SCRIPT = ROOT / "benchmarks" / "queue_cost.py"


def step(name: str, place: Path) -> dict[str, Any]:
    """One step in its own process: it watches methods of the grader's own classes."""
    command = [sys.executable, SCRIPT, "--step", name, "--place", place, "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def test_a_class_is_graded_resumed_and_scored_anew(tmp_path: Path) -> None:
    for student in ("kim", "lee"):
        place = tmp_path / "class" / student
        place.mkdir(parents=True)
        (place / "multiplication-lstm.ipynb").write_text(f'{{"cut off by": "{student}', "utf-8")
    graded, resumed = step("grade", tmp_path), step("resume", tmp_path)
    assert (graded["submissions"], graded["reused"]) == (2, 0)
    assert (resumed["submissions"], resumed["reused"]) == (2, 2)
    assert graded["disk_kb"] > 0
    assert step("regrade", tmp_path)["records"] == 2
