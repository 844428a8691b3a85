"""Chooses metric and threshold from measured runs, or says that none separates right from wrong.

Enters: CalibrationRuns. Leaves: one threshold per engine and device. Touches nothing.

``docs/calibration.md`` tells the method with its formulas. In short: on a log scale where smaller
is better, ``u`` bounds correct runs (99 % of them, with 95 % confidence), ``c`` is the best run of
any known mistake, and the threshold stands a third of the way from ``u`` to ``c``. Where a mistake
is neither twice as bad as ``u`` nor three deviations of correct runs beyond it, there is none; two
percent are enough for one that came to the same in every one of many runs. Correct runs that never
learn, where they are rare, do not move ``u`` but count as false fails
(``grader.calibration.stalls``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from grader.calibration.scale import resolution, scaled, unscale
from grader.calibration.stalls import CONFIDENCE, Stalls, clopper_pearson, count_stalls, parted
from grader.course.expectations import REFERENCE, Better, CalibrationRun, Rate, Threshold
from grader.types import Array

COVERAGE = 0.99
CUTOFF_SHARE = 1 / 3  # of the way from the correct runs' bound to the best mistake
MARGIN = math.log(2.0)  # a mistake that is twice as bad as the bound is far enough from it,
DEVIATIONS = 3.0  # or one that lies so many deviations of the correct runs beyond it
LEAST_MARGIN = math.log(1.02)  # and never less than two percent, however little the runs vary
ATTEMPTS = 3  # unless the exercise says otherwise
FEWEST = 5  # runs; with fewer a spread means nothing
MANY = 20  # runs that all come to the same: there is no luck in it
SHAPIRO = 0.01  # normality is given up below this p-value
STEADY = 1e-9  # a spread below it is none at all
LEAST_SPREAD = 0.1  # in log: a smaller one, seen in a few runs, is luck and no reason to prefer


@dataclass(frozen=True)
class Separation:
    """One metric's measurement on the log scale, smaller is better."""

    metric: str
    better: Better
    reference: Array  # (runs,): those that stalled are not among them where that is rare
    controls: Mapping[str, Array]  # per known mistake, (runs,)
    bound: float  # u
    best_control: float  # c
    stalls: Stalls

    @property
    def gap(self) -> float:
        """How far the best mistake is from the correct runs' bound, in log units."""
        return self.best_control - self.bound

    @property
    def apart(self) -> bool:
        """Whether every mistake is far enough from the correct runs."""
        usual = max(min(MARGIN, DEVIATIONS * _spread(self.reference)), LEAST_MARGIN)
        return all(
            float(values.min()) - self.bound >= (LEAST_MARGIN if _has_no_luck(values) else usual)
            for values in self.controls.values()
        )

    @property
    def deviations(self) -> float:
        """The gap in deviations of the correct runs: squaring a metric must not favour it."""
        return self.gap / max(_spread(self.reference), LEAST_SPREAD)


@cache
def tolerance_factor(count: int) -> float:
    """Give Hald's one-sided factor: mean + factor * sd covers COVERAGE with CONFIDENCE."""
    from scipy import stats

    from grader.calibration.noncentral_t import quantile

    root = math.sqrt(count)
    return quantile(CONFIDENCE, count - 1, float(stats.norm.ppf(COVERAGE)) * root) / root


def separation(
    runs: Sequence[CalibrationRun],
    engine_device: tuple[str, str],
    metric: str,
    better: Better,
    attempts: int = ATTEMPTS,
) -> Separation | None:
    """Look at one metric on one engine and device; None with too few runs to say anything."""
    here = [run for run in runs if (run.engine, run.device) == engine_device]
    finest = resolution(here, metric)
    by_control = {
        kind: scaled([run for run in here if run.control == kind], metric, better, finest)
        for kind in dict.fromkeys(run.control for run in here)
    }
    correct = by_control.pop(REFERENCE, np.empty(0))
    controls = {kind: values for kind, values in by_control.items() if len(values)}
    if sum(map(len, controls.values())) < FEWEST:
        return None
    stalls = count_stalls(runs, *engine_device, metric, better)
    reference = parted(here, metric, better)[0] if stalls.rare(attempts) else correct
    if len(reference) < FEWEST:
        return None
    bound = float(reference.mean()) + tolerance_factor(len(reference)) * _spread(reference)
    bound = max(bound, float(reference.max()))
    best = min(float(values.min()) for values in controls.values())
    return Separation(metric, better, reference, controls, bound, best, stalls)


def choose_threshold(
    runs: Sequence[CalibrationRun],
    engine: str,
    device: str,
    better: Mapping[str, Better],
    attempts: int = ATTEMPTS,
) -> Threshold | None:
    """Choose the metric that separates best on one engine and device.

    Args:
        runs: every run of the exercise.
        engine: Keras backend of the runs to look at.
        device: ``cpu`` or the accelerator's name.
        better: per metric, ``lower`` or ``higher``.
        attempts: how often a notebook that misses may try, with another seed each time.

    Returns:
        A threshold with ``value`` None and the reason where no metric separates; None where there
        are too few runs to look at.
    """
    engine_device = (engine, device)
    looked = [
        found
        for metric, way in better.items()
        if (found := separation(runs, engine_device, metric, way, attempts))
    ]
    if not looked:
        return None
    apart = [one for one in looked if one.apart]
    best = max(apart or looked, key=lambda one: one.deviations)
    return _threshold(best, engine, device) if apart else _no_threshold(best, engine, device)


def _threshold(measured: Separation, engine: str, device: str) -> Threshold:
    cutoff = measured.bound + CUTOFF_SHARE * measured.gap
    fail, how = false_fail(measured, cutoff)
    return Threshold(
        metric=measured.metric,
        better=measured.better,
        value=unscale(cutoff, measured.better),
        control=unscale(measured.best_control, measured.better),
        engine=engine,
        device=device,
        false_fail=fail,
        false_pass=false_pass(measured.controls, cutoff),
        reason=f"{_summary(measured)}; false_fail: {how}",
    )


def _no_threshold(measured: Separation, engine: str, device: str) -> Threshold:
    return Threshold(
        metric=measured.metric,
        better=measured.better,
        value=None,
        control=unscale(measured.best_control, measured.better),
        engine=engine,
        device=device,
        false_fail=None,
        false_pass=None,
        reason=f"{_summary(measured)}: too near to tell them apart",
    )


def _summary(measured: Separation) -> str:
    mistakes = sum(map(len, measured.controls.values()))
    bound = unscale(measured.bound, measured.better)
    best = unscale(measured.best_control, measured.better)
    return (
        f"{len(measured.reference)} correct runs, {mistakes} runs of known mistakes: by "
        f"{measured.metric}, {100 * _covered(measured.reference):.3g} % of correct runs stay "
        f"within {bound:.3g} (95 % confidence), and the best mistake reaches {best:.3g}"
    )


def _covered(reference: Array) -> float:
    """Give the share of correct runs that the bound covers with CONFIDENCE.

    Where they are not normal in log, all that is known is that the bound is no better than the
    worst of them.
    """
    worst = 1.0 - clopper_pearson(0, len(reference))
    return COVERAGE if _looks_normal(reference) else min(COVERAGE, worst)


# --- error rates -----------------------------------------------------------------------------


def false_fail(measured: Separation, cutoff: float) -> tuple[Rate, str]:
    """Give the chance that a correct run lies beyond ``cutoff``, and how it was found.

    The estimate adds the share that stalls to the tail of those that learn. The bound is that of
    the stalled ones' count, which assumes nothing: with no stall in twenty runs, one in eight may
    still stall. It is never below the bound of those that learn, whom other engines' runs do not
    make more.

    Args:
        measured: what was measured; no run that learned lies beyond ``cutoff``.
        cutoff: on the log scale.
    """
    learned, how = beyond(measured.reference, cutoff)
    stalls = measured.stalls
    share = stalls.share + (1.0 - stalls.share) * learned.estimate
    how_found = (
        f"{stalls.stalled} of {stalls.runs} correct runs, all engines counted, ended where a "
        f"mistake ends (bound: Clopper-Pearson); of those that learn, at most "
        f"{learned.upper95:.2g} miss ({how})"
    )
    return Rate(share, max(share, stalls.upper95, learned.upper95)), how_found


def beyond(values: Array, cutoff: float) -> tuple[Rate, str]:
    """Give the chance that one more run of this kind lies beyond ``cutoff``, and the method."""
    count = int((values > cutoff).sum())
    if not _looks_normal(values):
        return Rate(count / len(values), clopper_pearson(count, len(values))), "Clopper-Pearson"
    distance = (cutoff - float(values.mean())) / _spread(values)
    return _normal_rate(distance, len(values)), "normal in log, noncentral t"


def false_pass(controls: Mapping[str, Array], cutoff: float) -> Rate:
    """Give the chance that a known mistake stays within ``cutoff``: that of the likeliest kind.

    Kinds are not pooled: many runs of a harmless mistake would hide a dangerous one.
    """
    rates = [beyond(-values, -cutoff)[0] for values in controls.values()]
    return Rate(max(rate.estimate for rate in rates), max(rate.upper95 for rate in rates))


def _looks_normal(values: Array) -> bool:
    from scipy import stats

    if len(values) < FEWEST or _spread(values) < STEADY:
        return False
    return bool(stats.shapiro(values).pvalue >= SHAPIRO)


def _has_no_luck(values: Array) -> bool:
    """Whether a mistake comes to the same in every run, as a naive answer in its own measure."""
    return len(values) >= MANY and _spread(values) < STEADY


def _spread(values: Array) -> float:
    return float(values.std(ddof=1))


def _normal_rate(distance: float, count: int) -> Rate:
    """Give the tail beyond ``distance`` sample deviations, and the largest that 95 % admits.

    The sample's distance times sqrt(count) is noncentral t with the true one times sqrt(count) as
    its noncentrality; the bound is the noncentrality that makes what was seen a 95 % quantile.
    """
    from scipy import stats

    from grader.calibration.noncentral_t import noncentrality

    root = math.sqrt(count)
    least = noncentrality(CONFIDENCE, distance * root, count - 1) / root
    estimate, upper = float(stats.norm.sf(distance)), float(stats.norm.sf(least))
    return Rate(estimate, max(estimate, upper))


# --- is the stored distribution still true? --------------------------------------------------


def prediction_interval(reference: Array, chance: float) -> tuple[float, float]:
    """Give the range that one more correct run leaves with at most this chance.

    The runs that were seen lie within, whatever their distribution.

    Args:
        reference: what was measured, on the log scale.
        chance: of a false alarm for one run.
    """
    from scipy import stats

    count = len(reference)
    factor = float(stats.t.ppf(1 - chance / 2, df=count - 1)) * math.sqrt(1 + 1 / count)
    reach, middle = factor * _spread(reference), float(reference.mean())
    low, high = float(reference.min()), float(reference.max())
    return min(low, middle - reach), max(high, middle + reach)
