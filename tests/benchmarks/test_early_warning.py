"""The bench of the early warning, and what measures the curves for it: what is missing, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.calibration.curves import FEWEST, Learned, keep
from grader.calibration.learning import CURVE, seconds_for, trial
from grader.calibration.measure import reference_notebook
from grader.course.curves import SHARES, Curve, epochs_told
from grader.course.exercises import Exercise
from grader.course.load import load_course
from tests.benchmarks.test_kernel_learning import loaded

ROOT = Path(__file__).resolve().parents[2]
COURSE = load_course(ROOT)
GRU = COURSE.exercise("multiplication-gru")
bench = loaded("benchmarks/early_warning.py")
tool = loaded("tools/learning-curves.py")
every_exercise = pytest.mark.parametrize(
    "exercise", COURSE.exercises.values(), ids=lambda one: str(one.id)
)


def code(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


@every_exercise
def test_every_mistake_has_its_place_in_every_exercise(exercise: Exercise) -> None:
    whole = trial(exercise, "x", 0, bench.fifth(exercise)).notebook
    assert bench.changed(whole, bench.CORRECT) == whole
    for kind in bench.MISTAKES:
        made = bench.changed(whole, kind)
        assert made != whole
        (fit,) = (line for line in code(made).splitlines() if "model.fit(" in line)
        assert fit.count("batch_size=") <= 1
        assert f"epochs={bench.fifth(exercise)}" in fit


@every_exercise
def test_a_curves_run_trains_for_the_first_half_of_the_epochs(exercise: Exercise) -> None:
    made = trial(exercise, CURVE, 0, epochs_told(exercise.epochs)[-1]).notebook
    assert made != reference_notebook(exercise)
    assert f"epochs={max(1, exercise.epochs // 2)}" in code(made)
    assert seconds_for(exercise, 1) > 0


def test_what_is_there_is_not_run_again() -> None:
    first = bench.asked(GRU, 8, [])
    kinds = [kind for kind, _ in first]
    assert kinds == [bench.CORRECT] * 8 + [*bench.MISTAKES] * 2
    assert len({one.plan.seed for _, one in first}) == 16
    lines = [
        {"exercise": GRU.id, "kind": kind, "seed": one.plan.seed, "losses": []}
        for kind, one in first[:10]
    ]
    assert bench.asked(GRU, 8, lines) == first[10:]


def test_a_curves_runs_come_in_turns_and_once(tmp_path: Path) -> None:
    both = [COURSE.exercise("sequence-prediction"), GRU]
    first, *_ = tool.missing(GRU, 1, tmp_path)
    keep(tmp_path, GRU.id, "sha256:a", Learned("jax", first.plan.seed, "mse", {"loss": (1.0,)}))
    turns = [(one.id, len(piece)) for one, piece in tool.pieces(both, 25, tmp_path)]
    assert turns == [
        ("sequence-prediction", 10),
        (GRU.id, 10),
        ("sequence-prediction", 10),
        (GRU.id, 10),
        ("sequence-prediction", 5),
        (GRU.id, 4),
    ]


def test_curve_warning_and_calibration_have_seeds_of_their_own() -> None:
    names = ("reference", CURVE, bench.WARNING)
    seeds = [trial(GRU, name, number, 1).plan.seed for name in names for number in range(40)]
    assert len(set(seeds)) == len(seeds)


def test_it_tells_how_often_warning_and_silence_were_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = tuple(0.01 + 0.01 * share for share in SHARES)
    before = tuple(2.0 * one for one in levels)  # correct runs have learned by then
    curve = Curve("mse", FEWEST, (1, bench.fifth(GRU)), (before, levels))
    monkeypatch.setattr(bench, "curve_of", lambda _, one: curve if one is GRU else None)
    count = bench.fifth(GRU)
    lines = [
        {"exercise": GRU.id, "kind": kind, "seed": 1, "losses": [loss] * count}
        for kind, loss in (
            ("correct", 0.015),
            ("correct", 0.9),
            ("tiny_rate", 0.9),
            ("plain_sgd", 0.01),
        )
    ]
    lines.append({"exercise": GRU.id, "kind": "huge_rate", "seed": 1, "losses": [None] * count})
    bench.tell(COURSE, lines)
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f"{GRU.id}, epoch 20, beside 20 runs:",
        "  correct: right 1 of 2; told to go on: 1",
        "  tiny_rate: right 1 of 1; told to go on: 0",
        "  huge_rate: right 1 of 1; told to go on: 0",
        "  one_batch: right 0 of 0; told to go on: 0",
        "  plain_sgd: right 0 of 1; told to go on: 1",
    ]
