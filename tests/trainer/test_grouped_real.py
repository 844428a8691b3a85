"""Many orders in one program come to what each comes to alone, but for rounding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import environment
from grader.trainer.many import train_many
from grader.trainer.order import Order, read_order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.trainer.train import Job, train
from grader.types import Engine
from tests.support.cli_help import ROOT
from tests.support.notebook_runs import room
from tests.support.orders import claim, dense, layer, lstm, optimizer, sequential

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(Engine.JAX not in environment.engines(), reason="JAX is not installed"),
]
sixty_four = pytest.mark.skipif(
    "ORDERS" not in os.environ, reason="minutes, one by one: make grouped"
)
PROGRAM = ROOT / "tests" / "support" / "grouped_program.py"
ORDERS = int(os.environ.get("ORDERS", "64"))
ROWS, STEPS = 20, 6  # of the course: 3,200 rows of 100 steps
ROUNDING = 2e-4  # relative, after six updates: sums in another order, then Adam's square roots


def recurrent(cls: str, units: int, *, sequences: bool) -> dict[str, Any]:
    if cls == "LSTM":
        return lstm(units, return_sequences=sequences)
    return layer(cls, units=units, return_sequences=sequences)


def order(
    cls: str, data: np.random.Generator, held_back: str = "nothing"
) -> tuple[Order, dict[str, Any]]:
    """``held_back``: nothing, a ``split`` of the rows, or rows ``given`` as validation_data."""
    x = data.normal(size=(ROWS, STEPS, 2)).astype(np.float32)
    arrays = {"x": x, "y": data.normal(size=(ROWS, 1)).astype(np.float32)}
    model = sequential(
        recurrent(cls, 30, sequences=True),
        recurrent(cls, 30, sequences=False),
        dense(),
        shape=(STEPS, 2),
    )
    settings = {**claim()["compile"], "optimizer": optimizer("Adam", learning_rate=0.001)}
    fit = {**claim()["fit"], "batch_size": 8, "epochs": 2, "shuffle": True}
    if held_back == "split":
        fit |= {"validation_split": 0.3}
        settings["metrics"] = ["mae"]
    if held_back == "given":
        fit |= {"validation_batch_size": 4}
        arrays["validation_x"] = data.normal(size=(9, STEPS, 2)).astype(np.float32)
        arrays["validation_y"] = data.normal(size=(9, 1)).astype(np.float32)
        arrays["validation_weight"] = data.random(9).astype(np.float32)
    return read_order(claim(model=model, compile=settings, fit=fit), arrays), arrays


@sixty_four
def test_what_is_alike_of_a_list_is_trained_in_one_room_and_kept(tmp_path: Path) -> None:
    data, results = np.random.default_rng(5), Results(tmp_path)
    jobs = {f"{n:064x}": Job(order("SimpleRNN", data)[0], seed=100 + n) for n in range(2)}
    other = replace(jobs[f"{0:064x}"].order, each_epoch=True)
    jobs["a" * 64] = Job(other, seed=7)
    train_many(jobs, room(), results, cores=(0,))
    kept = {key: results.get(key) for key in jobs}
    assert [one is not None for one in kept.values()] == [True, True, False]
    for together, alone in zip(kept.values(), train([*jobs.values()], room()), strict=True):
        assert isinstance(alone, Trained)
        if together is not None:
            np.testing.assert_allclose(together.weights[0], alone.weights[0], rtol=0, atol=ROUNDING)


@sixty_four
@pytest.mark.parametrize("cls", ["SimpleRNN", "LSTM", "GRU"])
def test_orders_of_one_shape_are_trained_together_as_each_alone(cls: str, tmp_path: Path) -> None:
    both_ways(cls, ORDERS, "nothing", tmp_path)


@pytest.mark.parametrize("held_back", ["split", "given"])
def test_what_is_held_back_is_checked_together_as_alone(held_back: str, tmp_path: Path) -> None:
    assert "val_loss" in both_ways("GRU", 3, held_back, tmp_path)["names"]


def both_ways(cls: str, count: int, held_back: str, tmp_path: Path) -> dict[str, Any]:
    """Train as many orders one by one and all in one program; gives what the program found."""
    data = np.random.default_rng(5)
    for number in range(count):
        one, arrays = order(cls, data, held_back)
        told = {**one.as_json(), "seed": 100 + number}
        (tmp_path / f"{number:04d}.json").write_text(json.dumps(told), "utf-8")
        np.savez(tmp_path / f"{number:04d}.npz", **arrays)
    env = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": ""}
    command = [sys.executable, "-B", str(PROGRAM), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(cls, found)
    assert found["orders"] == count
    assert found["likenesses"] == 1
    assert found["weights"] < ROUNDING
    assert found["losses"] < ROUNDING
    assert found["others"] > 100 * ROUNDING  # another seed is another training
    return found
