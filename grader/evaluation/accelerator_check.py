"""In the trainer's room: whether JAX has an accelerator there that computes as a core does.

Enters: nothing. Leaves in the folder argv[2] ``accelerator``: what is wrong, or "". Touches nothing
else. Runs as a script before anything is trained on a device that nobody has tried yet.

Two small models, of the layers and the optimizer of the course, are trained from several seeds, in
one program there and in one on the processor. What differs by more than rounding is no training of
ours, whatever the reason: matrices multiplied in fewer bits, a compiler's fault, a device that is
about to fail. What passes is judged by the threshold of a core.
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
WORDS, WIDTH = 40, 8
# Of the largest number. Products in 21 bits, about as far off as sums in another order, leave 3e-7
# of the first control and 4e-6 of the second; products in ten bits leave 2e-3 and 1e-2.
CLOSE = 5e-5
LONGEST = 300
Arrays = dict[str, np.ndarray]


def layer(cls: str, **config: Any) -> dict[str, Any]:
    """Describe a layer as an order does."""
    return {"class": cls, "config": config}


def both_ways(inner: dict[str, Any]) -> dict[str, Any]:
    """Describe a layer in both directions."""
    return {"class": "Bidirectional", "config": {}, "inner": inner}


# SGD, by which an update is as far off as its gradient: Adam's hardly depends on how large that is.
NUMBERS: dict[str, Any] = {
    "shape": [STEPS, FEATURES],
    "layers": [
        layer("Conv1D", filters=WIDTH, kernel_size=3, padding="same", activation="relu"),
        layer("SimpleRNN", units=UNITS, return_sequences=True),
        layer("GRU", units=UNITS, return_sequences=True),
        both_ways(layer("LSTM", units=UNITS)),
        layer("Dense", units=1),
    ],
    "optimizer": {"name": "SGD", "settings": {"learning_rate": 0.1}},
    "loss": {"name": "MeanSquaredError", "settings": {}},
}
TEXTS: dict[str, Any] = {
    "shape": [STEPS],
    "layers": [
        layer("Embedding", input_dim=WORDS, output_dim=WIDTH),
        layer("GRU", units=UNITS),
        layer("Dense", units=1, activation="sigmoid"),
    ],
    "optimizer": {"name": "Adam", "settings": {"learning_rate": 0.01}},
    "loss": {"name": "BinaryCrossentropy", "settings": {}},
}
CONTROLS = (NUMBERS, TEXTS)


def control(kind: dict[str, Any], seed: int) -> tuple[dict[str, Any], Arrays]:
    """Give an order of the course's layers, and what it is trained on."""
    order = {
        "seed": seed,
        "architecture": {
            "input_shape": kind["shape"],
            "input_dtype": "float32",
            "layers": kind["layers"],
        },
        "optimizer": kind["optimizer"],
        "loss": kind["loss"],
        "metrics": [],
        "weighted_metrics": [],
        "fit": {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": True, "class_weight": []},
    }
    draw = np.random.default_rng(seed)
    if kind is NUMBERS:
        x = draw.standard_normal((ROWS, *kind["shape"])).astype(np.float32)
        return order, {"x": x, "y": x.sum(axis=(1, 2))[:, None]}
    x = draw.integers(WORDS, size=(ROWS, *kind["shape"])).astype(np.float32)
    return order, {"x": x, "y": (x.mean(axis=1, keepdims=True) > WORDS / 2).astype(np.float32)}


def learned(keras: Any, jax: Any, device: Any, kind: dict[str, Any]) -> list[Arrays]:
    """Train a control from several seeds on a device, in one program; gives the weights."""
    orders, arrays = zip(*(control(kind, seed) for seed in range(SEEDS)), strict=True)
    with jax.default_device(device):
        done = grouped.perform_together(keras, orders, arrays, lambda _: None)
    return [results for _, results in done]


def wrong(keras: Any, jax: Any, device: Any) -> str:
    """Say what is wrong with a device, by what a core learns; "" where nothing is."""
    core = jax.devices("cpu")[0]
    for kind in CONTROLS:
        there, here = (learned(keras, jax, one, kind) for one in (device, core))
        for one, other in zip(there, here, strict=True):
            for name, expected in other.items():
                off = float(np.max(np.abs(one[name] - expected), initial=0.0))
                if not off <= CLOSE * max(1.0, float(np.max(np.abs(expected), initial=0.0))):
                    layers = "+".join(layer["class"] for layer in kind["layers"])
                    return f"{name}: {off:.1e} from what a core learns ({layers})"
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
