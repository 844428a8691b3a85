"""The scale on which runs are compared: logarithmic, and smaller is better.

Enters: CalibrationRuns, a metric and which way it is better. Leaves: values on the scale. Touches
nothing.

An error ``e`` becomes ``log e``, a share ``s`` becomes ``log(1 - s)``, the log of what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from grader.course.expectations import CalibrationRun
from grader.types import Array

FINEST = 1e-4  # one answer in ten thousand: shares are not told apart beyond it
LOWEST = 1e-12  # of an error: below it there is nothing but rounding


def scale(value: float, better: str, finest: float = FINEST) -> float:
    """Give the value on the scale where smaller is better and a factor counts the same."""
    if better == "lower":
        return math.log(max(value, LOWEST))
    return math.log(max(1.0 - value, finest))


def unscale(value: float, better: str) -> float:
    """Undo ``scale``; a share is never negative."""
    return math.exp(value) if better == "lower" else max(0.0, 1.0 - math.exp(value))


def scaled(
    runs: Sequence[CalibrationRun], metric: str, better: str, finest: float = FINEST
) -> Array:
    """Give one metric of some runs on the log scale, (runs,); runs without it are left out."""
    return np.array([scale(value, better, finest) for value in _values(runs, metric)])


def resolution(runs: Sequence[CalibrationRun], metric: str) -> float:
    """Give the smallest step between different values: what one answer counts in a share.

    Runs that get all of 50 answers right say nothing about a run that misses one.
    """
    steps = np.diff(sorted(set(_values(runs, metric))))
    return max(FINEST, float(steps.min())) if len(steps) else FINEST


def _values(runs: Sequence[CalibrationRun], metric: str) -> list[float]:
    values = [run.metrics[metric] for run in runs if metric in run.metrics]
    return [value for value in values if math.isfinite(value)]
