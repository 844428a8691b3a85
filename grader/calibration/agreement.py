"""Do two engines train alike? Compares what the reference solution reached on each.

Enters: an Expectation. Leaves: an Agreement per two engines and metric. Touches nothing.

On the log scale of ``grader.calibration.thresholds``: the ratio of the typical values with a 95 %
interval (Welch), and the chance to see such a difference where there is none (Mann-Whitney, which
assumes no shape). Few runs cannot prove two engines equal; the interval says how far apart they may
still be, and ``crossed`` what that means for a student: how many runs of one miss the other's bar.
Runs that stalled are a kind of their own: they are counted and not compared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from grader.calibration.scale import scaled
from grader.calibration.stalls import has_stalled
from grader.calibration.thresholds import FEWEST
from grader.course.expectations import REFERENCE, CalibrationRun, Expectation, Threshold
from grader.types import Array

STEADY = 1e-9  # deviations on the log scale below this are rounding


@dataclass(frozen=True)
class Agreement:
    """One metric of the reference solution on two engines, same device."""

    metric: str
    engines: tuple[str, str]
    runs: tuple[int, int]
    ratio: float  # typical second / typical first; of what is missing to 1, for a share
    low: float  # 95 % interval of the ratio
    high: float
    stalled: tuple[int, int]  # further runs, which never learned
    chance: float  # p of Mann-Whitney, two-sided
    crossed: int  # runs of either engine that miss the threshold of the other


def agreements(
    expectation: Expectation, better: Mapping[str, str], device: str = "cpu"
) -> tuple[Agreement, ...]:
    """Compare every two engines with enough runs, metric by metric; empty without two."""
    stalled: Counter[str] = Counter()
    by_engine: dict[str, list[CalibrationRun]] = {}
    for run in expectation.runs:
        if (run.control, run.device) == (REFERENCE, device):
            stuck = has_stalled(run, expectation)
            stalled[run.engine] += stuck
            by_engine.setdefault(run.engine, []).extend([] if stuck else [run])
    measured = [engine for engine, runs in by_engine.items() if len(runs) >= FEWEST]
    found = []
    for one, other in combinations(measured, 2):
        for metric, way in better.items():
            first, second = (scaled(by_engine[engine], metric, way) for engine in (one, other))
            if len(first) < FEWEST or len(second) < FEWEST:
                continue
            found.append(
                Agreement(
                    metric,
                    (one, other),
                    (len(first), len(second)),
                    *_ratio(first, second),
                    (stalled[one], stalled[other]),
                    _chance(first, second),
                    _missed(by_engine[one], expectation, metric, other, device)
                    + _missed(by_engine[other], expectation, metric, one, device),
                )
            )
    return tuple(found)


def _ratio(first: Array, second: Array) -> tuple[float, float, float]:
    """Give the ratio of the typical values and the ends of its interval."""
    from scipy import stats

    middle = float(second.mean() - first.mean())
    ends = (middle, middle)  # where neither engine varies
    if first.std() + second.std() > STEADY:
        interval = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
        ends = (float(interval.low), float(interval.high))
    return math.exp(middle), math.exp(ends[0]), math.exp(ends[1])


def _chance(first: Array, second: Array) -> float:
    from scipy import stats

    return float(stats.mannwhitneyu(first, second).pvalue)


def _missed(
    runs: Iterable[CalibrationRun], expectation: Expectation, metric: str, engine: str, device: str
) -> int:
    """Count the runs that miss the threshold of an engine that is not theirs."""
    return sum(
        not reached(run.metrics[metric], threshold)
        for threshold in expectation.thresholds
        if (threshold.metric, threshold.engine, threshold.device) == (metric, engine, device)
        for run in runs
        if metric in run.metrics
    )


def reached(value: float, threshold: Threshold) -> bool:
    """Whether a value earns full accuracy points; always where there is no threshold."""
    if threshold.value is None:
        return True
    return value <= threshold.value if threshold.better == "lower" else value >= threshold.value
