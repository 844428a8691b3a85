"""Whether two engines train alike, and what the page about the calibration says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from grader.calibration.agreement import Agreement, agreements, reached
from grader.calibration.stalls import Stalls, has_stalled
from grader.calibration.summary import write_summary
from grader.course.expectations import (
    REFERENCE,
    SCHEMA,
    CalibrationRun,
    Expectation,
    MeasuredData,
    MeasuredStructure,
    Threshold,
)
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
CORE = ("sequence-prediction", *(f"multiplication-{one}" for one in ("simple-rnn", "lstm", "gru")))
ERRORS = {"mse": "lower"}
BAR = 0.01


def runs(engine: str, values: list[float]) -> list[CalibrationRun]:
    return [
        CalibrationRun(REFERENCE, engine, "cpu", 1, seed, {"mse": value}, 1.0)
        for seed, value in enumerate(values)
    ]


def threshold(engine: str) -> Threshold:
    return Threshold("mse", "lower", BAR, 1.0, engine, "cpu", None, None, "")


def expectation(*found: CalibrationRun) -> Expectation:
    engines = dict.fromkeys(run.engine for run in found)
    entries = tuple(threshold(engine) for engine in engines)
    return Expectation(
        SCHEMA, "one", "standard", MeasuredData(""), MeasuredStructure((), 0), tuple(found), entries
    )


def drawn(middle: float, count: int, seed: int) -> list[float]:
    return list(middle * np.exp(0.5 * np.random.default_rng(seed).standard_normal(count)))


def compared(first: list[float], second: list[float]) -> Agreement:
    (found,) = agreements(expectation(*runs("jax", first), *runs("tensorflow", second)), ERRORS)
    return found


def test_equal_engines_have_a_ratio_of_one_within_their_interval() -> None:
    # A 95 % interval misses one in twenty times.
    seen = [compared(drawn(1e-3, 20, 2 * n), drawn(1e-3, 5, 2 * n + 1)) for n in range(60)]
    assert sum(one.low <= 1 <= one.high for one in seen) >= 51
    assert all(one.runs == (20, 5) for one in seen)


def test_an_engine_that_is_ten_times_worse_is_seen() -> None:
    found = compared(drawn(1e-3, 20, 1), drawn(1e-2, 5, 2))
    assert found.low > 3
    assert found.chance < 0.001


def test_runs_that_miss_the_bar_of_the_other_engine_are_counted() -> None:
    assert compared([1e-3] * 4 + [2e-2], drawn(1e-3, 5, 2)).crossed == 1


def test_engines_that_never_vary_can_be_compared() -> None:
    found = compared([1e-3] * 5, [2e-3] * 5)
    assert (found.low, found.ratio, found.high) == pytest.approx((2, 2, 2))


def test_one_engine_alone_or_too_few_runs_say_nothing() -> None:
    assert agreements(expectation(*runs("jax", drawn(1, 20, 1))), ERRORS) == ()
    few = (*runs("jax", drawn(1, 20, 1)), *runs("tensorflow", drawn(1, 2, 1)))
    assert agreements(expectation(*few), ERRORS) == ()


def test_every_two_of_three_engines_are_compared() -> None:
    three = {
        "jax": drawn(1e-3, 20, 1),
        "tensorflow": drawn(1e-3, 6, 2),
        "trainer": [1e-3] * 9 + [2e-2],
    }
    made = [run for engine, values in three.items() for run in runs(engine, values)]
    found = {one.engines: one for one in agreements(expectation(*made), ERRORS)}
    assert list(found) == [("jax", "tensorflow"), ("jax", "trainer"), ("tensorflow", "trainer")]
    assert [one.runs for one in found.values()] == [(20, 6), (20, 10), (6, 10)]
    assert [one.crossed for one in found.values()] == [0, 1, 1]


def test_runs_that_never_learned_are_counted_and_not_compared() -> None:
    clean = compared(drawn(1e-3, 20, 1), drawn(1e-3, 6, 2))
    found = compared(drawn(1e-3, 20, 1), [*drawn(1e-3, 6, 2), 1.5])
    assert (clean.stalled, found.stalled) == ((0, 0), (0, 1))
    assert found.runs == (20, 6)
    assert (found.ratio, found.crossed) == (clean.ratio, 0)


@pytest.mark.parametrize("exercise", CORE)
def test_no_more_calibrated_runs_miss_an_engines_threshold_than_it_says(exercise: str) -> None:
    """The stored runs themselves, of all engines: they may differ a little, the rates may not.

    Those that stalled miss every threshold; they are few enough for the attempts to make up.
    """
    known = load_course(ROOT).exercise(exercise)
    found = known.expectation
    assert found is not None
    correct = [run for run in found.runs if run.control == REFERENCE]
    learned = [run for run in correct if not has_stalled(run, found)]
    assert learned
    assert Stalls(len(correct) - len(learned), len(correct)).rare(known.attempts)
    for entry in found.thresholds:
        missed = sum(not reached(run.metrics[entry.metric], entry) for run in learned)
        if entry.false_fail is None:  # no threshold
            assert not missed, entry.engine
            continue
        most = entry.false_fail.upper95
        luck = binomtest(missed, len(learned), most, alternative="greater").pvalue
        assert luck > BAR, (entry.engine, missed)


def test_the_page_lists_every_threshold_and_draws_it(tmp_path: Path) -> None:
    course = load_course(ROOT)
    page = write_summary(course, tmp_path / "page")
    text = page.read_text(encoding="utf-8")
    for exercise in course.exercises.values():
        assert f"`{exercise.id}`" in text
        for entry in exercise.expectation.thresholds if exercise.expectation else ():
            picture = page.parent / f"{exercise.id}-{entry.engine}-{entry.device}.png"
            assert picture.read_bytes().startswith(b"\x89PNG")
            assert picture.name in text
