"""Correct runs that never learn: how many there are, and whether few enough to set them aside.

Enters: CalibrationRuns of an exercise, a metric. Leaves: a Stalls. Touches nothing.

An LSTM sits on a plateau before it learns, and now and then one stays there to its end: the same
correct notebook then ends where a known mistake ends. No threshold can tell these two apart, so
such a run must not move it. What helps the student is another attempt with another seed, and what
the teacher needs to know is how often that happens: a share, with the bound of Clopper and Pearson.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grader.calibration.scale import resolution, scaled
from grader.course.expectations import REFERENCE, CalibrationRun, Expectation
from grader.types import Array

CONFIDENCE = 0.95
RARE = 0.01  # of correct work failing all its attempts, with CONFIDENCE: more is not set aside
DIFFERENT = 0.05  # shares of two engines that are less alike than this are not counted together


@dataclass(frozen=True)
class Stalls:
    """How many of some correct runs ended where a known mistake ends."""

    stalled: int
    runs: int

    @property
    def share(self) -> float:
        """The share seen."""
        return self.stalled / self.runs if self.runs else 0.0

    @property
    def upper95(self) -> float:
        """The largest share that what was seen admits."""
        return clopper_pearson(self.stalled, self.runs)

    def rare(self, attempts: int) -> bool:
        """Whether so many attempts leave next to none of the correct work behind."""
        return self.upper95**attempts <= RARE


def clopper_pearson(hits: int, count: int) -> float:
    """Give the upper end of the one-sided 95 % interval of a share."""
    from scipy import stats

    return 1.0 if hits >= count else float(stats.beta.ppf(CONFIDENCE, hits + 1, count - hits))


def parted(runs: Sequence[CalibrationRun], metric: str, better: str) -> tuple[Array, Array]:
    """Part the correct runs of one engine and device: those that learned, those that stalled.

    Returns:
        Both on the log scale, (learned,) and (stalled,). A run stalled where it is no better than
        the best run of any known mistake.
    """
    finest = resolution(runs, metric)
    correct = scaled([run for run in runs if run.control == REFERENCE], metric, better, finest)
    wrong = scaled([run for run in runs if run.control != REFERENCE], metric, better, finest)
    best = float(wrong.min()) if len(wrong) else np.inf
    return correct[correct < best], correct[correct >= best]


def has_stalled(run: CalibrationRun, expectation: Expectation) -> bool:
    """Whether a run is no better than the best known mistake, by the threshold of its place.

    By that of another place where its own has none; never where no metric separates.
    """
    place = (run.engine, run.device)
    entries = [one for one in expectation.thresholds if one.value is not None]
    entries.sort(key=lambda one: (one.engine, one.device) != place)
    if not entries or (control := entries[0].control) is None:
        return False
    found = run.metrics.get(entries[0].metric, math.nan)
    return found >= control if entries[0].better == "lower" else found <= control


def count_stalls(
    runs: Sequence[CalibrationRun], engine: str, device: str, metric: str, better: str
) -> Stalls:
    """Count on one engine and device, and on all others with it unless they differ.

    The plateau belongs to the architecture and its first weights, which every engine draws alike;
    five runs of one engine alone would say next to nothing about it.
    """
    here, others = Stalls(0, 0), Stalls(0, 0)
    for place in dict.fromkeys((run.engine, run.device) for run in runs):
        there = [run for run in runs if (run.engine, run.device) == place]
        learned, stalled = parted(there, metric, better)
        found = Stalls(len(stalled), len(stalled) + len(learned))
        if place == (engine, device):
            here = found
        else:
            others = _together(others, found)
    return here if _different(here, others) else _together(here, others)


def _together(one: Stalls, other: Stalls) -> Stalls:
    return Stalls(one.stalled + other.stalled, one.runs + other.runs)


def _different(one: Stalls, other: Stalls) -> bool:
    """Fisher's exact test."""
    from scipy import stats

    table = np.array([[part.stalled, part.runs - part.stalled] for part in (one, other)])
    return bool(stats.fisher_exact(table).pvalue < DIFFERENT)
