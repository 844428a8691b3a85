"""The noncentral t distribution, for bounds on what a small normal sample leaves unknown.

Enters: degrees of freedom, a noncentrality or a point. Leaves: probabilities, quantiles, the
noncentrality that makes a point a quantile. Touches nothing.

T = (Z + shift) / s with Z standard normal and s**2 = chi2(df) / df. SciPy's own function gives NaN
in parts of the range that calibration needs and underflows beyond a noncentrality of 37; these
sums do neither.
"""

from __future__ import annotations

import math

import numpy as np

POINTS = 1001
REACH = 10.0  # deviations of a normal beyond which nothing is left
TINY = 1e-14


def cdf(point: float, df: int, shift: float) -> float:
    """Give P(T <= point), by the trapezoidal rule over whichever of Z and s makes it smooth."""
    from scipy import integrate, stats

    if abs(point) > math.sqrt(2 * df):
        z = np.linspace(-REACH, REACH, POINTS)
        ratio = (z + shift) / point  # T <= point where s >= ratio, or s <= ratio for a negative one
        below = stats.chi2.cdf(df * np.square(np.maximum(ratio, 0.0)), df)
        held = 1.0 - below if point > 0 else below
        return float(integrate.trapezoid(stats.norm.pdf(z) * held, z))
    low, high = (math.sqrt(stats.chi2.ppf(q, df) / df) for q in (TINY, 1 - TINY))
    s = np.linspace(low, high, POINTS)
    density = stats.chi2.pdf(df * np.square(s), df) * 2 * df * s
    return float(integrate.trapezoid(density * stats.norm.cdf(point * s - shift), s))


def quantile(share: float, df: int, shift: float) -> float:
    """Give the point that T does not exceed in this share of cases."""
    from scipy import optimize

    end = (abs(shift) + REACH) * 1e3
    return float(optimize.brentq(lambda point: cdf(point, df, shift) - share, -end, end))


def noncentrality(share: float, point: float, df: int) -> float:
    """Give the noncentrality for which ``point`` is the quantile of this share."""
    from scipy import optimize

    low, high = 3 * min(point, 0.0) - REACH, 3 * max(point, 0.0) + REACH
    return float(optimize.brentq(lambda shift: cdf(point, df, shift) - share, low, high))
