"""Chooses metric and threshold from measured runs, or says that none separates right from wrong.

Enters: CalibrationRuns. Leaves: one threshold per engine and device. Touches nothing.

Method. Errors are looked at in log scale (a factor counts the same everywhere), shares as the log of
what is missing to 1. On that scale smaller is better, and the reference's runs are close to normal
with a heavy upper tail. ``u`` is the one-sided tolerance bound that, with 95 % confidence, 99 % of
correct runs stay below (Hald's exact factor from the noncentral t distribution), or the worst run
seen, whichever is higher. ``c`` is the best run of any known mistake. A metric is used only where
``c`` lies above ``u`` by a margin; the threshold then stands a third of the way from ``u`` to ``c``:
nearer to the correct runs, so that a wrong one cannot pass by luck, yet beyond every one seen.

Rates. ``false_fail`` is the chance that a correct run misses the threshold in one attempt: the
normal tail as estimate; as upper bound the larger of what the noncentral t admits, with 95 %
confidence, and the estimate. Where normality is rejected (Shapiro-Wilk, 1 %) the bound is
Clopper-Pearson's, which assumes nothing and needs many runs to become small. ``false_pass`` is the
same for the known mistakes, always bounded by Clopper-Pearson.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grader.expectations import REFERENCE, CalibrationRun, Rate, Threshold
from grader.types import Array

CONFIDENCE = 0.95
COVERAGE = 0.99
PLACE = 1 / 3  # of the way from the correct runs' bound to the best mistake
MARGIN = math.log(2.0)  # a mistake must be at least twice as bad as the bound
FEWEST = 5
SHAPIRO = 0.01
FINEST = 1e-4  # one answer in ten thousand: shares are not told apart beyond it


@dataclass(frozen=True)
class Separation:
    """One metric's measurement on the log scale, smaller is better."""

    metric: str
    better: str
    reference: Array
    controls: Array
    bound: float  # u
    best_control: float  # c

    @property
    def gap(self) -> float:
        """How far the best mistake is from the correct runs' bound, in log units."""
        return self.best_control - self.bound


def scale(value: float, better: str) -> float:
    """Give the value on the scale where smaller is better and a factor counts the same."""
    missing = value if better == "lower" else 1.0 - value
    return math.log(max(missing, FINEST if better == "higher" else 1e-12))


def unscale(value: float, better: str) -> float:
    """Undo ``scale``."""
    return math.exp(value) if better == "lower" else 1.0 - math.exp(value)


def tolerance_factor(count: int) -> float:
    """Give Hald's one-sided factor: mean + factor * sd covers COVERAGE with CONFIDENCE."""
    from scipy import stats

    shift = stats.norm.ppf(COVERAGE) * math.sqrt(count)
    return float(stats.nct.ppf(CONFIDENCE, df=count - 1, nc=shift) / math.sqrt(count))


def separation(runs: Sequence[CalibrationRun], metric: str, better: str) -> Separation | None:
    """Look at one metric; None with too few runs to say anything."""

    def values(wanted: bool) -> Array:
        found = [
            scale(run.metrics[metric], better)
            for run in runs
            if (run.control == REFERENCE) is wanted and metric in run.metrics
        ]
        return np.array(found, dtype=np.float64)

    reference, controls = values(True), values(False)
    if len(reference) < FEWEST or len(controls) < FEWEST:
        return None
    spread = float(reference.std(ddof=1))
    bound = float(reference.mean()) + tolerance_factor(len(reference)) * spread
    bound = max(bound, float(reference.max()))
    return Separation(metric, better, reference, controls, bound, float(controls.min()))


def choose_threshold(
    runs: Sequence[CalibrationRun], engine: str, device: str, better: Mapping[str, str]
) -> Threshold | None:
    """Choose the metric that separates best on one engine and device.

    Args:
        runs: every run of the exercise.
        engine: Keras backend of the runs to look at.
        device: ``cpu`` or the accelerator's name.
        better: per metric, ``lower`` or ``higher``.

    Returns:
        A threshold with ``value`` None and the reason where no metric separates; None where there
        are too few runs to look at.
    """
    here = [run for run in runs if (run.engine, run.device) == (engine, device)]
    looked = [s for metric, way in better.items() if (s := separation(here, metric, way))]
    if not looked:
        return None
    best = max(looked, key=lambda one: one.gap)
    control = unscale(best.best_control, best.better)
    count = f"{len(best.reference)} correct runs, {len(best.controls)} known mistakes"
    if best.gap < MARGIN:
        reason = (
            f"{count}: by {best.metric}, 99 % of correct runs stay within "
            f"{unscale(best.bound, best.better):.3g}, and a known mistake reaches {control:.3g}; "
            "too near to tell them apart"
        )
        return Threshold(
            best.metric, best.better, None, control, engine, device, None, None, reason
        )
    place = best.bound + PLACE * best.gap
    fail, how = false_fail(best.reference, place)
    reason = (
        f"{count}: 99 % of correct runs stay within {unscale(best.bound, best.better):.3g} "
        f"(95 % confidence), the best mistake reaches {control:.3g}; {how}"
    )
    return Threshold(
        best.metric,
        best.better,
        unscale(place, best.better),
        control,
        engine,
        device,
        fail,
        false_pass(best.controls, place),
        reason,
    )


def false_fail(reference: Array, place: float) -> tuple[Rate, str]:
    """Give the chance that a correct run lies beyond ``place``, and how its bound was found."""
    from scipy import stats

    count = len(reference)
    beyond = int((reference > place).sum())
    spread = max(float(reference.std(ddof=1)), 1e-9)
    distance = (place - float(reference.mean())) / spread
    estimate = float(stats.norm.sf(distance))
    if stats.shapiro(reference).pvalue < SHAPIRO:
        return Rate(max(estimate, beyond / count), clopper_pearson(beyond, count)), (
            "not normal in log: Clopper-Pearson bound"
        )
    upper = _tail_bound(distance, count)
    return Rate(estimate, max(upper, estimate)), "normal in log: noncentral-t bound"


def _tail_bound(distance: float, count: int) -> float:
    """Give the largest tail beyond ``distance`` sample deviations that 95 % confidence admits."""
    from scipy import optimize, stats

    statistic = distance * math.sqrt(count)

    def too_small(shift: float) -> float:
        return float(stats.nct.cdf(statistic, df=count - 1, nc=shift)) - CONFIDENCE

    low, high = -40.0, 37.0  # scipy's noncentral t is exact within these
    if too_small(low) < 0:
        return 1.0
    if too_small(high) > 0:
        return float(stats.norm.sf(high / math.sqrt(count)))
    return float(stats.norm.sf(optimize.brentq(too_small, low, high) / math.sqrt(count)))


def false_pass(controls: Array, place: float) -> Rate:
    """Give the chance that a known mistake passes: what was seen, and Clopper-Pearson's bound."""
    passed = int((controls <= place).sum())
    return Rate(passed / len(controls), clopper_pearson(passed, len(controls)))


def clopper_pearson(hits: int, count: int) -> float:
    """Give the upper end of the one-sided 95 % interval of a share."""
    from scipy import stats

    return 1.0 if hits >= count else float(stats.beta.ppf(CONFIDENCE, hits + 1, count - hits))
