"""Keeps how correct runs learned, epoch by epoch: thresholds show their end alone.

Enters: the losses of runs. Leaves: a line of ``<exercise>-<way>.jsonl`` in a folder for each; of
enough lines a Curve, which students' checks are given. Touches: that file, and
``reference/<id>/curve.json``.

Of two lines for one seed the later counts: an interruption may have come between a curve and the
run's own line.

Where a word comes twice in a batch, TensorFlow's gradient of an Embedding holds a slice for each,
and Adam and RMSprop square the slices, not their sum: such a model learns faster there than on any
other engine. Students' notebooks run on TensorFlow, so of these exercises its lines alone count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.course.curves import SCHEMA, SHARES, Curve, as_table, curve_name, epochs_told
from grader.course.exercises import Exercise
from grader.record import files
from grader.types import Engine

DIGITS = 4
DIGITS_TOLD = 3
FEWEST = 20  # runs; with fewer nothing that one run in twenty does can be told


@dataclass(frozen=True)
class Learned:
    """How one correct run learned."""

    way: str  # it was trained: the engine, or the trainer
    seed: int
    loss: str  # as ``compile`` calls it; "" where nobody knows
    history: Mapping[str, Sequence[float]]


def engine_asked(exercise: Exercise) -> Engine | None:
    """Give the engine on which alone the exercise's losses can be told; None: any will do."""
    words = any(layer.cls == "Embedding" for layer in exercise.layers)
    return Engine.TENSORFLOW if words else None


def keep(folder: Path, exercise: str, data: str, one: Learned) -> None:
    """Write one run's curves down; of a run without any, nothing.

    Args:
        folder: of all exercises' files.
        exercise: its id.
        data: the fingerprint of the data that it learned from.
        one: the run.

    Raises:
        OSError: the disk refuses.
    """
    if not one.history:
        return
    curves = {name: [_short(value) for value in values] for name, values in one.history.items()}
    line = {"seed": one.seed, "data": data, "loss": one.loss, "curves": curves}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{exercise}-{one.way}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


def read(folder: Path, exercise: str, way: str) -> Mapping[int, Mapping[str, Any]]:
    """Give the lines by the seed of their run; one that was cut off is measured again."""
    path = folder / f"{exercise}-{way}.jsonl"
    return {one["seed"]: one for one in _lines(path)} if path.is_file() else {}


def write_curve(folder: Path, exercise: Exercise, data: str) -> Curve | None:
    """Write what the lines of a folder come to; None, and nothing written, where they are too few.

    Args:
        folder: of the lines, whatever way they were trained, but for ``engine_asked``.
        exercise: whose they are.
        data: the fingerprint of today's data; lines of others do not count.
    """
    asked = engine_asked(exercise)
    ways = {
        path.stem.removeprefix(f"{exercise.id}-") for path in folder.glob(f"{exercise.id}-*.jsonl")
    }
    runs = [
        line
        for way in sorted(ways)
        if asked is None or way == asked.value
        for line in read(folder, exercise.id, way).values()
        if line.get("data") == data
    ]
    curve = curve_of(runs, exercise.epochs)
    if curve is not None:
        curve = replace(curve, engine=asked.value if asked is not None else "")
        assert exercise.reference_path is not None
        table = {"schema": SCHEMA, "exercise": exercise.id, "data": data, **as_table(curve)}
        path = exercise.reference_path / curve_name(exercise.profile)
        files.write_whole(path, _text(table).encode(), durably=True, shared=True)
    return curve


def curve_of(runs: Sequence[Mapping[str, Any]], epochs: int) -> Curve | None:
    """Sum runs up; None where they are too few.

    Args:
        runs: lines of a file.
        epochs: that the exercise asks for.
    """
    told = epochs_told(epochs)
    named = Counter(str(one.get("loss") or "") for one in runs)
    loss = max(named, key=lambda name: (bool(name), named[name]), default="")
    losses = [
        values[: told[-1]]
        for one in runs
        if one.get("loss") == loss
        and len(values := one["curves"].get("loss", ())) >= told[-1]
        and None not in values[: told[-1]]
    ]
    if not loss or len(losses) < FEWEST:
        return None
    at = np.array(losses)[:, [epoch - 1 for epoch in told]]  # (runs, epochs told)
    levels = np.quantile(at, SHARES, axis=0).T  # (epochs told, shares)
    rounded = tuple(tuple(float(f"{one:.{DIGITS_TOLD}g}") for one in row) for row in levels)
    return Curve(loss, len(losses), told, rounded)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"seed", "curves"} <= line.keys():
            yield line


def _text(table: Mapping[str, Any]) -> str:
    """Put each epoch's levels on a line of their own: diffs of this file are read by people."""
    levels = ",\n  ".join(map(json.dumps, table["levels"]))
    whole = json.dumps({**table, "epochs": [], "levels": []}, indent=1, ensure_ascii=False)
    whole = whole.replace('"epochs": []', f'"epochs": {json.dumps(table["epochs"])}', 1)
    return whole.replace('"levels": []', f'"levels": [\n  {levels}\n ]', 1) + "\n"


def _short(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.{DIGITS}g}")  # noqa: PLR0124
