"""What a check calls right the grader calls right: over samples whose folder is the grader's verdict.

The notebooks run in one session of IPython, one after the other, on whatever Keras is here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.authoring.bundle import release
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
NOTHING = {"structure": "○", "data": "○", "training": "○"}
# By sample: which groups hold something wrong; what is not wrong there is right, or is said not to
# be known, or not to be attempted.
SAMPLES = {
    "sequence-prediction": {
        "accepted/textbook": "",
        "accepted/nine_windows": "",
        "accepted/trained_in_steps": "",
        "no_model/empty_cells": "",
        "untrained/never_fitted": "",
        "untrained/two_epochs": "training",
        "wrong_architecture/five_units": "structure",
        "wrong_architecture/sequences_returned": "structure",
        "wrong_data/last_input": "data",
        "wrong_data/half_for_validation": "data",
    },
    "char-text": {
        "accepted/plain_dense_sparse": "",
        "no_model/frequency_table": "",
        "untrained/never_fitted": "",
        "untrained/two_epochs": "training",
        "wrong_architecture/fifty_units": "structure",
        "wrong_data/target_is_input": "data",
    },
}


def run(place: Path, exercise: str, names: list[str]) -> dict[str, Any]:
    samples = ROOT / "reference" / exercise / "submissions"
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "support" / "live_program.py"),
            exercise,
            *(str(samples / f"{name}.ipynb") for name in names),
        ],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KERAS_BACKEND": "jax",
            "GRADER_COURSE": str(place),
            "IPYTHONDIR": str(place / "ipython"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: found[str(samples / f"{name}.ipynb")] for name in names}


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def exercise(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def answers(exercise: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("bundle")
    release(load_course(ROOT), place)
    return run(place, exercise, list(SAMPLES[exercise]))


@pytest.mark.real
class TestAgreement:
    def test_what_is_wrong_for_the_grader_is_wrong_here_and_nothing_else(
        self, exercise: str, answers: dict[str, Any]
    ) -> None:
        wrong = {
            name: " ".join(group for group, marks in one["marks"].items() if "✗" in marks)
            for name, one in answers.items()
        }
        assert wrong == SAMPLES[exercise]

    def test_accepted_work_is_right_in_all_that_is_known(self, answers: dict[str, Any]) -> None:
        for name, one in answers.items():
            if name.startswith("accepted/"):
                assert one["right"] == one["asked"] > 0, name
                assert not {"○", "✗"} & set("".join(one["marks"].values())), name

    def test_what_is_not_accepted_is_never_all_right(self, answers: dict[str, Any]) -> None:
        """But for accuracy, which nobody has looked at here."""
        for name, one in answers.items():
            if not name.startswith(("accepted/", "low_accuracy/")):
                assert one["right"] < one["asked"], name

    def test_an_empty_notebook_is_not_wrong(self, answers: dict[str, Any]) -> None:
        (empty,) = (one for name, one in answers.items() if name.startswith("no_model/"))
        assert empty["marks"] == NOTHING
        assert "✗" not in empty["text"]

    def test_no_text_speaks_of_cells_by_a_place_that_they_do_not_have(
        self, answers: dict[str, Any]
    ) -> None:
        for one in answers.values():
            for told in (one["text"], *one["hints"]):
                assert "cell 0" not in told
                assert "cell None" not in told
                assert "cell –" not in told
