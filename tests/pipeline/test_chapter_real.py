"""A chapter notebook, one ``model`` bound to every exercise, is graded exercise by exercise."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "reference/chapter/textbook.ipynb"
CORE = {
    "sequence-prediction",
    "multiplication-simple-rnn",
    "multiplication-lstm",
    "multiplication-gru",
}


@pytest.mark.real
def test_each_exercise_takes_its_own_model_although_one_variable_held_them_all(
    tmp_path: Path,
) -> None:
    source = CHAPTER.read_text(encoding="utf-8")
    assert len(re.findall(r"epochs=100", source)) == 4
    folder = tmp_path / "kim"
    folder.mkdir()
    # As few epochs as the exercises accept: this is about finding models, not about accuracy.
    short = source.replace("epochs=100", "epochs=10")
    (folder / "chapter.ipynb").write_text(short, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "grader", "grade", str(folder), "--jobs", "1"),
            *("--out", str(tmp_path / "out"), "--format", "json", "--lang", "en"),
            *("--exercise", ",".join(sorted(CORE))),
        ],
        env={
            **os.environ,
            "GRADER_COURSE": str(_course_without_accuracy(tmp_path)),
            "GRADER_SECRET_FILE": str(tmp_path / "secret"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stdout, done.stderr
    results = {one["exercise"]: one for one in json.loads(done.stdout)["results"]}
    assert set(results) == CORE, done.stderr
    assert {one["verdict"] for one in results.values()} == {"accepted"}, done.stderr
    cells = [results[name]["cell"] for name in CORE]
    assert len(set(cells)) == 4
    assert all(isinstance(cell, int) for cell in cells)


def _course_without_accuracy(tmp_path: Path) -> Path:
    """The course as before calibration: no threshold, so that ten epochs are enough."""
    course = tmp_path / "course"
    for part in ("assignments", "reference"):
        for name in ("families", *CORE):
            if (ROOT / part / name).is_dir():
                shutil.copytree(ROOT / part / name, course / part / name)
    for path in course.glob("reference/*/expected.json"):
        path.unlink()
    return course
