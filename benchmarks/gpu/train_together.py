"""How many trainings of the multiplication exercises a device does at once; small steps first.

    python benchmarks/gpu/train_together.py OUT.jsonl [--seconds 540]
    python benchmarks/gpu/train_together.py OUT.jsonl --counts 1,4 --rows 64 --steps 6 --long 4

For a machine with a GPU and JAX with CUDA (TensorFlow need not be there). Each line is written as
it comes, so that a run that is cut off has told what it knew: what ``cuInit`` says here and in a
room, and whether the trainer's room computes there as cores do; three epochs of 1 and 16 trainings
of each model; the same one by one on all cores; 64, 256, 1024 at once, with the ratio to the cores;
all hundred epochs of 1024 LSTMs. Where the time is up, what is left is not begun.

Without an accelerator it says so and measures the cores with the small counts, unless others are
named.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

MODELS = ("SimpleRNN", "LSTM", "GRU")
EPOCHS, LONG_EPOCHS, BATCH = 3, 100, 32  # of the course; three show the rate without the compiling
SMALL, LARGE = (1, 16), (64, 256, 1024)
LONG = 1024


def as_in_the_trainers_room() -> None:
    """Find the room's modules, and set what it sets, before JAX is imported."""
    sys.path[:0] = [str(ROOT / "grader" / "evaluation"), str(ROOT)]
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")


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
    marks.append(time.monotonic())
    assert all(told["epochs"] == epochs for told, _ in done)
    return {
        "model": cls,
        "together": count,
        "epochs": epochs,
        "seconds": round(marks[-1] - began, 2),
        "building": round(marks[0] - began, 2),
        **rate(marks, count),
        "loss": [told["history"]["loss"][-1] for told, _ in done[:2]],
    }


def rate(marks: list[float], count: int) -> dict[str, float]:
    """Give seconds of epochs and trainings of all of them per minute; ``marks``: their ends."""
    each = [after - before for before, after in itertools.pairwise(marks)]
    best = min(each)  # the first compiles, others may be in the way
    return {
        "first_epoch": round(each[0], 3),
        "epoch": round(best, 3),
        "trainings_per_minute": round(60 * count / (LONG_EPOCHS * best), 2),
    }


def alone(cls: str, core: int, rows: int, steps: int) -> dict[str, Any]:
    """Train one on one core, as the trainer's room does it without a kernel of ours."""
    os.sched_setaffinity(0, {core})
    import keras
    import trainer  # type: ignore[import-not-found]  # as in the trainer's room

    asked, marks = order(cls, core, EPOCHS, steps), list[float]()
    asked["fit"] |= {"initial_epoch": 0}
    told, _ = trainer.perform(
        keras, asked, data(rows, steps, 0), lambda _: marks.append(time.monotonic())
    )
    marks.append(time.monotonic())
    if "failed" in told:
        raise RuntimeError(told["error"])
    return rate(marks, 1)


def on_cores(cls: str, rows: int, steps: int) -> dict[str, Any]:
    """Train on all cores of this machine at the same time, one on each."""
    cores = sorted(os.sched_getaffinity(0))
    env = os.environ | {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    env |= {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, __file__, os.devnull, "--rows", str(rows), "--steps", str(steps)]
    running = [
        subprocess.Popen([*program, "--alone", cls, "--core", str(core)], env=env, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for core in cores
    ]  # fmt: skip
    told = [json.loads(one.communicate()[0].splitlines()[-1]) for one in running]
    together = sum(one["trainings_per_minute"] for one in told)
    epochs = [one["epoch"] for one in told]
    return {"model": cls, "cores": len(cores), "epoch": max(epochs),
            "trainings_per_minute": round(together, 2)}  # fmt: skip


def in_rooms() -> list[dict[str, Any]]:
    """Say what ``cuInit`` and the trainer's room say of each GPU in a room."""
    from grader.gpus.gpus import find_gpus
    from grader.room import open_room
    from grader.room.cuda import cuda_report
    from grader.trainer.trying import tried

    room, found = open_room("auto"), []
    for gpu in find_gpus():
        report = cuda_report(room, gpu.nodes, gpu.libraries, gpu.uuid)
        found.append({
            "gpu": gpu.name,
            "memory_mb": gpu.memory_mb,
            "free_mb": gpu.free_mb,
            "room": room.isolation.level.value,
            "cuInit": report.result,
            "devices": report.devices,
            "missing": report.missing,
            "trainer": tried(gpu, room, (min(os.sched_getaffinity(0)),)) or "as cores do",
        })  # fmt: skip
    return found or [{"rooms": "no GPU that NVML can see"}]


def asked_for() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=540.0)
    parser.add_argument("--counts", help="at once; default: 1,16,64,256,1024")
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--long", type=int, help="LSTMs with all epochs; 0: none; default: 1024")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def counts_of(asked: argparse.Namespace, *, accelerator: bool) -> tuple[list[int], int]:
    """Give how many at once, and of how many LSTMs all epochs; large ones take cores for hours."""
    counts = [*SMALL, *(LARGE if accelerator else ())]
    if asked.counts:
        counts = [int(one) for one in asked.counts.split(",")]
    usual = LONG if accelerator else 0
    return counts, usual if asked.long is None else asked.long


class Bench:
    """The steps, each told as it ends, until the time is up."""

    def __init__(self, out: Path, seconds: float, rows: int, steps: int) -> None:
        self.out, self.until = out, time.monotonic() + seconds
        self.size = rows, steps
        self.by_cores: dict[str, float] = {}  # trainings per minute of each model

    def tell(self, line: dict[str, Any]) -> None:
        """Print a line, and keep it at once."""
        print(json.dumps(line), flush=True)
        with self.out.open("a", encoding="utf-8") as file:
            print(json.dumps(line), file=file)

    def step(self, what: dict[str, Any], do: Callable[[], Any]) -> Any:
        """Do a step unless the time is up; one that fails leaves the next ones."""
        if time.monotonic() >= self.until:
            return None
        try:
            found = do()
        except Exception as error:  # noqa: BLE001 - a driver raises what it likes
            self.tell({**what, "failed": repr(error)[:400]})
            return None
        for line in found if isinstance(found, list) else [found]:
            self.tell(line)
        return found

    def on_cores(self) -> None:
        """Measure each model on all cores, once."""
        for cls in MODELS if not self.by_cores else ():
            found = self.step({"model": cls, "cores": "all"}, partial(on_cores, cls, *self.size))
            if found is not None:
                self.by_cores[cls] = found["trainings_per_minute"]

    def together(self, cls: str, count: int, epochs: int) -> None:
        """Measure so many of a model at once, and how that is to all cores."""

        def done() -> dict[str, Any]:
            found = measured(cls, count, epochs, *self.size)
            if cls in self.by_cores:
                found["to_all_cores"] = round(found["trainings_per_minute"] / self.by_cores[cls], 2)
            return found

        self.step({"model": cls, "together": count, "epochs": epochs}, done)


def main() -> None:
    asked = asked_for()
    as_in_the_trainers_room()
    if asked.alone:
        print(json.dumps(alone(asked.alone, asked.core, asked.rows, asked.steps)))
        return
    bench = Bench(asked.out, asked.seconds, asked.rows, asked.steps)
    bench.tell({"cuInit": cu_init()})
    bench.step({"rooms": "none could be tried"}, in_rooms)
    import jax

    devices, cores = jax.devices(), len(os.sched_getaffinity(0))
    accelerator = devices[0].platform != "cpu"
    names = [getattr(one, "device_kind", str(one)) for one in devices]
    bench.tell({"jax": jax.__version__, "devices": names, "cores": cores, "gpu": accelerator})
    counts, long = counts_of(asked, accelerator=accelerator)
    for count in counts:
        if count > max(SMALL):
            bench.on_cores()
        for cls in MODELS:
            bench.together(cls, count, EPOCHS)
    bench.on_cores()
    if long:
        bench.together("LSTM", long, LONG_EPOCHS)
    bench.tell({"ended": "in time" if time.monotonic() < bench.until else "the time was up"})


if __name__ == "__main__":
    main()
