"""Compares the processor with itself, then with devices that are off; prints the verdicts.

Keras believes that there is a GPU, and would take cuDNN's LSTM, which no program maps over orders.

python accelerator_program.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def main() -> None:
    assert not rnn._is_gpu_available()
    rnn._is_gpu_available = lambda: True
    usual = grouped.perform_together
    kept: dict[str, Any] = {}

    def once(*asked: Any) -> Any:
        """The same on each device, compiled once: there is only one here."""
        kind = asked[1][0]["optimizer"]["name"]
        if kind not in kept:
            kept[kind] = usual(*asked)
        return kept[kind]

    grouped.perform_together = once
    right = accelerator_check.wrong(keras, jax, jax.devices()[0])
    answers: Iterator[float] = iter(())

    def off(*asked: Any) -> Any:
        by, known = next(answers), kept[asked[1][0]["optimizer"]["name"]]
        return [(told, {name: by * one for name, one in found.items()}) for told, found in known]

    grouped.perform_together = off
    wrong = []
    for each in ((1.0 + OFF, 1.0), (1.0, 1.0, 1.0 + OFF, 1.0)):  # there and here, of each control
        answers = iter(each)
        wrong.append(accelerator_check.wrong(keras, jax, jax.devices()[0]))
    broken = RuntimeError("CUDA_ERROR_UNKNOWN")

    def raises(*_: Any) -> Any:
        raise broken

    calls = sum(for_cuda(kind).count("custom_call") for kind in accelerator_check.CONTROLS)
    ends = [ended_by(error) for error in (jax.errors.JaxRuntimeError("ECC"), ValueError("axis"))]
    jax.devices = raises  # as where a driver is older than its library
    print(json.dumps([right, wrong, accelerator_check.found(keras, jax), calls, ends]))


if __name__ == "__main__":
    main()
