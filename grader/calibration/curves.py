"""Keeps how each reference run learned, epoch by epoch: thresholds show its end alone.

Enters: a Measured. Leaves: a line of ``<exercise>-<way>.jsonl`` in a folder. Touches: that file.

Of two lines for one seed the later counts: an interruption may have come between a curve and the
run's own line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from grader.calibration.measure import Measured

DIGITS = 4


def keep(folder: Path, exercise: str, measured: Measured) -> None:
    """Write one run's curves down; of a run without any, nothing.

    Raises:
        OSError: the disk refuses.
    """
    if not measured.history:
        return
    run = measured.run
    curves = {name: [_short(one) for one in values] for name, values in measured.history.items()}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{exercise}-{run.engine}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"seed": run.seed, "curves": curves}, separators=(",", ":")) + "\n")


def read(folder: Path, exercise: str, way: str) -> Mapping[int, Mapping[str, list[float | None]]]:
    """Give the curves by the seed of their run."""
    path = folder / f"{exercise}-{way}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()
    return {told["seed"]: told["curves"] for told in map(json.loads, lines)}


def _short(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.{DIGITS}g}")  # noqa: PLR0124
