"""Checks that were left in a notebook at hand-in earn nothing and cost nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.authoring.release import CHECK

pytestmark = pytest.mark.real
ROOT = Path(__file__).resolve().parents[2]
EXERCISE = "sequence-prediction"
SOUND = ROOT / "reference" / EXERCISE / "submissions/accepted/textbook.ipynb"
LEFT = (
    CHECK.format(exercise=EXERCISE),  # with which a released notebook ends
    f"from grader import check\nanswer = check('{EXERCISE}')\nanswer",
    "answer.hint()",
    "print(answer, answer.right, answer.asked)\nfor one in answer.hints:\n    print(one)",
)
NOT_THERE = (
    "import importlib.util, sys\n"
    "import grader\n"
    "assert importlib.util.find_spec('grader').submodule_search_locations is None\n"
    "assert not [name for name in sys.modules if name.startswith('grader.')]\n"
    "assert sorted(name for name in vars(grader) if name[0].islower()) == ['annotations', 'check']"
)


def test_a_sound_notebook_with_checks_left_in_it_has_all_points(tmp_path: Path) -> None:
    notebook = json.loads(SOUND.read_text(encoding="utf-8"))
    notebook["cells"] += [{"cell_type": "code", "source": one} for one in (*LEFT, NOT_THERE)]
    folder = tmp_path / "class" / "kim"
    folder.mkdir(parents=True)
    (folder / f"{EXERCISE}.ipynb").write_text(json.dumps(notebook))
    env = os.environ | {"GRADER_SECRET_FILE": str(tmp_path / "secret")}
    command = (sys.executable, "-m", "grader", "grade", "class", "--out", str(tmp_path / "out"))
    done = subprocess.run(
        (*command, "--lang", "en", "--format", "json"),
        cwd=tmp_path,
        env=env | {"GRADER_COURSE": str(ROOT), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = json.loads(done.stdout)["results"]
    assert (told["verdict"], told["score"]) == ("accepted", 100)
