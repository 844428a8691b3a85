"""Keys of trainings: equal work has the same one, whoever asks for it.

Enters: an Order, the course's secret, the attempt. Leaves: a key and the seed that belongs to it.
Touches: reads which versions are installed.

The seed follows from what is asked for, not from who asks: the same work learns the same. It does
follow from the secret, so nobody can try out beforehand which seed a small change would give. The
key holds the seed, so that courses with different secrets share no results.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader import environment
from grader.record.keys import digest
from grader.seeds import derive
from grader.trainer.order import VERSION, Order
from grader.types import Array, Engine

TRAINER = "2"  # raise it when the trainer's room trains differently by the same order
KERAS_OWN = "keras"  # where no kernel of ours computes recurrent layers
FIRST_ATTEMPT = 1  # of a notebook; a run of the reference has no other
CPU = "cpu"  # the class of device that trains, unless an accelerator does
ENGINE = Engine.JAX
WHOLE = 2**24  # float32 holds every whole number below
_COUNTED = ("keras", "jax", "jaxlib", "numpy", "python")


@dataclass(frozen=True)
class Key:
    """What names a training's result, and the seed with which it is trained."""

    key: str
    seed: int


def key_of(
    order: Order, secret: bytes, attempt: int = 0, kernel: str = KERAS_OWN, device: str = CPU
) -> Key:
    """Give the key of an order and its seed, another one for each attempt.

    ``kernel`` names what computes recurrent layers, ``device`` what it is computed on: ``cpu``, or
    an accelerator's name. The key holds both; the seed follows neither.

    Models that hold the same seeds are trained alike however often that is asked for. Where none is
    told, ``occurrence`` tells them apart, as their own seeds would on the student's machine.
    """
    content = digest(
        {
            "order": VERSION,
            "content": alike(order.as_json()),
            "arrays": {name: fingerprint(array) for name, array in order.arrays.items()},
            "seeds": order.seeds,
            "occurrence": 0 if _tells_seeds(order) else order.occurrence,
        }
    )
    seed = derive(secret, "order", content, attempt)
    named = {"key": "training/v1", "content": content, "seed": seed}
    where = {} if device == CPU else {"device": device}
    return Key(digest(named | where | engine_and_versions(kernel)), seed)


def fingerprint(array: Array) -> str:
    """Give a digest of type, shape and values."""
    text = f"{array.dtype.str} {array.shape}".encode()
    return hashlib.sha256(text + b"\n" + np.ascontiguousarray(array).tobytes()).hexdigest()


def alike(value: Any) -> Any:
    """Write equal numbers alike: Keras tells 0 and 0.0 as it was given them."""
    if isinstance(value, dict):
        return {key: alike(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [alike(one) for one in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(np.float32(value)) if abs(value) < WHOLE else value
    return value


def _tells_seeds(order: Order) -> bool:
    """Whether anything that draws told its seed; what draws nothing (Zeros) has none."""
    return any(seed is not None for seed in order.seeds)


def engine_and_versions(kernel: str = KERAS_OWN) -> dict[str, Any]:
    """Give what a training depends on besides its content; ``kernel``: as in ``key_of``."""
    versions = environment.versions()
    return {
        "engine": ENGINE,
        "kernel": kernel,
        "trainer": TRAINER,
        "versions": {name: versions.get(name) for name in _COUNTED},
    }
