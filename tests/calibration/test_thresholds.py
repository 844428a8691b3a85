"""Thresholds from measured runs: where they stand, and that their stated error rates hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from grader.calibration.scale import scale, unscale
from grader.calibration.stalls import (
    CONFIDENCE,
    RARE,
    Stalls,
    clopper_pearson,
    count_stalls,
    parted,
)
from grader.calibration.thresholds import (
    COVERAGE,
    CUTOFF_SHARE,
    FEWEST,
    MARGIN,
    beyond,
    choose_threshold,
    false_pass,
    prediction_interval,
    separation,
    tolerance_factor,
)
from grader.course.expectations import REFERENCE, CalibrationRun, Threshold

LOWER = {"mse": "lower"}
JAX = ("jax", "cpu")
# 4000 draws: a share of 0.95 has a standard error of 0.0034, so four of them are 0.014
DRAWS, SLACK = 4000, 0.014


def run(control: str, seed: int = 0, engine: str = "jax", **metrics: float) -> CalibrationRun:
    return CalibrationRun(control, engine, "cpu", 1, seed, metrics, 1.0)


def runs(
    reference: Sequence[float], mistakes: Sequence[float], metric: str = "mse"
) -> list[CalibrationRun]:
    found = [run(REFERENCE, n, **{metric: value}) for n, value in enumerate(reference)]
    return found + [run("untrained", n, **{metric: value}) for n, value in enumerate(mistakes)]


def lognormal(middle: float, sd: float, count: int, seed: int = 0) -> list[float]:
    """Values whose logarithms have exactly this mean and deviation."""
    draws = np.random.default_rng(seed).normal(size=count)
    draws = (draws - draws.mean()) / draws.std(ddof=1)
    return list(np.exp(math.log(middle) + sd * draws))


def chosen(found: list[CalibrationRun], better: dict[str, str] = LOWER) -> Threshold:
    threshold = choose_threshold(found, "jax", "cpu", better)
    assert threshold is not None
    return threshold


GOOD = lognormal(2e-4, 0.5, 20)
BAD = lognormal(0.05, 0.1, 10, seed=1)


# --- where it stands -------------------------------------------------------------------------


def test_well_separated_runs_give_a_threshold_a_third_of_the_way_in_log() -> None:
    found = chosen(runs(GOOD, BAD))
    assert found.value is not None
    bound = math.log(2e-4) + tolerance_factor(20) * 0.5
    best = math.log(min(BAD))
    assert math.log(found.value) == pytest.approx(bound + CUTOFF_SHARE * (best - bound))
    assert found.control == pytest.approx(min(BAD))


def test_every_correct_run_seen_passes_and_every_mistake_seen_fails() -> None:
    found = chosen(runs(GOOD, BAD))
    assert found.value is not None
    assert max(GOOD) < found.value < min(BAD)


def test_a_run_worse_than_the_bound_moves_the_bound() -> None:
    """A heavy tail is taken as it was seen, not as a normal distribution would have it."""
    tail = [*lognormal(1e-4, 0.01, 40), 2e-3]
    measured = separation(runs(tail, BAD), JAX, "mse", "lower")
    assert measured is not None
    assert measured.bound >= math.log(2e-3)


@pytest.mark.parametrize(
    ("correct", "share"),
    [
        (lognormal(1e-4, 0.3, 40), "99 %"),
        ([*lognormal(1e-4, 0.01, 39), 2e-3], "92.8 %"),  # the worst of 40: .05 ** (1 / 40)
        ([1e-4] * 40, "92.8 %"),
        ([*lognormal(1e-4, 0.01, 398), 2e-3, 2e-3], "99 %"),
    ],
    ids=["normal in log", "heavy tail", "all the same", "heavy tail, many"],
)
def test_what_the_bound_covers_is_said_as_far_as_it_is_known(
    correct: list[float], share: str
) -> None:
    """Where the runs are not normal in log, the worst of them alone says how many lie below."""
    assert f", {share} of correct runs stay within" in chosen(runs(correct, BAD)).reason


def test_overlapping_runs_give_no_threshold_and_say_why() -> None:
    found = chosen(runs(lognormal(0.02, 0.5, 20), BAD))
    assert found.value is None
    assert found.false_fail is None
    assert found.false_pass is None
    assert "too near" in found.reason


def test_mistakes_less_than_twice_as_bad_give_no_threshold() -> None:
    correct = lognormal(1e-3, 0.5, 20)
    measured = separation(runs(correct, BAD), JAX, "mse", "lower")
    assert measured is not None
    bound = math.exp(measured.bound)
    assert chosen(runs(correct, [bound * 1.99] * 5)).value is None
    assert chosen(runs(correct, [bound * 2.01] * 5)).value is not None
    assert math.exp(MARGIN) == pytest.approx(2.0)


def test_where_noise_keeps_all_models_close_three_deviations_are_enough() -> None:
    correct = lognormal(0.9, 0.01, 20)
    measured = separation(runs(correct, [1.0] * 5), JAX, "mse", "lower")
    assert measured is not None
    bound = math.exp(measured.bound)
    assert chosen(runs(correct, [bound * 1.031] * 5)).value is not None
    assert chosen(runs(correct, [bound * 1.029] * 5)).value is None


def test_a_mistake_without_luck_needs_no_room_for_any() -> None:
    """The naive answer's error is 1 of its own in every run; right work has only to be below."""
    correct = lognormal(0.9, 0.02, 40)
    measured = separation(runs(correct, [1.0] * 5), JAX, "mse", "lower")
    assert measured is not None
    bound = math.exp(measured.bound)
    near, nearer = bound * 1.021, bound * 1.019
    assert chosen(runs(correct, [near] * 20)).value is not None
    assert chosen(runs(correct, [nearer] * 20)).value is None
    assert chosen(runs(correct, [near] * 19)).value is None  # too few to know
    assert chosen(runs(correct, [near] * 19 + [near * 1.0001])).value is None  # it has some
    other = [run("shuffled_labels", n, mse=near * (1.0 + n / 1000)) for n in range(5)]
    assert chosen([*runs(correct, [near] * 20), *other]).value is None  # another is as near


def test_two_percent_are_never_enough_however_little_the_runs_vary() -> None:
    assert chosen(runs([0.9] * 8, [0.917] * 5)).value is None
    assert chosen(runs([0.9] * 8, [0.919] * 5)).value is not None


def test_one_good_run_of_a_mistake_is_enough_to_give_up() -> None:
    assert chosen(runs(GOOD, [*BAD, 2e-4])).value is None


def test_a_bimodal_reference_whose_bad_runs_reach_the_mistakes_gives_no_threshold() -> None:
    assert chosen(runs([*GOOD[:15], 0.04, 0.045, 0.05], BAD)).value is None


@pytest.mark.parametrize("count", range(FEWEST))
def test_too_few_runs_say_nothing(count: int) -> None:
    assert choose_threshold(runs(GOOD[:count], BAD), "jax", "cpu", LOWER) is None
    assert choose_threshold(runs(GOOD, BAD[:count]), "jax", "cpu", LOWER) is None


def test_the_fewest_runs_that_say_something_stand_farther_off() -> None:
    few = chosen(runs(lognormal(1e-5, 0.3, FEWEST), BAD))
    many = chosen(runs(lognormal(1e-5, 0.3, 50), BAD))
    assert few.value is not None
    assert many.value is not None
    assert many.value < few.value


def test_runs_of_another_engine_or_device_are_not_looked_at() -> None:
    elsewhere = [run("untrained", n, engine="tensorflow", mse=1e-6) for n in range(9)]
    assert chosen(runs(GOOD, BAD) + elsewhere) == chosen(runs(GOOD, BAD))


def test_shares_are_measured_by_what_is_missing_to_all() -> None:
    good = [1 - value for value in lognormal(0.01, 0.3, 20)]
    found = chosen(runs(good, [0.1, 0.12, 0.3, 0.11, 0.1], "share"), {"share": "higher"})
    assert found.value is not None
    assert 0.3 < found.value < min(good)
    assert found.better == "higher"


def test_a_share_of_few_answers_leaves_room_for_a_wrong_one() -> None:
    # Eight runs with all of 53 answers right do not say that the ninth misses none.
    mistakes = [n / 53 for n in (3, 4, 5, 8, 13)]
    threshold = chosen(runs([1.0] * 8, mistakes, "share"), {"share": "higher"})
    assert threshold.value is not None
    assert 0.9 < threshold.value < 52 / 53


def test_a_metric_that_never_varied_in_a_few_runs_is_not_preferred_for_that() -> None:
    found = [
        run(REFERENCE, n, share=1.0, mse=value) for n, value in enumerate(lognormal(1e-4, 0.1, 8))
    ]
    found += [run("untrained", n, share=n / 53, mse=10.0 + n) for n in range(3, 9)]
    assert chosen(found, {"share": "higher", "mse": "lower"}).metric == "mse"


def test_the_metric_that_separates_by_most_deviations_is_chosen() -> None:
    sharp = runs(GOOD, BAD)
    blunt = [
        run(r.control, r.seed, blunt=v, **r.metrics)
        for r, v in zip(sharp, [*lognormal(2e-4, 0.9, 20), *BAD], strict=True)
    ]
    better = {"blunt": "lower", "mse": "lower"}
    assert chosen(blunt, better).metric == "mse"


def test_squaring_a_metric_makes_it_no_better() -> None:
    """The log of a square is twice the log: gap and spread grow alike, and the first one stays."""
    both = [
        run(r.control, r.seed, root=math.sqrt(r.metrics["mse"]), **r.metrics)
        for r in runs(GOOD, BAD)
    ]
    as_root = separation(both, JAX, "root", "lower")
    as_square = separation(both, JAX, "mse", "lower")
    assert as_root is not None
    assert as_square is not None
    assert as_square.gap == pytest.approx(2 * as_root.gap)
    assert as_square.deviations == pytest.approx(as_root.deviations)


def test_a_run_without_a_finite_metric_is_left_out() -> None:
    found = [*runs(GOOD, BAD), run("one_epoch", 1, mse=math.nan), run("one_epoch", 2, mae=1.0)]
    assert chosen(found).value == chosen(runs(GOOD, BAD)).value


def test_runs_that_never_differ_give_a_threshold_with_an_honest_bound() -> None:
    found = chosen(runs([1e-4] * 8, BAD))
    assert found.value is not None
    assert found.false_fail is not None
    assert found.false_fail.upper95 == pytest.approx(clopper_pearson(0, 8))


def test_perfect_answers_have_a_scale_too() -> None:
    assert math.isfinite(scale(0.0, "lower"))
    assert math.isfinite(scale(1.0, "higher"))


@given(st.floats(1e-9, 1e3), st.sampled_from(["lower"]))
def test_the_scale_can_be_undone(value: float, better: str) -> None:
    assert unscale(scale(value, better), better) == pytest.approx(value)


@given(st.floats(0.0, 0.999))
def test_the_scale_of_shares_can_be_undone(share: float) -> None:
    assert unscale(scale(share, "higher"), "higher") == pytest.approx(share, abs=1e-12)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_better_is_smaller_on_the_scale(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert scale(low, "lower") <= scale(high, "lower")
    assert scale(high, "higher") <= scale(low, "higher")


# --- runs that stall -------------------------------------------------------------------------

STALLED = 0.06  # as bad as the mistakes, of which the best reaches less


def elsewhere(found: Sequence[CalibrationRun], engine: str = "tensorflow") -> list[CalibrationRun]:
    return [replace(one, engine=engine) for one in found]


def test_a_rare_run_that_never_learns_does_not_move_the_threshold() -> None:
    with_one, without = chosen(runs([*GOOD, STALLED], BAD)), chosen(runs(GOOD, BAD))
    assert (with_one.metric, with_one.value) == (without.metric, without.value)


def test_but_it_counts_as_a_false_fail() -> None:
    rate = chosen(runs([*GOOD, STALLED], BAD)).false_fail
    assert rate is not None
    assert rate.estimate == pytest.approx(1 / 21, rel=1e-3)
    assert rate.upper95 == pytest.approx(clopper_pearson(1, 21))


def test_runs_that_never_stalled_promise_no_more_than_their_number_allows() -> None:
    rate = chosen(runs(GOOD, BAD)).false_fail
    assert rate is not None
    assert rate.estimate < 1e-3
    assert rate.upper95 == pytest.approx(clopper_pearson(0, 20))


def test_a_miss_is_bounded_no_closer_than_one_of_runs_that_learn() -> None:
    """Another engine's many runs tell of the plateau, not of what twelve alike runs leave open."""
    alike = [1e-4] * 12
    rate = chosen([*runs(alike, BAD), *elsewhere(runs(GOOD * 3, BAD))]).false_fail
    assert rate is not None
    assert clopper_pearson(0, 72) < clopper_pearson(0, 12)
    assert rate.upper95 == pytest.approx(clopper_pearson(0, 12))


@pytest.mark.parametrize("stalled", range(1, 8))
def test_stalls_are_set_aside_only_while_attempts_make_up_for_them(stalled: int) -> None:
    found = runs([*GOOD, *[STALLED] * stalled], BAD)
    rare = clopper_pearson(stalled, 20 + stalled) ** 3 <= RARE
    assert (chosen(found).value is not None) == rare
    assert choose_threshold(found, *JAX, LOWER, attempts=1).value is None  # type: ignore[union-attr]


def test_few_runs_of_one_engine_are_counted_with_those_of_the_other() -> None:
    few = elsewhere(runs([*GOOD[:6], STALLED], BAD))
    alone = choose_threshold(few, "tensorflow", "cpu", LOWER)
    both = choose_threshold([*runs(GOOD, BAD), *few], "tensorflow", "cpu", LOWER)
    assert alone is not None
    assert alone.value is None
    assert both is not None
    assert both.value is not None
    assert both.false_fail is not None
    assert both.false_fail.upper95 == pytest.approx(clopper_pearson(1, 27))


def test_engines_that_stall_differently_are_not_counted_together() -> None:
    often = elsewhere(runs([*GOOD[:6], *[STALLED] * 6], BAD))
    found = [*runs(GOOD, BAD), *often]
    assert count_stalls(found, *JAX, "mse", "lower") == Stalls(0, 20)
    assert count_stalls(found, "tensorflow", "cpu", "mse", "lower") == Stalls(6, 12)


def test_too_few_runs_that_learn_say_nothing() -> None:
    few = [*runs(GOOD, BAD), *elsewhere(runs([*GOOD[: FEWEST - 1], STALLED], BAD))]
    assert choose_threshold(few, "tensorflow", "cpu", LOWER) is None


def test_a_share_stalls_where_it_is_no_higher_than_a_mistakes() -> None:
    learned, stalled = parted(runs([0.9, 0.95, 0.3, 0.5], [0.3, 0.2], "share"), "share", "higher")
    assert len(learned) == 3
    assert len(stalled) == 1


def test_without_mistakes_nothing_stalls() -> None:
    learned, stalled = parted(runs(GOOD, []), "mse", "lower")
    assert (len(learned), len(stalled)) == (20, 0)


def test_the_stated_chance_after_all_attempts_holds_for_a_reference_that_may_stall() -> None:
    """Of many calibrations of such a reference, 95 % state a bound that is not exceeded."""
    chance = 0.04
    stalled = np.random.default_rng(3).binomial(25, chance, size=DRAWS)
    holding = np.mean([Stalls(int(one), 25).upper95 >= chance for one in stalled])
    assert holding >= CONFIDENCE - SLACK


# --- monotony --------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.floats(1.0, 20.0))
def test_worse_mistakes_never_tighten_the_threshold(factor: float) -> None:
    found = chosen(runs(GOOD, BAD)).value
    worse = chosen(runs(GOOD, [value * factor for value in BAD])).value
    assert found is not None
    assert worse is not None
    assert worse >= found * (1 - 1e-12)


@settings(max_examples=40)
@given(st.floats(0.1, 10.0))
def test_a_change_of_units_changes_nothing_but_the_units(factor: float) -> None:
    found = chosen(runs(GOOD, BAD)).value
    other = chosen(runs([v * factor for v in GOOD], [v * factor for v in BAD])).value
    assert found is not None
    assert other == pytest.approx(found * factor)


@settings(max_examples=40)
@given(st.floats(-14.0, -2.0), st.floats(0.01, 2.0))
def test_a_place_farther_off_fails_fewer_correct_runs(place: float, step: float) -> None:
    reference = np.log(GOOD)
    near, _ = beyond(reference, place)
    far, _ = beyond(reference, place + step)
    assert far.estimate <= near.estimate
    assert far.upper95 <= near.upper95 + 1e-12


def test_bounds_are_never_below_their_estimates() -> None:
    for place in np.linspace(-12, 0, 40):
        for values in (np.log(GOOD), np.log([*GOOD[:15], 0.04, 0.045, 0.05])):
            rate, _ = beyond(values, float(place))
            assert 0.0 <= rate.estimate <= rate.upper95 <= 1.0


# --- stated rates hold -----------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, 10, 20, 50])
def test_the_tolerance_bound_covers_as_often_as_it_says(count: int) -> None:
    """Of many calibrations, 95 % have a bound below which 99 % of all correct runs lie."""
    draws = np.random.default_rng(count).normal(size=(DRAWS, count))
    bounds = draws.mean(axis=1) + tolerance_factor(count) * draws.std(axis=1, ddof=1)
    covering = (stats.norm.cdf(bounds) >= COVERAGE).mean()
    assert abs(covering - CONFIDENCE) < SLACK


@pytest.mark.parametrize(
    ("count", "factor"), [(5, 5.741), (10, 3.981), (20, 3.295), (50, 2.862), (100, 2.684)]
)
def test_the_tolerance_factor_is_that_of_the_published_tables(count: int, factor: float) -> None:
    """NIST/SEMATECH handbook 7.2.6.3, one-sided, 99 % coverage with 95 % confidence."""
    assert tolerance_factor(count) == pytest.approx(factor, abs=0.004)


@pytest.mark.parametrize(("count", "place"), [(6, 3.0), (20, 2.0), (20, 4.0)])
def test_the_bound_of_false_fails_holds_as_often_as_it_says(count: int, place: float) -> None:
    """The bound falls with the distance alone, so it suffices to know it along a grid."""
    draws = np.random.default_rng(count).normal(size=(DRAWS, count))
    distances = (place - draws.mean(axis=1)) / draws.std(axis=1, ddof=1)
    base = np.array(lognormal(1.0, 1.0, count, seed=2))
    base = np.log(base)  # mean 0, deviation 1
    grid = np.linspace(distances.min(), distances.max(), 60)
    bounds = [beyond(base, float(one))[0].upper95 for one in grid]
    holding = (np.interp(distances, grid, bounds) >= stats.norm.sf(place)).mean()
    assert abs(holding - CONFIDENCE) < SLACK


def test_a_skewed_reference_is_bounded_without_assuming_anything() -> None:
    skewed = np.concatenate([np.full(18, -8.0) + np.linspace(0, 0.01, 18), [-4.0, -3.0]])
    rate, how = beyond(skewed, -2.0)
    assert how == "Clopper-Pearson"
    assert rate.estimate == 0.0
    assert rate.upper95 == pytest.approx(1 - 0.05 ** (1 / 20))  # the rule of three, exactly


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (1, 10), (5, 30), (30, 30)])
def test_clopper_pearson_is_the_share_that_would_rarely_show_so_few(hits: int, count: int) -> None:
    upper = clopper_pearson(hits, count)
    if hits == count:
        assert upper == 1.0
    else:
        assert stats.binom.cdf(hits, count, upper) == pytest.approx(1 - CONFIDENCE)


def test_the_likeliest_mistake_to_pass_sets_the_rate() -> None:
    safe = np.log(lognormal(0.05, 0.05, 200, seed=4))
    risky = np.log(lognormal(0.02, 0.5, 5, seed=5))
    place = math.log(0.01)
    alone = false_pass({"risky": risky}, place)
    assert false_pass({"safe": safe, "risky": risky}, place) == alone
    assert alone.estimate == pytest.approx(stats.norm.sf(math.log(2.0) / 0.5))
    assert false_pass({"safe": safe}, place).upper95 < 1e-6


def test_a_mistake_with_one_run_keeps_its_ignorance() -> None:
    rate = false_pass({"rare": np.array([-3.0])}, -5.0)
    assert rate.estimate == 0.0
    assert rate.upper95 == pytest.approx(0.95)


# --- prediction ------------------------------------------------------------------------------


def test_one_more_run_stays_within_its_interval_as_often_as_it_says() -> None:
    count, chance = 12, 0.05
    draws = np.random.default_rng(7).normal(size=(DRAWS, count + 1))
    base = np.linspace(-1, 1, count) / np.linspace(-1, 1, count).std(ddof=1)
    low, high = prediction_interval(base, chance)
    factor = -low  # of a sample with mean 0 and deviation 1
    assert high == pytest.approx(factor)
    middle, spread = draws[:, :-1].mean(axis=1), draws[:, :-1].std(axis=1, ddof=1)
    outside = (np.abs(draws[:, -1] - middle) > factor * spread).mean()
    assert abs(outside - chance) < SLACK


def test_runs_that_were_seen_lie_within_the_interval() -> None:
    values = np.array([-8.0] * 30 + [-2.0])
    low, high = prediction_interval(values, 0.5)
    assert low <= -8.0
    assert high >= -2.0


def test_a_smaller_chance_of_false_alarm_widens_the_interval() -> None:
    values = np.log(GOOD)
    wide, narrow = prediction_interval(values, 0.001), prediction_interval(values, 0.05)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
