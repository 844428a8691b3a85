"""Trains orders one by one and all in one program, in a process of its own; prints how far apart.

python grouped_program.py FOLDER, in which NNNN.json and NNNN.npz are orders.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

EVALUATION = Path(__file__).resolve().parents[2] / "grader" / "evaluation"
sys.path.insert(0, str(EVALUATION))

import grouped  # type: ignore[import-not-found]  # noqa: E402 - as in the trainer's room
import keras  # noqa: E402
import trainer  # type: ignore[import-not-found]  # noqa: E402


def apart(one: Any, other: Any) -> float:
    """The largest difference, relative to what is large in the array."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return float(np.max(np.abs(one - other)) / max(1e-3, float(np.max(np.abs(one)))))


def main() -> None:
    trainer.keep_compiled()  # one by one each fit is compiled anew otherwise
    orders, arrays = [], []
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        orders.append(json.loads(path.read_text("utf-8")))
        with np.load(path.with_suffix(".npz")) as archive:
            arrays.append(dict(archive))
    alone = [
        trainer.perform(keras, order, given, lambda _: None)
        for order, given in zip(orders, arrays, strict=True)
    ]
    together = grouped.perform_together(keras, orders, arrays, lambda _: None)
    weights, losses, other_seeds = [], [], []
    for (told, results), (told_too, results_too) in zip(alone, together, strict=True):
        assert "failed" not in told, told
        assert results.keys() == results_too.keys()
        weights.append(max(apart(results[name], results_too[name]) for name in results))
        assert told["history"].keys() == told_too["history"].keys()
        losses.append(
            max(apart(told["history"][k], told_too["history"][k]) for k in told["history"])
        )
        assert (told["epochs"], told["updates"], told["moved"]) == (
            told_too["epochs"], told_too["updates"], told_too["moved"],
        )  # fmt: skip
        other_seeds.append(apart(alone[0][1]["w_0000"], results_too["w_0000"]))
    likenesses = {grouped.likeness(o, a) for o, a in zip(orders, arrays, strict=True)}
    print(
        json.dumps(
            {
                "orders": len(together),
                "names": sorted(together[0][0]["history"]),
                "likenesses": len(likenesses),
                "weights": max(weights),
                "losses": max(losses),
                "others": min(other_seeds[1:]),
            }
        )
    )


if __name__ == "__main__":
    main()
