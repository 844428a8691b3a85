"""How long is a step of training with the recurrent kernel, and with XLA's own loops?

    python benchmarks/recurrent_kernel.py [--rounds N] [--isa AVX2] [--out FILE]

A batch of 32 sequences of 100 steps, two layers of 30 units: loss and gradients. All variants take
turns in one process on one core, so their ratio holds where the machine is busy and the
milliseconds do not. ``--isa``: what XLA may use at most (SSE4_2, AVX2, AVX512), as on a processor
that has no more; without it AVX512 and AVX2 are measured, each in a process of its own, as far as
this processor has them. Prints a table; ``--out`` keeps all figures as JSON, with the load of the
machine before and after: on an idle one both are below 1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BATCH, TIMESTEPS, FEATURES, UNITS = 32, 100, 2, 30
STEPS = 10  # in a turn
LAYERS = {"SimpleRNN": {}, "LSTM": {}, "GRU": {}, "GRU reset before": {"reset_after": False}}
ROOT = Path(__file__).resolve().parents[1]
ISAS = {"AVX512": "avx512f", "AVX2": "avx2"}  # and what /proc/cpuinfo calls them


def one_core(isa: str) -> None:
    """Compute on one core with one thread, as a job of the grader does."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ |= {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": f"{flags} --xla_cpu_max_isa={isa}",
    }


def libraries(folder: Path) -> dict[str, Path]:
    """Compile the kernel for each level that this processor has."""
    from grader import environment
    from grader.trainer import building
    from grader.trainer.kernels import LEVELS, level_of

    command, headers = building.compilers()[0], building.headers()
    assert headers is not None
    widest = LEVELS.index(level_of(environment.processor()))
    found = {}
    for level in LEVELS[widest:]:
        path = folder / f"{level.name}.so"
        why = building.compile_library(command, headers, level, path, folder)
        assert not why, why
        found[level.name] = path
    return found


def step_of(name: str, kernel: Any) -> Callable[[], None]:
    """Give a function that does one step; what computes it is settled by its first call."""
    import jax
    import keras
    import numpy as np

    from grader.evaluation import recurrent

    keras.utils.set_random_seed(1)
    layer = getattr(keras.layers, name.split(maxsplit=1)[0])
    model = keras.Sequential(
        [
            keras.Input((TIMESTEPS, FEATURES)),
            layer(UNITS, return_sequences=True, **LAYERS[name]),
            layer(UNITS, **LAYERS[name]),
            keras.layers.Dense(1),
        ]
    )
    draw = np.random.default_rng(1)
    x = draw.random((BATCH, TIMESTEPS, FEATURES), dtype=np.float32)
    y = draw.random((BATCH, 1), dtype=np.float32)
    weights = [one.value for one in model.trainable_variables]
    others = [one.value for one in model.non_trainable_variables]

    def loss(weights: Any, x: Any) -> Any:
        return ((model.stateless_call(weights, others, x)[0] - y) ** 2).mean()

    compiled = jax.jit(jax.value_and_grad(loss))

    def step() -> None:
        jax.block_until_ready(compiled(weights, x))

    if kernel is None:
        step()
    else:
        with recurrent.used(kernel):
            step()
    return step


def turn(step: Callable[[], None]) -> float:
    """Milliseconds of a processor that a step takes."""
    began = time.process_time()
    for _ in range(STEPS):
        step()
    return (time.process_time() - began) * 1000 / STEPS


def measure(rounds: int) -> list[dict[str, object]]:
    """Give the figures of all layers."""
    from grader.evaluation import recurrent

    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        kernels = {name: recurrent.Kernel(p) for name, p in libraries(Path(folder)).items()}
        for name in LAYERS:
            steps = {"XLA": step_of(name, None)}
            steps |= {level: step_of(name, kernel) for level, kernel in kernels.items()}
            turns = [{key: turn(step) for key, step in steps.items()} for _ in range(rounds)]
            row: dict[str, object] = {"layer": name}
            for key in steps:
                ratios = [one["XLA"] / one[key] for one in turns]
                low, _, high = statistics.quantiles(ratios, n=4)
                row[key] = {
                    "ms": round(statistics.median(one[key] for one in turns), 2),
                    "times": round(statistics.median(ratios), 2),
                    "quartiles": [round(low, 2), round(high, 2)],
                }
            rows.append(row)
    return rows


def isas() -> list[str]:
    """Give what XLA may use at most here, the widest first."""
    from grader import environment

    words = {word for line in environment.processor() for word in line.split()}
    return [name for name, flag in ISAS.items() if flag in words]


def measured_apart(isa: str, rounds: int) -> list[dict[str, Any]]:
    """Measure in a process of its own: what XLA may use is settled when it is loaded."""
    command = [sys.executable, __file__, "--isa", isa, "--rounds", str(rounds), "--lines"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write the figures for people: XLA's milliseconds, then each level's with its ratio."""
    levels = [key for key in rows[0] if isinstance(rows[0][key], dict) and key != "XLA"]
    lines = [f"{'XLA has':<8}{'layer':<18}{'XLA':>9}" + "".join(f"{one:>30}" for one in levels)]
    for row in rows:
        line = f"{row['isa']:<8}{row['layer']:<18}{row['XLA']['ms']:>6.2f} ms"
        for level in levels:
            own = row[level]
            low, high = own["quartiles"]
            line += f"{own['ms']:>9.2f} ms {own['times']:>5.2f} x ({low:.2f}-{high:.2f})"
        lines.append(line)
    return "\n".join(lines)


def name_of(processor: Sequence[str]) -> str:
    """Give the processor's name, as the system tells it."""
    names = (line.partition(":")[2].strip() for line in processor if line.startswith("model name"))
    return next(names, "")


def main() -> None:
    """Measure and tell."""
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isa", help="what XLA may use at most: AVX512, AVX2 or SSE4_2")
    parser.add_argument("--out", type=Path, help="where to keep the figures as JSON")
    parser.add_argument("--lines", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.lines:
        one_core(given.isa)
        for row in measure(given.rounds):
            print(json.dumps({"isa": given.isa, **row}), flush=True)
        return
    from grader import environment

    before = os.getloadavg()[0]
    asked = [given.isa] if given.isa else isas()
    rows = [row for isa in asked for row in measured_apart(isa, given.rounds)]
    print(table(rows))
    if given.out:
        told = {
            "load": [round(before, 2), round(os.getloadavg()[0], 2)],
            "rounds": given.rounds,
            "processor": name_of(environment.processor()),
            "versions": environment.versions(),
            "rows": rows,
        }
        given.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
