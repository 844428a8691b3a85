"""What a check calls right the grader calls right, over all samples of the course.

A sample's folder is the grader's verdict. Every fit takes one step and is told of as a whole one
(``live_program``), so nothing is trained; some minutes nevertheless (`make agreement`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.authoring.bundle import release
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
COURSE = load_course(ROOT)
# What the verdict says is wrong. Those that are not here say nothing about these groups: a cell
# failed, or the model is right and not good enough.
WRONG_GROUP = {
    "wrong_architecture": "structure",
    "wrong_data": "data",
    "untrained": "training",
}
LOOKED_AT = (*WRONG_GROUP, "accepted", "no_model", "low_accuracy")
# Where a check does not say what the grader says, and why.
KNOWN = {
    "multiplication-lstm/accepted/batch_input_shape: structure is wrong": "Keras 2's argument is "
    "understood in grading alone; in the student's own Keras the cell that adds the layer fails",
    "temperature-dense/accepted/book_2018_generator: structure is wrong": "calls of 2018 run in "
    "grading alone; in the student's own Keras the cell ends in an error, and the model is half built",
}

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("AGREEMENT" not in os.environ, reason="minutes: make agreement"),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bundle")
    release(COURSE, place)
    return place


def answers(bundle: Path, exercise: str, place: Path) -> dict[str, Any]:
    """Check every sample of an exercise; by verdict and name."""
    samples = ROOT / "reference" / exercise / "submissions"
    paths = [path for one in LOOKED_AT for path in sorted((samples / one).glob("*.ipynb"))]
    beside = bundle / "assignments" / exercise
    shutil.copytree(beside, place, dirs_exist_ok=True)
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "support" / "live_program.py"),
            "--one-step",
            exercise,
            *map(str, paths),
        ],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KERAS_BACKEND": "jax",
            "GRADER_COURSE": str(bundle),
            "IPYTHONDIR": str(place / "ipython"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return {f"{path.parent.name}/{path.stem}": found[str(path)] for path in paths}


def differences(found: dict[str, Any]) -> Iterator[str]:
    """Say where a check calls right what is wrong, or wrong what is right."""
    for name, one in found.items():
        verdict, marks = name.split("/")[0], one["marks"]
        wrong = [group for group, told in marks.items() if "✗" in told]
        group = WRONG_GROUP.get(verdict)
        if verdict == "no_model" and one["right"]:
            yield f"{name}: {one['right']} right without a model"
        if group is not None and set(marks[group]) == {"✓"}:
            yield f"{name}: {group} is right"
        if verdict in {"accepted", "low_accuracy"} and wrong:
            yield f"{name}: {', '.join(wrong)} is wrong"


@pytest.mark.parametrize("exercise", list(COURSE.exercises))
def test_what_a_check_calls_right_is_right(exercise: str, bundle: Path, tmp_path: Path) -> None:
    found = answers(bundle, exercise, tmp_path)
    for name, one in found.items():
        print(f"{exercise}/{name}: {one['marks']} {one['seconds']:.2f} s")
    told = {f"{exercise}/{one}" for one in differences(found)}
    assert told == {one for one in KNOWN if one.startswith(f"{exercise}/")}
