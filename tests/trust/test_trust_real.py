"""Notebooks that have the points without the work, and honest ones with the same oddity.

Each folder of ``cheats`` is one idea; the folder of the same name in ``twins`` does something alike
and does the work. All are graded where our own room trains. ``make trust``: it takes the machine
a quarter of an hour.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.attacks, pytest.mark.trust]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
IDEAS = sorted(path.name for path in (HERE / "cheats").iterdir())
COURSE = ("assignments", "reference")
KNOWN_TO_PASS = {
    "story_and_word": "what is claimed with right data, model and settings earns what it would have "
    "earned by asking, whether or not anything was trained (ADR 73)",
    "frozen_reservoir": "the letters are right, and the same training with all layers learning, which "
    "is ours, comes as far (ADR 73); that a layer was frozen is not looked at",
    "last_letter_weighs": "a row counts where any of its steps weighs, as where padding is left out "
    "(ADR 105), and the letter that is asked for is the last one",
    "blinded": "a setting that the exercise does not name (dropout) is not looked at, and nothing is "
    "asked of this model, whose loss fell: the last layer learned the mean",
    "shouting_rows": "one window in twenty may be of no weather there was, whatever it weighs or "
    "holds, and nothing is asked of the dense network, whose loss fell",
}


def graded(course: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Grade a folder; gives the results by idea."""
    out = course / kind
    command = [sys.executable, "-m", "grader", "grade", str(HERE / kind), "--out", str(out)]
    done = subprocess.run(
        [*command, "--format", "json", "--lang", "en"],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr[-3000:]
    return {one["student"]: one for one in json.loads(done.stdout)["results"]}


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, with trainings of its own."""
    folder = tmp_path_factory.mktemp("course")
    for name in COURSE:
        (folder / name).symlink_to(ROOT / name)
    (folder / "course.toml").write_text('trainings = "trainer"\n')
    return folder


@pytest.fixture(scope="session")
def twins(course: Path) -> dict[str, dict[str, Any]]:
    """What became of the honest ones."""
    return graded(course, "twins")


@pytest.fixture(scope="session")
def cheats(course: Path) -> dict[str, dict[str, Any]]:
    """What became of the others."""
    return graded(course, "cheats")


@pytest.mark.parametrize("idea", IDEAS)
def test_an_honest_notebook_with_the_same_oddity_is_accepted(
    idea: str, twins: dict[str, dict[str, Any]]
) -> None:
    told = twins[idea]
    assert (told["verdict"], told["score"]) == ("accepted", 100.0), told


@pytest.mark.parametrize("idea", IDEAS)
def test_without_the_work_nobody_has_all_the_points(
    idea: str, cheats: dict[str, dict[str, Any]]
) -> None:
    told = cheats[idea]
    full = (told["verdict"], told["score"]) == ("accepted", 100.0)
    assert full is (idea in KNOWN_TO_PASS), told
