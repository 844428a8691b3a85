"""Every call of the textbooks' time, with the Keras that is installed, on both engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from grader.execution import Execution
from grader.types import Engine
from tests.support.notebook_runs import candidate, cell, run

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (HERE / "old_api.toml").read_text(encoding="utf-8")
)
PROGRAM = """
import contextlib, io, json, sys
import numpy as np, tensorflow as tf, keras
from grader.kernel import old_api, remarks

fits = []
usual = keras.Model.fit
def fit(self, x=None, y=None, **given):
    fits.append({"x": x, "y": y, **given})
    return usual(self, x, y, **given)
fit.__signature__ = __import__("inspect").signature(usual)
keras.Model.fit = fit

class Told(remarks.Remarks):
    def _send(self, content):
        heard.append(content["what"])

def small(optimizer="adam", **more):
    model = keras.Sequential([
        keras.layers.Input((4, 1)), keras.layers.SimpleRNN(2),
        keras.layers.Dense(1, activation="sigmoid"),
    ])
    model.compile(optimizer, "mse", **more)
    return model

X, Y = np.random.rand(8, 4, 1), np.random.randint(0, 2, 8).astype("float64")

def batches():
    while True:
        yield X[:4], Y[:4]

heard = []
told = Told(None)
old_api.install(told)
answers = []
for call in json.load(sys.stdin):
    heard.clear()
    told.told.clear()
    space = {"get_ipython": True, "In": [], "keras": keras, "tf": tf, "np": np, "X": X, "Y": Y,
             "small": small, "batches": batches, "fits": fits}
    error, held = "", True
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(compile(call["code"], "cell", "exec"), space)
            held = bool(eval(call["is"], space)) if "is" in call else True
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
    answers.append([list(heard), error, held])
print("ANSWERS" + json.dumps(answers))
"""


@pytest.fixture(scope="module", params=list(Engine), ids=str)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    environment = {
        **os.environ,
        "KERAS_BACKEND": request.param.value,
        "PYTHONPATH": str(HERE.parents[1]),
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        input=json.dumps([*TABLE["call"], *TABLE["refused"]]),
        env=environment,
        cwd=tmp_path_factory.mktemp("old"),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return json.loads(done.stdout.split("ANSWERS")[-1])


def test_calls_of_that_time_run_as_they_did_and_name_their_successors(answers: Any) -> None:
    wrong = [
        (call["code"], told, error, held)
        for call, (told, error, held) in zip(TABLE["call"], answers, strict=False)
        if sorted(told) != sorted(call["told"]) or error or not held
    ]
    assert wrong == []


def test_what_was_wrong_then_or_has_no_like_stays_an_error(answers: Any) -> None:
    told = answers[len(TABLE["call"]) :]
    wrong = [
        (call["code"], error)
        for call, (_, error, _) in zip(TABLE["refused"], told, strict=True)
        if call["error"] not in error
    ]
    assert wrong == []


CELLS = (
    "import keras\nfrom keras.layers.recurrent import SimpleRNN\nimport numpy as np\n"
    "X, Y = np.random.rand(8, 4, 1), np.random.rand(8)\n"
    "def batches():\n    while True:\n        yield X[:4], Y[:4]",
    "model = keras.Sequential([SimpleRNN(2, batch_input_shape=(None, 4, 1)),"
    " keras.layers.Dense(1)])\n"
    "model.compile(keras.optimizers.Adam(lr=0.25), 'mse')",
    "model.fit_generator(batches(), steps_per_epoch=2, epochs=3, verbose=0)",
    "import tensorflow as tf\ntf.set_random_seed(1)\nprint('to the end')",
)


@pytest.fixture(scope="module")
def accepted() -> Execution:
    return run(*CELLS)


def test_in_a_room_the_probe_sees_the_fit_that_was_made(accepted: Execution) -> None:
    assert [one.error for one in accepted.cells] == [None] * 4
    model = candidate(accepted, "model")
    (fit,) = model.fits
    assert (fit.epochs_run, fit.epochs_asked, fit.arguments["steps_per_epoch"]) == (3, 3, 2)
    assert fit.sample.kind == "generator"
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (4, 4, 1)
    assert model.compile["learning_rate"] == 0.25


def test_in_a_room_each_old_call_is_told_with_its_line(accepted: Execution) -> None:
    told = [(one.cell, one.line, one.what) for run in accepted.cells for one in run.remarks]
    assert told == [
        (1, 2, "keras.layers.recurrent"),
        (2, 1, "batch_input_shape="),
        (2, 2, "lr="),
        (3, 1, "fit_generator"),
        (4, 2, "tensorflow.set_random_seed"),
    ]
    assert [note.id for note in accepted.notes] == ["execute.old_api"] * 5


def test_a_course_that_refuses_them_has_the_errors_of_today() -> None:
    execution = run(*CELLS, old_api=False)
    error = cell(execution, 1).error
    assert error is not None
    assert error.value == "No module named 'keras.layers.recurrent'"
    assert execution.notes == ()
