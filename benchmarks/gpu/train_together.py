"""How many trainings of the multiplication exercises a device does at once; small steps first.

    python benchmarks/gpu/train_together.py OUT.jsonl [--seconds 540]
    python benchmarks/gpu/train_together.py OUT.jsonl --counts 1,4 --rows 40 --steps 6 --long 0

For a machine with a GPU and JAX with CUDA (TensorFlow need not be there); without one it measures
the cores. Each line is written as it comes, so that a run that is cut off has told what it knew:
first what ``cuInit`` says, then three epochs of 1, 16, 64, 256, 1024 trainings of each model, then
all hundred epochs of 1024 LSTMs. Where the time is up, what is left is not begun.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "grader" / "evaluation"), str(ROOT)]
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

MODELS = ("SimpleRNN", "LSTM", "GRU")
EPOCHS, LONG_EPOCHS, BATCH = 3, 100, 32  # of the course; three show the rate without the compiling


def order(cls: str, seed: int, epochs: int, steps: int) -> dict[str, Any]:
    """One training of a multiplication exercise's model, as the trainer is asked for it."""
    layers = [
        {"class": cls, "config": {"units": 30, "return_sequences": True}},
        {"class": cls, "config": {"units": 30}},
        {"class": "Dense", "config": {"units": 1}},
    ]
    return {
        "seed": seed,
        "architecture": {"input_shape": [steps, 2], "input_dtype": "float32", "layers": layers},
        "optimizer": {"name": "Adam", "settings": {}},
        "loss": {"name": "MeanSquaredError", "settings": {}},
        "metrics": [],
        "weighted_metrics": [],
        "fit": {"batch_size": BATCH, "epochs": epochs, "shuffle": True, "class_weight": []},
        "callbacks": [],
        "rates": None,
        "each_epoch": False,
        "after": None,
    }


def data(rows: int, steps: int, seed: int) -> dict[str, np.ndarray]:
    """Pairs of numbers to multiply, marked in a sequence."""
    draw = np.random.default_rng(seed)
    x = np.zeros((rows, steps, 2), np.float32)
    x[:, :, 0] = draw.random((rows, steps))
    places = np.argsort(draw.random((rows, steps)), axis=1)[:, :2]
    np.put_along_axis(x[:, :, 1], places, 1.0, axis=1)
    y = np.take_along_axis(x[:, :, 0], places, axis=1).prod(axis=1)
    return {"x": x, "y": y[:, None].astype(np.float32)}


def cu_init() -> str:
    """Say what the driver answers, here, outside of any room."""
    try:
        return str(ctypes.CDLL("libcuda.so.1").cuInit(0))
    except OSError as error:
        return str(error)


def measured(cls: str, count: int, epochs: int, rows: int, steps: int) -> dict[str, Any]:
    """Train so many together, and say how long each epoch took."""
    import grouped  # type: ignore[import-not-found]  # as in the trainer's room
    import keras

    orders = [order(cls, seed, epochs, steps) for seed in range(count)]
    arrays = [data(rows, steps, 0)] * count
    began, marks = time.monotonic(), []
    done = grouped.perform_together(keras, orders, arrays, lambda _: marks.append(time.monotonic()))
    ended = time.monotonic()
    assert all(told["epochs"] == epochs for told, _ in done)
    marks.append(ended)
    each = [after - before for before, after in itertools.pairwise(marks)]
    rate = min(each)  # the first compiles
    return {
        "model": cls,
        "together": count,
        "epochs": epochs,
        "seconds": round(ended - began, 2),
        "first_epoch": round(each[0], 3),
        "epoch": round(rate, 3),
        "trainings_per_minute_of_100_epochs": round(60 * count / (100 * rate), 2),
        "loss": [told["history"]["loss"][-1] for told, _ in done[:2]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=540.0)
    parser.add_argument("--counts", default="1,16,64,256,1024")
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--long", type=int, default=1024, help="LSTMs with all epochs; 0: none")
    asked = parser.parse_args()
    until = time.monotonic() + asked.seconds

    def tell(line: dict[str, Any]) -> None:
        print(json.dumps(line), flush=True)
        with asked.out.open("a", encoding="utf-8") as file:
            print(json.dumps(line), file=file)

    tell({"cuInit": cu_init()})
    import jax

    devices = [getattr(one, "device_kind", str(one)) for one in jax.devices()]
    tell({"jax": jax.__version__, "devices": devices, "cores": len(os.sched_getaffinity(0))})
    for count in map(int, asked.counts.split(",")):
        for cls in MODELS:
            if time.monotonic() < until:
                try:
                    tell(measured(cls, count, EPOCHS, asked.rows, asked.steps))
                except Exception as error:  # noqa: BLE001 - the next is smaller in something else
                    tell({"model": cls, "together": count, "failed": repr(error)[:400]})
    if asked.long and time.monotonic() < until:
        tell(measured("LSTM", asked.long, LONG_EPOCHS, asked.rows, asked.steps))


if __name__ == "__main__":
    main()
