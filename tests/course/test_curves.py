"""How correct runs learn, as a table that students' checks are given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.course.curves import (
    MIDDLE,
    SCHEMA,
    SHARES,
    Curve,
    as_table,
    curve_name,
    epochs_told,
    from_table,
    is_same_loss,
    read_curve,
)
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[2]
LEVELS = tuple(10.0 * share + 1.0 for share in SHARES)  # 1 … 11
CURVE = Curve("mse", 40, (5, 10), (LEVELS, tuple(one / 2 for one in LEVELS)))


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        (100, (5, 10, 15, 20, 25, 30, 35, 40, 45, 50)),
        (20, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
        (5, (1, 2)),
        (1, (1,)),
    ],
)
def test_it_ends_in_the_middle_of_the_epochs(epochs: int, told: tuple[int, ...]) -> None:
    assert epochs_told(epochs) == told


def test_a_fifth_of_the_epochs_of_every_exercise_is_told() -> None:
    for one in load_course(ROOT).exercises.values():
        assert max(1, one.epochs // 5) in epochs_told(one.epochs), one.id


def test_a_losses_place_is_the_share_of_runs_below_it() -> None:
    places = [CURVE.share_below(5, one) for one in (0.5, 1.0, 3.5, 6.0, 10.9, 11.0, 99.0)]
    assert places == pytest.approx([0.0, 0.0, 0.25, 0.5, 0.99, 1.0, 1.0])
    assert CURVE.share_below(10, 3.0) == pytest.approx(0.5)
    assert CURVE.at(5)[MIDDLE] == 6.0


def test_its_places_agree_with_numpys_quantiles() -> None:
    runs = np.random.default_rng(3).lognormal(size=60)
    curve = replace(CURVE, runs=60, epochs=(1,), levels=(tuple(np.quantile(runs, SHARES)),))
    for share in (0.03, 0.33, 0.5, 0.8, 0.99):
        got = curve.share_below(1, float(np.quantile(runs, share)))
        assert got == pytest.approx(share, abs=1 / 20)


def test_runs_that_all_did_the_same_have_a_place_before_and_one_behind() -> None:
    flat = replace(CURVE, levels=((2.0,) * len(SHARES),) * 2)
    assert [flat.share_below(5, one) for one in (1.0, 2.0, 2.1)] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mse", "mean_squared_error", True),
        ("MSE", "MeanSquaredError", True),
        ("mae", "mean_absolute_error", True),
        ("sparse_categorical_crossentropy", "categorical_crossentropy", True),
        ("binary_crossentropy", "binary_crossentropy", True),
        ("mse", "mae", False),
        ("", "", False),
    ],
)
def test_a_loss_is_known_under_its_names(one: str, other: str, same: bool) -> None:
    assert is_same_loss(one, other) is same


def test_it_is_read_back_as_it_was(tmp_path: Path) -> None:
    table = {"schema": SCHEMA, "data": "sha256:a", **as_table(CURVE)}
    for profile in ("laptop", "full"):
        assert read_curve(tmp_path, profile, "sha256:a") is None
        (tmp_path / curve_name(profile)).write_text(json.dumps(table))
        assert read_curve(tmp_path, profile, "sha256:a") == CURVE
        assert read_curve(tmp_path, profile, "sha256:b") is None


@pytest.mark.parametrize("change", [{"levels": [[1.0]]}, {"epochs": [5]}, {"runs": None}])
def test_what_is_no_curve_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_table(as_table(CURVE) | change)
