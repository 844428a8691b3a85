"""What students receive, used as students use it: no instructor's files, no network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.authoring.bundle import release
from grader.authoring.release import full, text
from grader.course.exercises import Course
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
PROBE = ROOT / "tests/code/probes/run_cells.py"
NO_NETWORK = ("unshare", "--user", "--map-root-user", "--net")
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT)


@pytest.fixture(scope="module")
def bundle(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("students") / "bundle"
    release(course, out)
    return out


def filled_in(course: Course, bundle: Path, name: str, epochs: int | None = None) -> Path:
    """Put the answers into a student's notebook; with fewer epochs where asked for."""
    exercise = course.exercise(name)
    assert exercise.reference_path is not None
    source = text(full(exercise.reference_path / "solution.py", exercise))
    if epochs is not None:
        source, count = re.subn(r"epochs=\d+", f"epochs={epochs}", source)
        assert count
    path = bundle / "assignments" / name / f"{name}.ipynb"
    path.write_text(source, "utf-8")
    return path


def as_handed_out(bundle: Path, name: str) -> Path:
    """Copy a notebook of the bundle beside it, untouched."""
    path = bundle / "assignments" / name / f"{name}.ipynb"
    return Path(shutil.copy(path, path.with_stem(f"{name}-untouched")))


def test_every_notebook_runs_from_top_to_bottom_without_a_network(
    course: Course, bundle: Path, whole: bool
) -> None:
    """Each as it is handed out, and with its answers; without ``--whole`` every third."""
    names = list(course.exercises) if whole else list(course.exercises)[::3]
    untouched = [as_handed_out(bundle, name) for name in names]
    if subprocess.run([*NO_NETWORK, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no empty network to be had here")
    paths = [*untouched, *(filled_in(course, bundle, name, epochs=1) for name in names)]
    done = subprocess.run(
        [*NO_NETWORK, sys.executable, str(PROBE), *map(str, paths)],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "KERAS_HOME": str(bundle / "keras"),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["interfaces"] == ["lo"]
    assert said["ended"] == dict.fromkeys([*(path.stem for path in untouched), *names])
    assert done.stdout.count("none of your variables holds a Keras model") == len(untouched)


def test_a_student_finds_the_filled_in_notebook_ready_to_hand_in(
    course: Course, bundle: Path, tmp_path: Path
) -> None:
    """``grader check`` with the bundle alone: its stub is not ready, with the answers it is."""
    place = tmp_path / "home"
    shutil.copytree(bundle, place)
    environment = {k: v for k, v in os.environ.items() if k != "GRADER_COURSE"}

    def check() -> subprocess.CompletedProcess[str]:
        name = "assignments/sequence-prediction/sequence-prediction.ipynb"
        return subprocess.run(
            [sys.executable, "-m", "grader", "check", name, "--lang", "en"],
            cwd=place,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    release(course, place)
    stub = check()
    assert stub.returncode == 1, stub.stdout + stub.stderr
    filled_in(course, place, "sequence-prediction")
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ready to hand in" in done.stdout
