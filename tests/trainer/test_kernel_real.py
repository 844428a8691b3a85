"""The recurrent kernel itself: compiled here, beside Keras' own path and float64."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import environment
from grader.extract.evaluate import evaluate
from grader.extract.tasks import Answer, ModelTask, Training
from grader.room import open_room
from grader.trainer import building
from grader.trainer.answers import Answers, key_of_task, shared
from grader.trainer.kernels import LEVELS, LIBRARY, Kernel, Kernels, Level, find, level_of
from grader.trainer.result import Trained
from grader.trainer.train import Job, train
from grader.trainer.workroom import Workroom
from grader.types import Engine, GraderError
from tests.support.orders import ARRAYS, claim, dense, lstm, order, sequential

ROOT = Path(__file__).resolve().parents[2]
WIDEST = level_of(environment.processor())
CLOSE = 1e-6  # relative; float32 leaves some 1e-7
NO_FARTHER = 1.5  # times Keras' own distance; of eight cases some are nearer, some farther

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not building.compilers(), reason="no C++ compiler"),
]


def compiled(folder: Path, level: Level, command: tuple[str, ...] | None = None) -> Path:
    """The folder with the kernel of a level, by the first compiler or another one."""
    include = building.headers()
    assert include is not None
    command = command or building.compilers()[0]
    why = building.compile_library(command, include, level, folder / LIBRARY, folder)
    assert why == ""
    return folder


def told_by(folder: Path, *parts: str) -> Any:
    """What ``tests/support/on_kernel.py`` says of a kernel."""
    env = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.on_kernel", str(folder), *parts]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    parts = "near", "backwards", "nan", "taken"
    return told_by(compiled(tmp_path_factory.mktemp("kernel"), WIDEST), *parts)


def require_near(folder: Path) -> None:
    distances = told_by(folder, "distances")["distances"]
    assert len(distances) == 8
    for case, (ours, keras) in distances.items():
        assert ours <= NO_FARTHER * keras, case
        assert ours < CLOSE, case


def test_outputs_and_gradients_are_near_to_float64(told: Any) -> None:
    """Batch, timesteps, features and units are multiples of no vector."""
    assert len(told["near"]) == 4
    assert max(told["near"].values()) < CLOSE


@pytest.mark.kernel
def test_layers_that_the_kernel_knows_ask_it_and_no_others(tmp_path: Path) -> None:
    told = told_by(compiled(tmp_path, WIDEST), "asked")
    known = "LSTM, GRU, GRU reset before, SimpleRNN, sequences, state, backwards, no bias, dropout"
    assert told["asked"] == {
        **dict.fromkeys(known.split(", "), 1),
        "both ways": 2,
        **dict.fromkeys(
            "dropout of the state, SimpleRNN dropout, relu, hard sigmoid, unrolled, half, own cell, "
            "masked, masked SimpleRNN".split(", "),
            0,
        ),
    }


def test_a_layer_that_goes_backwards_gives_its_outputs_as_keras_orders_them(told: Any) -> None:
    assert told["backwards"] < 1e-5


def test_nan_stays_nan_from_where_it_comes_in_its_own_row(told: Any) -> None:
    assert set(map(tuple, told["nan"].values())) == {(False, True, False)}


def test_a_room_takes_the_kernel_only_if_it_answers_as_keras_did(told: Any) -> None:
    right, wrong, damaged = told["taken"]
    assert right == ""
    assert wrong.startswith("lstm_2: 0.01 apart")
    assert damaged.startswith("OSError")


@pytest.mark.kernel
@pytest.mark.parametrize("level", LEVELS[LEVELS.index(WIDEST) :], ids=lambda level: level.name)
def test_every_level_is_as_near_to_float64_as_keras_own(level: Level, tmp_path: Path) -> None:
    require_near(compiled(tmp_path, level))


@pytest.mark.kernel
@pytest.mark.parametrize("command", building.compilers()[1:], ids=lambda one: one[-1])
def test_other_compilers_make_one_that_is_as_near(command: tuple[str, ...], tmp_path: Path) -> None:
    """That of the ziglang wheel among them, where it is installed."""
    require_near(compiled(tmp_path, WIDEST, command))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """One that was built and checked as ``grader prepare`` does it, in a cache of its own."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        kernel = building.build(open_room("auto"))
        assert isinstance(kernel, Kernel), kernel
        assert kernel == find()
    return kernel


@pytest.mark.kernel
def test_it_is_built_and_trains_in_rooms(built: Kernel) -> None:
    """Learning is as by Keras' own path, but for last bits."""
    room = open_room("auto")
    job = Job(order(model=sequential(lstm(), dense()), fit={**claim()["fit"], "epochs": 3}), seed=1)
    with closing(Workroom(room)) as kept:
        (ours,) = train([job], room, kept=kept, kernel=built)
        (again,) = train([job], room, kept=kept, kernel=built)  # by what was compiled just now
        (own,) = train([job], room, kept=kept)
    assert isinstance(own, Trained)
    assert isinstance(ours, Trained)
    assert isinstance(again, Trained)
    assert all(map(np.array_equal, ours.weights, again.weights))
    assert ours.history["loss"] == pytest.approx(own.history["loss"], rel=1e-4)
    pairs = list(zip(own.weights, ours.weights, strict=True))
    assert all(np.allclose(one, other, rtol=0, atol=1e-6) for one, other in pairs)
    assert not all(np.array_equal(one, other) for one, other in pairs)  # the kernel did compute


@pytest.mark.kernel
@pytest.mark.parametrize("level", ["full", "reduced"])
def test_a_claimed_training_is_repeated_by_it(
    built: Kernel, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It learns as by Keras' own path, but for last bits; what it answers, Keras computes."""
    monkeypatch.setattr("grader.trainer.answers.KERNEL_PAYS", 0.0)  # three epochs are short
    try:
        room = open_room(level)
    except GraderError as error:
        pytest.skip(error.message.id)
    claimed = order(model=sequential(lstm(), dense()))
    training = Training(*ARRAYS.values(), epochs=3, optimizer="Adam", loss="mse", compare=True)
    task = ModelTask("lstm", claimed.architecture, (), ARRAYS["x"], training, seed=1)

    def in_rooms(tasks: Sequence[ModelTask], kernel: Kernel | None = None) -> dict[str, Answer]:
        folder = kernel.folder if kernel is not None else None
        return evaluate(tasks, room, engine=Engine.JAX, kernel=folder)

    answers, kernels = Answers(tmp_path), Kernels(lambda: built)
    ours = shared([task], answers, in_rooms, kernels=kernels)["lstm"]
    assert kernels.failures() is None
    assert answers.get(key_of_task(task, built.version)) is not None
    own = in_rooms([task])["lstm"]
    assert (ours.error, own.error) == (None, None)
    for name in ("loss", "before", "after"):
        assert ours.history[name] == pytest.approx(own.history[name], rel=1e-4), name
    assert ours.predictions is not None
    assert own.predictions is not None
    assert np.allclose(ours.predictions, own.predictions, rtol=0, atol=1e-6)
    assert not np.array_equal(ours.predictions, own.predictions)  # the kernel did compute
