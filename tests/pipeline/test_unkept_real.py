"""A class graded from a home that takes nothing: nobody loses anything, and nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homes import read_only

pytestmark = pytest.mark.real
ROOT = Path(__file__).resolve().parents[2]
SOUND = ROOT / "reference/sequence-prediction/submissions/accepted/textbook.ipynb"


def test_all_are_graded_it_is_said_once_and_nothing_is_left(tmp_path: Path) -> None:
    for student in ("kim", "lee"):
        folder = tmp_path / "class" / student
        folder.mkdir(parents=True)
        notebook = json.loads(SOUND.read_text(encoding="utf-8"))
        notebook["cells"].append({"cell_type": "code", "source": f"print({student!r})"})
        (folder / "sequence-prediction.ipynb").write_text(json.dumps(notebook))
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    env = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    env |= {"HOME": str(home), "GRADER_SECRET_FILE": str(tmp_path / "secret")}
    env |= {"GRADER_COURSE": str(ROOT), "PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-m", "grader", "grade", "class", "--out", str(out))
    with read_only(home):
        done = subprocess.run(
            (*command, "--lang", "en", "--format", "json", "--isolation", "full"),
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Results of trainings cannot be kept") == 1
    assert "Read-only file system" in done.stderr
    results = json.loads(done.stdout)["results"]
    assert {one["student"]: one["verdict"] for one in results} == dict.fromkeys(
        ("kim", "lee"), "accepted"
    )
    assert not (out / ".grader-trained").exists()
