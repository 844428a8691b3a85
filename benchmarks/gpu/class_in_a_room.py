"""A class of LSTM notebooks, trained by the grader's own room on a GPU, as a round does it.

    python benchmarks/gpu/class_in_a_room.py OUT.jsonl [--count 1000] [--epochs 100] [--seconds 400]

Each training has its own first weights and one of sixty-four sets of 2,560 sequences, a fifth of
them held back for validation, as the course's exercise has it. What is measured is what a class
waits for: writing the orders down, the room, the trainings, reading what came of them, keeping it.
The seconds of every tenth epoch are written as they come.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.gpus.gpus import find_gpus  # noqa: E402
from grader.room import open_room  # noqa: E402
from grader.trainer.devices import Devices  # noqa: E402
from grader.trainer.many import alike, train_batch, train_many  # noqa: E402
from grader.trainer.order import Order, read_order  # noqa: E402
from grader.trainer.results import Results  # noqa: E402
from grader.trainer.workroom import Job  # noqa: E402
from tests.support.orders import claim, dense, lstm, optimizer, sequential  # noqa: E402

ROWS, STEPS, BATCH, HELD_BACK, SETS = 2560, 100, 32, 0.2, 64
CORES_MB = 4000.0  # where there is no device
SHOWN_FIRST, SHOWN = 3, 10  # epochs of which the time is told
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def pairs_to_multiply(seed: int, rows: int, steps: int) -> dict[str, Any]:
    """Sequences with two marked numbers, whose product is the target."""
    draw = np.random.default_rng(seed)
    x = np.zeros((rows, steps, 2), np.float32)
    x[:, :, 1] = draw.random((rows, steps))
    places = np.argsort(draw.random((rows, steps)), axis=1)[:, :2]
    np.put_along_axis(x[:, :, 0], places, 1.0, axis=1)
    y = np.take_along_axis(x[:, :, 1], places, axis=1).prod(axis=1)
    return {"x": x, "y": y[:, None].astype(np.float32)}


def order(seed: int, epochs: int, rows: int, steps: int) -> Order:
    """The exercise's model, as a notebook asks for its training."""
    model = sequential(
        lstm(30, return_sequences=True), lstm(30, return_sequences=False), dense(),
        shape=(steps, 2),
    )  # fmt: skip
    settings = {**claim()["compile"], "optimizer": optimizer("Adam", learning_rate=0.001)}
    fit = {**claim()["fit"], "batch_size": BATCH, "epochs": epochs, "shuffle": True}
    fit |= {"validation_split": HELD_BACK}
    return read_order(
        claim(model=model, compile=settings, fit=fit), pairs_to_multiply(seed, rows, steps)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seconds", type=float, default=400.0, help="no more are waited for")
    asked = parser.parse_args()
    began = time.monotonic()

    def tell(**line: Any) -> None:
        text = json.dumps({"at": round(time.monotonic() - began, 1), **line})
        print(text, flush=True)
        with asked.out.open("a", encoding="utf-8") as file:
            print(text, file=file)

    gpus = find_gpus()
    devices = Devices(gpus, lambda said: tell(told=said.id, args=dict(said.args)))
    sizes = asked.epochs, asked.rows, asked.steps
    sets = [order(seed, *sizes) for seed in range(min(SETS, asked.count))]
    jobs = {
        hashlib.sha256(str(n).encode()).hexdigest(): Job(sets[n % len(sets)], seed=n)
        for n in range(asked.count)
    }
    keys = [*jobs]
    orders = [job.order for job in jobs.values()]
    batches = alike(orders, max(1, len(devices)), devices.planned_mb or CORES_MB)
    tell(gpus=[gpu.name for gpu in gpus], orders=len(jobs), batches=[len(one) for one in batches])
    room, cores = open_room("auto"), tuple(sorted(os.sched_getaffinity(0)))
    sound = devices.any_sound(room, cores)
    tell(room=room.isolation.level.value, sound=sound, tried=True)

    told = set[int]()

    def progress(job: int, epoch: int, epochs: int) -> None:
        del job  # all of a batch are at the same epoch
        if epoch not in told and (epoch < SHOWN_FIRST or epoch % SHOWN == 0):
            told.add(epoch)
            tell(epoch=epoch, of=epochs)

    def meanwhile() -> None:
        if time.monotonic() - began > asked.seconds:
            raise TimeoutError

    with tempfile.TemporaryDirectory() as folder:
        results = Results(Path(folder))
        try:
            for places in batches:
                part = {keys[place]: jobs[keys[place]] for place in places}
                if sound:
                    train_batch(part, devices, room, results, cores=cores, progress=progress,
                                meanwhile=meanwhile)  # fmt: skip
                else:  # on a core, to try this program
                    train_many(part, room, results, cores=cores[:1], progress=progress)
                told.clear()
        except TimeoutError:
            tell(stopped=f"{asked.seconds:.0f} s")
        done = [one for key in keys if (one := results.get(key)) is not None]
        last = [float(one.history["val_loss"][-1] or "nan") for one in done]
        quarters = [round(float(one), 6) for one in np.quantile(last, QUARTERS)] if last else []
        tell(trained=len(done), val_loss=quarters)


if __name__ == "__main__":
    main()
