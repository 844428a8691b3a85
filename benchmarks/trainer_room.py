"""What is paid for every order where a trainer's room starts for each, and where one lasts?

Fits of a small LSTM, each with another seed, as a notebook's loop asks for them. Told are the
seconds of each, as whoever waits for it counts them.

    python benchmarks/trainer_room.py
    python benchmarks/trainer_room.py --fits 20 --cold
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing

import numpy as np

from grader import environment
from grader.room import open_room
from grader.room.quick import quickened
from grader.trainer.order import Order, read_order
from grader.trainer.train import Job, train
from grader.trainer.workroom import Workroom

ROWS, STEPS, UNITS = 256, 20, 8


def main() -> None:
    """Train, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fits", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="rooms start anew, not as forks")
    given = parser.parse_args()
    room = open_room("auto")
    if not given.cold:
        room, _ = quickened(room)
    core = environment.cores()[:1]
    jobs = [Job(order(), seed) for seed in range(given.fits)]
    train(jobs[:1], room, cores=core)  # whatever is loaded once
    seconds: dict[str, list[float]] = {"a room each": [], "one room": []}
    with closing(Workroom(room, core)) as kept:
        for name, place in (("a room each", None), ("one room", kept)):
            for job in jobs:
                began = time.monotonic()
                train([job], room, cores=core, kept=place)
                seconds[name].append(time.monotonic() - began)
    for name, each in seconds.items():
        told = " ".join(f"{one:.1f}" for one in each)
        print(f"{name:<12} {sum(each):6.1f} s together: {told}")


def order() -> Order:
    """Give the order of two epochs."""
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, STEPS, 2]}},
        {"class_name": "LSTM", "config": {"units": UNITS}},
        {"class_name": "Dense", "config": {"units": 1}},
    ]
    claim = {
        "version": 1,
        "model": {"class_name": "Sequential", "config": {"layers": layers}},
        "compile": {"optimizer": {"class_name": "Adam", "config": {}}, "loss": "mse"},
        "fit": {"epochs": 2, "batch_size": 32},
    }
    rng = np.random.default_rng(1)
    x = rng.random((ROWS, STEPS, 2), dtype=np.float32)
    return read_order(claim, {"x": x, "y": x.sum(axis=(1, 2))[:, None]})


if __name__ == "__main__":
    main()
