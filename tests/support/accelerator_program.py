"""Compares one half of the processor with the other, then devices that are off; prints the verdicts.

Both halves compute by themselves, so a program that gives another thing each time would be found.
Keras believes that there is a GPU, and would take cuDNN's LSTM, which no program maps over orders.

python accelerator_program.py
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"  # before JAX looks
EVALUATION = Path(__file__).resolve().parents[2] / "grader" / "evaluation"
sys.path.insert(0, str(EVALUATION))

import accelerator_check  # type: ignore[import-not-found]  # noqa: E402 - as in the room
import grouped  # type: ignore[import-not-found]  # noqa: E402
import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from jax import export  # noqa: E402

rnn: Any = sys.modules["keras.src.backend.jax.rnn"]  # the package has a function of that name

OFF = 1e-3  # of a weight: what ten bits of a number leave
BITS = 10  # of a number, as newer GPUs multiply unless they are told otherwise
numpy_of_keras: Any = sys.modules["keras.src.backend.jax.numpy"]


def for_cuda(kind: dict[str, Any]) -> str:
    """Give the program of an epoch as JAX hands it to CUDA's compiler, which is not needed for it."""
    orders, arrays = zip(*(accelerator_check.control(kind, n) for n in range(2)), strict=True)
    model = grouped._made(keras, orders[0], arrays[0])
    same = [grouped._values(one) for one in (model.optimizer.variables, model.metrics_variables)]
    state = grouped._stacked(jax, [(*grouped._values_of(model), *same)] * 2)
    data = grouped._stacked(jax, [tuple(one.get(n) for n in grouped.DATA) for one in arrays])
    batches, *_ = next(grouped._batches(orders, accelerator_check.ROWS))
    epoch = export.export(grouped._epoch(jax, model), platforms=["cuda"])
    return str(epoch(state, data, batches).mlir_module())


def ended_by(error: Exception) -> bool:
    """Whether a batch that raises so ends its room; else the rest of the room goes on."""

    def raises(*_: Any) -> Any:
        raise error

    grouped.perform_together = raises
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        (out / "0000.json").write_text(json.dumps({"fit": {"epochs": 1}}), encoding="utf-8")
        np.savez(out / "0000.npz")
        try:
            grouped.do_together(keras, [out / "0000.json"], out)
        except type(error):
            return True
    return False


def rounded(numbers: Any) -> Any:
    """Numbers in ten bits; their slope is that of what they were."""
    numbers = jax.numpy.asarray(numbers)
    few = jax.lax.reduce_precision(numbers, exponent_bits=8, mantissa_bits=BITS)
    return numbers + jax.lax.stop_gradient(few - numbers)


def main() -> None:
    assert not rnn._is_gpu_available()
    rnn._is_gpu_available = lambda: True
    core, there = jax.devices()
    usual, multiply = grouped.perform_together, numpy_of_keras.matmul
    kept: dict[str, Any] = {}
    on: list[Any] = []

    def noted(*asked: Any) -> Any:
        """What a device computes, and on which that was; a core's is kept."""
        done = usual(*asked)
        on.append(jax.config.jax_default_device)
        kept[asked[1][0]["optimizer"]["name"]] = done
        return done

    def of_a_core(*asked: Any) -> Any:
        return kept[asked[1][0]["optimizer"]["name"]]

    def in_few_bits(*asked: Any) -> Any:
        """A device that multiplies in ten bits, beside what the core computed."""
        grouped.perform_together = of_a_core
        numpy_of_keras.matmul = lambda *both: multiply(*map(rounded, both))
        try:
            return usual(*asked)
        finally:
            numpy_of_keras.matmul = multiply

    grouped.perform_together = noted
    right = accelerator_check.wrong(keras, jax, there)
    apart = on == [there, core] * len(accelerator_check.CONTROLS)
    grouped.perform_together = in_few_bits
    few_bits = accelerator_check.wrong(keras, jax, there)
    answers: Iterator[float] = iter(())

    def off(*asked: Any) -> Any:
        by, known = next(answers), kept[asked[1][0]["optimizer"]["name"]]
        return [(told, {name: by * one for name, one in found.items()}) for told, found in known]

    grouped.perform_together = off
    wrong = []
    for each in ((1.0 + OFF, 1.0), (1.0, 1.0, 1.0 + OFF, 1.0)):  # there and here, of each control
        answers = iter(each)
        wrong.append(accelerator_check.wrong(keras, jax, there))
    broken = RuntimeError("CUDA_ERROR_UNKNOWN")

    def raises(*_: Any) -> Any:
        raise broken

    calls = sum(for_cuda(kind).count("custom_call") for kind in accelerator_check.CONTROLS)
    ends = [ended_by(error) for error in (jax.errors.JaxRuntimeError("ECC"), ValueError("axis"))]
    jax.devices = raises  # as where a driver is older than its library
    found = accelerator_check.found(keras, jax)
    print(json.dumps([right, apart, few_bits, wrong, found, calls, ends]))


if __name__ == "__main__":
    main()
