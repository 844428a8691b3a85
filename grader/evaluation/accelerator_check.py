"""In the trainer's room: whether JAX has an accelerator there that computes as a core does.

Enters: nothing. Leaves in the folder argv[2] ``accelerator``: what is wrong, or "". Touches nothing
else. Runs as a script before anything is trained on a device that nobody has tried yet.

A small model of all recurrent layers is trained from several seeds, in one program there and in one
on the processor. What differs by more than rounding is no training of ours, whatever the reason:
matrices multiplied in fewer bits, a compiler's fault, a device that is about to fail.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from grader.evaluation import grouped
else:
    import grouped  # a script finds its neighbours by their bare names

SEEDS, ROWS, STEPS, FEATURES, UNITS, BATCH, EPOCHS = 4, 24, 7, 2, 30, 8, 2
# Of the largest number. Six updates in float32 leave 1e-6; ten bits of a number would leave 1e-3.
CLOSE = 5e-5
LONGEST = 300


def control(seed: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Give an order with every recurrent layer, and what it is trained on."""
    kinds = (("SimpleRNN", True), ("GRU", True), ("LSTM", False))
    layers: list[dict[str, Any]] = [
        {"class": cls, "config": {"units": UNITS, "return_sequences": more}} for cls, more in kinds
    ]
    order = {
        "seed": seed,
        "architecture": {
            "input_shape": [STEPS, FEATURES],
            "input_dtype": "float32",
            "layers": [*layers, {"class": "Dense", "config": {"units": 1}}],
        },
        "optimizer": {"name": "SGD", "settings": {"learning_rate": 0.1}},
        "loss": {"name": "MeanSquaredError", "settings": {}},
        "metrics": [],
        "weighted_metrics": [],
        "fit": {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": True, "class_weight": []},
    }
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((ROWS, STEPS, FEATURES)).astype(np.float32)
    return order, {"x": x, "y": x.sum(axis=(1, 2))[:, None]}


def learned(keras: Any, jax: Any, device: Any) -> list[dict[str, np.ndarray]]:
    """Train the control from several seeds on a device, in one program; gives the weights."""
    orders, arrays = zip(*map(control, range(SEEDS)), strict=True)
    with jax.default_device(device):
        done = grouped.perform_together(keras, orders, arrays, lambda _: None)
    return [results for _, results in done]


def wrong(keras: Any, jax: Any, device: Any) -> str:
    """Say what is wrong with a device, by what a core learns; "" where nothing is."""
    there, here = (learned(keras, jax, one) for one in (device, jax.devices("cpu")[0]))
    for one, other in zip(there, here, strict=True):
        for name, expected in other.items():
            off = float(np.max(np.abs(one[name] - expected), initial=0.0))
            if not off <= CLOSE * max(1.0, float(np.max(np.abs(expected), initial=0.0))):
                return f"{name}: {off:.1e} from what a core learns"
    return ""


def found(keras: Any, jax: Any) -> str:
    """Look for an accelerator and try it; whatever goes wrong is told."""
    try:
        device = jax.devices()[0]
        if device.platform == "cpu":
            return grouped.NO_ACCELERATOR
        return wrong(keras, jax, device)
    except Exception as error:  # noqa: BLE001 - a driver raises what it likes
        return f"{type(error).__name__}: {error}"[:LONGEST]


def main() -> None:
    """Leave what is wrong in the folder."""
    import jax
    import keras

    out = Path(sys.argv[2])
    (out / "accelerator").write_text(json.dumps(found(keras, jax)), encoding="utf-8")


if __name__ == "__main__":
    main()
