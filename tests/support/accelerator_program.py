"""Compares the processor with itself, then with a device that is off; prints both verdicts.

Keras believes that there is a GPU, and would take cuDNN's LSTM, which no program maps over orders.

python accelerator_program.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

EVALUATION = Path(__file__).resolve().parents[2] / "grader" / "evaluation"
sys.path.insert(0, str(EVALUATION))

import accelerator_check  # type: ignore[import-not-found]  # noqa: E402 - as in the room
import grouped  # type: ignore[import-not-found]  # noqa: E402
import jax  # noqa: E402
import keras  # noqa: E402
from jax import export  # noqa: E402

rnn: Any = sys.modules["keras.src.backend.jax.rnn"]  # the package has a function of that name

OFF = 1e-3  # of a weight: what ten bits of a number leave


def for_cuda() -> str:
    """Give the program of an epoch as JAX hands it to CUDA's compiler, which is not needed for it."""
    orders, arrays = zip(*map(accelerator_check.control, range(2)), strict=True)
    model = grouped._made(keras, orders[0], arrays[0])
    same = [grouped._values(one) for one in (model.optimizer.variables, model.metrics_variables)]
    state = grouped._stacked(jax, [(*grouped._values_of(model), *same)] * 2)
    data = grouped._stacked(jax, [tuple(one.get(n) for n in grouped.DATA) for one in arrays])
    batches, *_ = next(grouped._batches(orders, accelerator_check.ROWS))
    epoch = export.export(grouped._epoch(jax, model), platforms=["cuda"])
    return str(epoch(state, data, batches).mlir_module())


def main() -> None:
    assert not rnn._is_gpu_available()
    rnn._is_gpu_available = lambda: True
    usual = grouped.perform_together
    kept: list[Any] = []

    def once(*asked: Any) -> Any:
        """The same on each device, compiled once: there is only one here."""
        if not kept:
            kept.extend(usual(*asked))
        return kept

    grouped.perform_together = once
    right = accelerator_check.wrong(keras, jax, jax.devices()[0])
    answers = iter((1.0 + OFF, 1.0))

    def off(*asked: Any) -> Any:
        by = next(answers)
        return [(told, {name: by * one for name, one in found.items()}) for told, found in kept]

    grouped.perform_together = off
    wrong = accelerator_check.wrong(keras, jax, jax.devices()[0])
    broken = RuntimeError("CUDA_ERROR_UNKNOWN")

    def raises(*_: Any) -> Any:
        raise broken

    calls = for_cuda().count("custom_call")
    jax.devices = raises  # as where a driver is older than its library
    print(json.dumps([right, wrong, accelerator_check.found(keras, jax), calls]))


if __name__ == "__main__":
    main()
