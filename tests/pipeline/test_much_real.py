"""Notebooks that say more than can be kept: each is graded as it should be, and can be read back."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.execute.caps import KEPT_BYTES
from grader.record.store import Store
from grader.types import Record, Verdict

ROOT = Path(__file__).resolve().parents[2]
EXERCISE = "sequence-prediction"
PATIENCE = 900.0  # seconds: reached only where nothing comes to an end

pytestmark = pytest.mark.real

DATA = """
import numpy as np, keras
X = np.array([[[(s + t) / 10] for t in range(4)] for s in range(6)])
Y = np.array([(s + 4) / 10 for s in range(6)])
def ask(*begin, **settings):
    made = keras.Sequential([*begin, keras.layers.SimpleRNN(10, **settings), keras.layers.Dense(1)])
    made.compile(optimizer="adam", loss="mse")
    return made
"""
TRAINED = "model = ask(keras.Input((4, 1)))\nhistory = model.fit(X, Y, epochs=110, verbose=0)"
TOY = """
toy = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
toy.compile(optimizer="sgd", loss="mse")
one = np.ones((1, 1))
for n in range(1100):
    toy.fit(one, one, epochs=1, verbose=0)
"""
LOOP = """
model = ask(keras.Input(batch_shape=(1, 4, 1)), stateful=True)
for epoch in range(100):
    model.fit(X, Y, epochs=1, batch_size=1, shuffle=False, verbose=0)
    model.layers[0].reset_state()
"""
GIANTS = """
giants = []
for n in range(4):
    w = np.random.rand(3900, 3900).astype("f4")
    giant = keras.Sequential([keras.Input((3900,)), keras.layers.Dense(3900, use_bias=False)])
    giant.set_weights([w])
    globals()[f"giant{n}"] = giant
"""
HISTORIES = """
class Many(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        told = {f"k{id(self)}_{i}": [1 / (3 + j) for j in range(900)] for i in range(99)}
        self.model.history.history = told
for n in range(9):
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[Many()])
"""
PICTURES = """
import base64, os
from IPython.display import publish_display_data
for n in range(30):
    picture = b"\\x89PNG\\r\\n\\x1a\\n" + os.urandom(1_499_900)
    publish_display_data({"image/png": base64.b64encode(picture).decode()})
"""
FAILING = 'raise RuntimeError("x" * 1_000_000)'

NOTEBOOKS = {
    "after_a_thousand_fits": (DATA, TOY, TRAINED),
    "stateful_loop": (DATA, LOOP),
    "beside_giants": (DATA, TRAINED, GIANTS),
    "many_metrics": (DATA, TRAINED, HISTORIES),
    "hidden_failures": (DATA, TRAINED, PICTURES, *['print("😀" * 99_990)'] * 20, *[FAILING] * 7),
    "usual": (DATA, TRAINED),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Record]]:
    place = tmp_path_factory.mktemp("much")
    for student, sources in NOTEBOOKS.items():
        cells = [nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate(sources)]
        folder = place / "class" / student
        folder.mkdir(parents=True)
        text = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
        (folder / f"{EXERCISE}.ipynb").write_text(text, encoding="utf-8")
    out = place / "out"
    command = [
        *(sys.executable, "-m", "grader", "grade", str(place / "class"), "--out", str(out)),
        *("--format", "json", "--lang", "en", "--timeout", str(PATIENCE)),
    ]
    environment = {
        **os.environ,
        "GRADER_COURSE": str(ROOT),
        "GRADER_SECRET_FILE": str(place / "secret"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return out, {record.student: record for record in Store(out).latest()}


def _verdicts(records: dict[str, Record]) -> dict[str, Verdict]:
    return {student: record.grade.verdict for student, record in records.items()}


def test_each_is_accepted_and_can_be_read_back(graded: tuple[Path, dict[str, Record]]) -> None:
    out, records = graded
    assert _verdicts(records) == dict.fromkeys(NOTEBOOKS, Verdict.ACCEPTED)
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["student"] for row in csv.DictReader(file)} == set(NOTEBOOKS)
    for student, record in records.items():
        if student != "hidden_failures":
            assert record.grade.score == 100.0, student


def test_failing_cells_cost_what_they_cost_wherever_they_stand(
    graded: tuple[Path, dict[str, Record]],
) -> None:
    record = graded[1]["hidden_failures"]
    (ran,) = (check for check in record.grade.checks if check.id == "runs.cells")
    assert ran.message.args["failed"] == 7
    assert record.grade.score == pytest.approx(100 - 10 * 7 / 30, abs=0.01)


def test_a_loop_of_fits_has_all_its_epochs(graded: tuple[Path, dict[str, Record]]) -> None:
    evidence = graded[1]["stateful_loop"].evidence
    assert evidence is not None
    assert evidence.training is not None
    training = evidence.training
    assert (training.fits, training.epochs, len(training.history["loss"])) == (100, 100, 100)


def test_what_is_kept_is_bounded(graded: tuple[Path, dict[str, Record]]) -> None:
    out, _ = graded
    for folder in (out / "evidence").iterdir():
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert size < 1.2 * KEPT_BYTES
    for path in (out / "results").glob("*/record.json"):
        assert path.stat().st_size < 2_000_000


def test_what_was_left_out_is_said(graded: tuple[Path, dict[str, Record]]) -> None:
    told: dict[str, Any] = {}
    for student, record in graded[1].items():
        assert record.evidence is not None
        told[student] = [note.id for note in record.evidence.notes if "execute." in note.id]
    assert told.pop("beside_giants") == ["execute.lightened"]
    assert not any(told.values()), json.dumps(told)
