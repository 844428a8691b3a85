"""The noncentral t distribution against simulation, limits and SciPy where that works."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from grader.calibration.noncentral_t import cdf, noncentrality, quantile


@pytest.mark.parametrize("df", [4, 9, 49])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 5.0, 16.0])
def test_it_is_what_the_definition_draws(df: int, shift: float) -> None:
    rng = np.random.default_rng(df)
    draws = (rng.normal(size=200_000) + shift) / np.sqrt(rng.chisquare(df, 200_000) / df)
    for share in (0.05, 0.5, 0.95):
        point = float(np.quantile(draws, share))
        assert cdf(point, df, shift) == pytest.approx(share, abs=0.003)  # six standard errors


@pytest.mark.parametrize("df", [4, 9, 49, 199])
@pytest.mark.parametrize("point", [-12.0, -2.0, 0.0, 1.5, 8.0, 30.0])
def test_without_a_shift_it_is_the_t_distribution(df: int, point: float) -> None:
    assert cdf(point, df, 0.0) == pytest.approx(stats.t.cdf(point, df), abs=1e-9)


@pytest.mark.parametrize(
    ("df", "shift", "point"), [(4, 2.0, 3.0), (19, 10.0, 11.0), (49, 5.0, 4.0)]
)
def test_it_agrees_with_scipy_where_scipy_is_right(df: int, shift: float, point: float) -> None:
    assert cdf(point, df, shift) == pytest.approx(stats.nct.cdf(point, df, shift), abs=1e-8)


@pytest.mark.parametrize("df", [4, 19, 199])
@pytest.mark.parametrize("point", [-50.0, -1.0, 0.5, 6.0, 60.0, 2000.0])
def test_the_noncentrality_makes_the_point_a_quantile(df: int, point: float) -> None:
    shift = noncentrality(0.95, point, df)
    assert cdf(point, df, shift) == pytest.approx(0.95, abs=1e-7)


@pytest.mark.parametrize(("df", "shift"), [(4, 5.2), (19, 10.4), (499, 52.0)])
def test_a_quantile_holds_its_share(df: int, shift: float) -> None:
    assert cdf(quantile(0.95, df, shift), df, shift) == pytest.approx(0.95, abs=1e-9)


def test_a_far_point_asks_for_nothing_but_the_sample_deviation() -> None:
    """Far out the normal part is negligible: what remains is the chi distribution of s."""
    df = 9
    least = math.sqrt(stats.chi2.ppf(0.05, df) / df)
    assert noncentrality(0.95, 1e5, df) / 1e5 == pytest.approx(least, rel=1e-3)
