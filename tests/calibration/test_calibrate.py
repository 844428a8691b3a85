"""Calibration: what is run, what is kept, and whether what is kept is still true."""

from __future__ import annotations

import json
import math
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.calibration import calibrate as module
from grader.calibration.calibrate import (
    CONTROL_RUNS,
    FALSE_ALARM,
    calibrate,
    check_calibration,
    compare,
    plans,
)
from grader.calibration.measure import (
    ONE_EPOCH,
    TRAINED_CONTROLS,
    Measured,
    Plan,
    Setup,
    measure_constants,
)
from grader.calibration.thresholds import MANY
from grader.cli import calibrate as command
from grader.course.exercises import Course, Exercise
from grader.course.expectations import REFERENCE, CalibrationRun
from grader.course.load import load_course
from grader.pipeline.runner import Slot
from grader.record import files
from grader.types import Engine, GraderError, LayerFact, Message, ModelFacts

ROOT = Path(__file__).parents[2]
GRU = "multiplication-gru"
SLOT = Slot((0,))
ROOM: Any = None  # never entered: what would run in it is simulated
MODEL = ModelFacts(
    (LayerFact("GRU", {}, (100, 30), 3060), LayerFact("Dense", {}, (1,), 31)),
    3091,
    (100, 2),
    1,
    "model",
    rebuilt=True,
)


def one_exercise(place: Path) -> Course:
    """The course with one exercise that nobody calibrated yet."""
    shutil.copytree(ROOT / "assignments" / GRU, place / "assignments" / GRU)
    shutil.copytree(ROOT / "reference" / "families", place / "reference" / "families")
    shutil.copytree(
        ROOT / "reference" / GRU,
        place / "reference" / GRU,
        ignore=shutil.ignore_patterns("submissions", "expected.json"),
    )
    return load_course(place)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return one_exercise(tmp_path)


def measured(control: str, seed: int, mse: float, device: str = "cpu") -> CalibrationRun:
    return CalibrationRun(control, "jax", device, 1, seed, {"mse": mse}, 40.0)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Simulates every run; gives the plans that were asked for."""
    asked: list[Plan] = []

    def simulated(setup: Setup, plan: Plan, slot: Slot) -> list[Measured]:
        asked.append(plan)
        rng = np.random.default_rng(plan.seed)
        if plan.control != REFERENCE:
            return [
                Measured(measured(plan.control, plan.seed, 0.05 * math.exp(rng.normal(0, 0.1))))
            ]
        run = measured(REFERENCE, plan.seed, 2e-4 * math.exp(rng.normal(0, 0.5)), slot.device)
        return [Measured(run, MODEL), Measured(measured("mean", plan.seed, 0.048))]

    monkeypatch.setattr(files.os, "fsync", lambda _: None)  # these files need not last
    monkeypatch.setattr(module, "measure", simulated)
    monkeypatch.setattr(module, "measure_reference", lambda *args: simulated(*args)[0])
    return asked


def calibrated(course: Course, count: int = 6, slots: tuple[Slot, ...] = (SLOT,)) -> Exercise:
    """Calibrate, and read the exercise anew."""
    lines: list[str] = []
    exercise = course.exercise(GRU)
    calibrate(course, exercise, Engine.JAX, count, ROOM, slots, lines.append)
    return load_course(course.root).exercise(GRU)


def stored(course: Course) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (course.root / "reference" / GRU / "expected.json").read_text(encoding="utf-8")
    )
    return found


# --- plans -----------------------------------------------------------------------------------


def test_a_calibration_wants_references_and_a_few_of_each_mistake(course: Course) -> None:
    wanted = [plan.control for plan in plans(course.exercise(GRU), (), Engine.JAX, 20)]
    assert wanted.count(REFERENCE) == 20
    assert {control: wanted.count(control) for control in TRAINED_CONTROLS} == dict.fromkeys(
        TRAINED_CONTROLS, CONTROL_RUNS
    )


def test_every_run_has_a_seed_of_its_own_that_never_changes(course: Course) -> None:
    first = list(plans(course.exercise(GRU), (), Engine.JAX, 20))
    assert len({plan.seed for plan in first}) == len(first)
    assert first == list(plans(course.exercise(GRU), (), Engine.JAX, 20))


def test_more_runs_begin_with_the_same_ones(course: Course) -> None:
    few = set(plans(course.exercise(GRU), (), Engine.JAX, 6))
    assert few < set(plans(course.exercise(GRU), (), Engine.JAX, 12))


def test_a_run_that_is_known_is_not_done_again(course: Course) -> None:
    exercise = course.exercise(GRU)
    first, *others = plans(exercise, (), Engine.JAX, 6)
    known = [measured(first.control, first.seed, 1e-4)]
    assert list(plans(exercise, known, Engine.JAX, 6)) == others


@pytest.mark.parametrize(
    ("engine", "device"), [(Engine.TENSORFLOW, "cpu"), (Engine.JAX, "NVIDIA T4")]
)
def test_another_engine_or_device_is_measured_anew(
    course: Course, engine: Engine, device: str
) -> None:
    exercise = course.exercise(GRU)
    known = [measured(p.control, p.seed, 1e-4) for p in plans(exercise, (), Engine.JAX, 6)]
    assert list(plans(exercise, known, Engine.JAX, 6)) == []
    assert len(list(plans(exercise, known, engine, 6, device))) == len(known)


# --- the file --------------------------------------------------------------------------------


def test_a_calibration_leaves_a_threshold_that_every_reference_passes(
    course: Course, done: list[Plan]
) -> None:
    expectation = calibrated(course).expectation
    assert expectation is not None
    threshold = expectation.threshold("jax", "cpu")
    assert threshold is not None
    assert threshold.value is not None
    references = [run for run in expectation.runs if run.control == REFERENCE]
    assert len(references) == 6
    assert all(run.metrics[threshold.metric] < threshold.value for run in references)


def test_predictors_without_a_model_are_kept_beside_each_reference(
    course: Course, done: list[Plan]
) -> None:
    calibrated(course)
    controls = [run["control"] for run in stored(course)["runs"]]
    assert controls.count("mean") == 6


def test_the_layers_that_were_seen_are_kept(course: Course, done: list[Plan]) -> None:
    calibrated(course)
    assert stored(course)["structure"] == {
        "layers": [
            {"class": "GRU", "output_shape": [100, 30], "params": 3060},
            {"class": "Dense", "output_shape": [1], "params": 31},
        ],
        "total_params": 3091,
    }


def test_a_run_is_a_line_and_numbers_are_short(course: Course, done: list[Plan]) -> None:
    calibrated(course)
    text = (course.root / "reference" / GRU / "expected.json").read_text(encoding="utf-8")
    assert text.count('{"control"') == text.count('\n  {"control"') == len(stored(course)["runs"])
    (threshold,) = stored(course)["thresholds"]
    assert threshold["value"] == float(f"{threshold['value']:.4g}")


def test_the_chance_of_failing_every_attempt_is_the_product(
    course: Course, done: list[Plan]
) -> None:
    attempts = calibrated(course).attempts
    (threshold,) = stored(course)["thresholds"]
    assert attempts > 1
    once, after = threshold["false_fail"], threshold["false_fail_after_attempts"]
    assert after["upper95"] == pytest.approx(once["upper95"] ** attempts, rel=0.01)


def test_a_second_call_does_only_what_is_missing(course: Course, done: list[Plan]) -> None:
    calibrated(course, 6)
    before = stored(course)
    done.clear()
    calibrated(load_course(course.root), 6)
    assert done == []
    assert stored(course) == before
    calibrated(load_course(course.root), 8)
    assert [plan.control for plan in done] == [REFERENCE, REFERENCE]


def test_other_data_throw_away_what_was_measured(course: Course, done: list[Plan]) -> None:
    calibrated(course, 6)
    spec = course.root / "reference" / GRU / "spec.toml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("steps = 100", "steps = 101"))
    done.clear()
    calibrated(load_course(course.root), 6)
    assert len(done) == 6 + CONTROL_RUNS * len(TRAINED_CONTROLS)


def test_a_run_that_fails_costs_itself_only_and_is_told(
    course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    working = module.measure
    failed: list[Plan] = []

    def sometimes(setup: Setup, plan: Plan, slot: Slot) -> list[Measured]:
        if plan.control == REFERENCE and not failed:
            failed.append(plan)
            raise GraderError(Message("execute.no_kernel"))
        return working(setup, plan, slot)

    monkeypatch.setattr(module, "measure", sometimes)
    lines: list[str] = []
    calibrate(course, course.exercise(GRU), Engine.JAX, 6, ROOM, (SLOT,), lines.append)
    assert sum("no_kernel" in line for line in lines) == 1
    done.clear()
    calibrated(load_course(course.root), 6)
    assert done == failed


def test_two_slots_are_never_used_by_two_runs_at_once(
    course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    working = module.measure
    busy: set[Slot] = set()
    lock = threading.Lock()
    both = threading.Barrier(2, timeout=600)
    begun = [0]

    def watched(setup: Setup, plan: Plan, slot: Slot) -> list[Measured]:
        with lock:
            assert slot not in busy
            busy.add(slot)
            begun[0] += 1
            first_two = begun[0] <= 2
        if first_two:
            both.wait()  # would time out if the second one waited for the first
        found = working(setup, plan, slot)
        with lock:
            busy.remove(slot)
        return found

    monkeypatch.setattr(module, "measure", watched)
    calibrated(course, 6, (Slot((0,)), Slot((1,))))
    assert len(done) == 6 + CONTROL_RUNS * len(TRAINED_CONTROLS)


def test_an_interruption_begins_nothing_new(course: Course, done: list[Plan]) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(course, course.exercise(GRU), Engine.JAX, 40, ROOM, (SLOT,), interrupt)
    assert len(done) == 1


def test_a_students_copy_cannot_be_calibrated(course: Course) -> None:
    shutil.rmtree(course.root / "reference")
    bare = load_course(course.root)
    with pytest.raises(GraderError) as caught:
        calibrate(bare, bare.exercise(GRU), Engine.JAX, 6, ROOM, (SLOT,), print)
    assert caught.value.message.id == "cli.no_reference"


# --- check -----------------------------------------------------------------------------------


def test_fresh_runs_of_the_same_kind_fit(course: Course, done: list[Plan]) -> None:
    exercise = calibrated(course, 12)
    used = {plan.seed for plan in done}
    found = check_calibration(course, exercise, Engine.JAX, ROOM, SLOT, runs=3)
    assert found.fits
    assert found.stored == 12
    assert len({one.seed for one in found.values}) == 3
    assert used.isdisjoint(one.seed for one in found.values)


def test_the_metric_of_the_threshold_is_what_is_checked(course: Course, done: list[Plan]) -> None:
    exercise = calibrated(course, 12)
    found = check_calibration(course, exercise, Engine.JAX, ROOM, SLOT)
    (threshold,) = stored(course)["thresholds"]
    assert {one.metric for one in found.values} == {threshold["metric"]}


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_runs_that_became_another_kind_do_not_fit(
    course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    exercise = calibrated(course, 12)
    monkeypatch.setattr(
        module,
        "measure_reference",
        lambda setup, plan, slot: Measured(measured(REFERENCE, plan.seed, 2e-4 * factor)),
    )
    found = check_calibration(course, exercise, Engine.JAX, ROOM, SLOT)
    assert not found.fits
    assert not any(one.fits for one in found.values)


@pytest.mark.parametrize(("stalls", "fits"), [(1, True), (2, True), (3, False)])
def test_a_fresh_run_that_stalls_is_tried_again_as_a_students_is(
    course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch, stalls: int, fits: bool
) -> None:
    exercise = calibrated(course, 12)
    assert exercise.attempts == 3
    tried: list[int] = []

    def reference(setup: Setup, plan: Plan, slot: Slot) -> Measured:
        tried.append(plan.seed)
        stuck = len(tried) <= stalls
        return Measured(measured(REFERENCE, plan.seed, 0.06 if stuck else 2e-4))

    monkeypatch.setattr(module, "measure_reference", reference)
    found = check_calibration(course, exercise, Engine.JAX, ROOM, SLOT, runs=1)
    assert found.fits == fits
    assert len(set(tried)) == len(tried) == min(stalls + 1, 3)


def test_nothing_stored_for_an_engine_is_said(course: Course, done: list[Plan]) -> None:
    exercise = calibrated(course, 12)
    for one in (course.exercise(GRU), exercise):
        engine = Engine.TENSORFLOW if one is exercise else Engine.JAX
        with pytest.raises(GraderError) as caught:
            check_calibration(course, one, engine, ROOM, SLOT)
        assert caught.value.message.id == "calibrate.too_few_runs"


def test_other_data_cannot_be_compared(course: Course, done: list[Plan]) -> None:
    calibrated(course, 6)
    spec = course.root / "reference" / GRU / "spec.toml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("steps = 100", "steps = 101"))
    other = load_course(course.root)
    with pytest.raises(GraderError) as caught:
        check_calibration(other, other.exercise(GRU), Engine.JAX, ROOM, SLOT)
    assert caught.value.message.id == "calibrate.other_data"


def test_a_sound_calibration_is_doubted_once_in_a_thousand() -> None:
    """All comparisons of a check together: two runs, two metrics that vary independently."""
    rng = np.random.default_rng(5)

    def runs(count: int) -> list[CalibrationRun]:
        errors, shares = np.exp(rng.normal(-8, 0.5, count)), 1 - np.exp(rng.normal(-4, 0.3, count))
        return [
            CalibrationRun(REFERENCE, "jax", "cpu", 1, n, {"mse": float(e), "share": float(s)}, 1.0)
            for n, (e, s) in enumerate(zip(errors, shares, strict=True))
        ]

    trials = 1500
    doubted = sum(
        not all(one.fits for one in compare(runs(12), runs(2), {"mse": "lower", "share": "higher"}))
        for _ in range(trials)
    )
    # Poisson with mean 1.5: seven or more would come once in a thousand times
    assert doubted < 7
    assert FALSE_ALARM * trials == pytest.approx(1.5)


def test_a_share_that_became_worse_lies_below_its_range() -> None:
    def run(share: float, seed: int = 0) -> CalibrationRun:
        return CalibrationRun(REFERENCE, "jax", "cpu", 1, seed, {"share": share}, 1.0)

    known = [run(0.98 + 0.001 * n, n) for n in range(10)]
    good, bad = compare(known, [run(0.985), run(0.5)], {"share": "higher"})
    assert good.fits
    assert bad.value < bad.low < bad.high <= 1.0


def test_a_share_of_few_answers_may_miss_one_where_all_were_right() -> None:
    """As the threshold has it: eight runs with all of 53 right do not say that the ninth has."""

    def run(right: int, control: str = REFERENCE) -> CalibrationRun:
        share = float(f"{right / 53:.6g}")
        return CalibrationRun(control, "jax", "cpu", 1, right, {"share": share}, 1.0)

    known, mistakes = [run(53)] * 8, [run(n, "untrained") for n in (3, 4, 5, 8, 13)]
    better = {"share": "higher"}
    found = compare(known, [run(52), run(51)], better, [*known, *mistakes])
    assert [one.fits for one in found] == [True, False]


class TestCheckCommand:
    """``grader calibrate --check``."""

    @pytest.fixture
    def known(self, course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch) -> Course:
        calibrated(course, 12)
        monkeypatch.setattr(command, "open_course", lambda _: load_course(course.root))
        monkeypatch.setattr(command, "open_room", lambda *_: ROOM)
        return course

    def test_says_that_it_fits(self, known: Course, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.run_check_calibration([GRU], "jax", "en") == 0
        told = capsys.readouterr().out
        assert "12 earlier runs" in told
        assert f"{GRU}: the calibration fits" in told

    def test_fails_where_a_value_falls_out_of_its_range(
        self, known: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(
            module,
            "measure_reference",
            lambda setup, plan, slot: Measured(measured(REFERENCE, plan.seed, 0.2)),
        )
        assert command.run_check_calibration([GRU], "jax", "ko") == 1
        assert "벗어납니다" in capsys.readouterr().out

    def test_an_exercise_without_runs_does_not_count_as_fitting(
        self, known: Course, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command.run_check_calibration([GRU], "tensorflow", "en") == 1
        assert "Calibrate first" in capsys.readouterr().out


# --- answers that need not be beaten ---------------------------------------------------------


def spec_says(course: Course, line: str) -> Course:
    """The same course, with a line more at the top of the exercise's spec."""
    file = course.root / "reference" / GRU / "spec.toml"
    file.write_text(f"{line}\n{file.read_text('utf-8')}", "utf-8")
    return load_course(course.root)


def near_answers(setup: Setup, plan: Plan, slot: Slot) -> list[Measured]:
    """Right work that a predictor without a model equals; other mistakes are far."""
    if plan.control != REFERENCE:
        return [Measured(measured(plan.control, plan.seed, 0.05))]
    right = 2e-4 * math.exp(np.random.default_rng(plan.seed).normal(0, 0.5))
    return [
        Measured(measured(REFERENCE, plan.seed, right), MODEL),
        Measured(measured("mean", plan.seed, 0.048)),
        Measured(measured("zero", plan.seed, 2e-4)),
    ]


def test_an_answer_that_right_work_need_not_beat_moves_no_threshold(
    course: Course, done: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measure", near_answers)
    assert calibrated(course).threshold("jax", "cpu").value is None  # type: ignore[union-attr]
    exercise = calibrated(spec_says(course, 'unbeaten = ["zero"]'))
    threshold = exercise.threshold("jax", "cpu")
    assert threshold is not None
    assert threshold.value is not None
    assert threshold.control == pytest.approx(0.048)  # the mean's is the best mistake
    assert exercise.expectation is not None
    assert [run.control for run in exercise.expectation.runs].count("zero") == 6  # kept


def reaching(one_epoch: float) -> Callable[[Setup, Plan, Slot], list[Measured]]:
    """Simulates runs of either way: what one epoch reaches; other mistakes are far from right."""

    def measure(_setup: Setup, plan: Plan, _slot: Slot) -> list[Measured]:
        def run(control: str, mse: float) -> CalibrationRun:
            return replace(measured(control, plan.seed, mse), engine=plan.way)

        if plan.control != REFERENCE:
            return [Measured(run(plan.control, one_epoch if plan.control == ONE_EPOCH else 0.05))]
        right = 2e-4 * math.exp(np.random.default_rng(plan.seed).normal(0, 0.5))
        return [Measured(run(REFERENCE, right), MODEL), Measured(run("mean", 0.048))]

    return measure


@pytest.mark.parametrize(
    ("by_trainer", "least", "reached", "value", "left_out"),
    [
        (True, 2, 2e-4, True, (ONE_EPOCH,)),
        (True, 1, 2e-4, False, ()),
        (False, 2, 2e-4, False, ()),
        (True, 2, 0.04, True, ()),
    ],
    ids=["ours", "one epoch is enough", "claimed", "answers show it too"],
)
def test_one_epoch_moves_no_threshold_where_the_training_itself_shows_it(
    course: Course,
    done: list[Plan],
    monkeypatch: pytest.MonkeyPatch,
    by_trainer: bool,
    least: int,
    reached: float,
    value: bool,
    left_out: tuple[str, ...],
) -> None:
    """Ours is known to have lasted one epoch; of a claim nobody knows."""
    monkeypatch.setattr(module, "measure", reaching(reached))
    exercise = replace(course.exercise(GRU), min_epochs=least)
    calibrate(course, exercise, Engine.JAX, 6, ROOM, (SLOT,), str, by_trainer=by_trainer)
    known = load_course(course.root).exercise(GRU).expectation
    assert known is not None
    (entry,) = known.thresholds
    assert (entry.value is not None, entry.left_out) == (value, left_out)
    assert entry.control == pytest.approx(0.048 if left_out else reached)


def test_no_trained_mistake_is_measured_often_enough_to_count_as_one_without_luck() -> None:
    """Its seeds are its luck: that a few of them come to the same says little."""
    assert CONTROL_RUNS < MANY


def test_what_is_no_answer_of_the_family_is_said(course: Course) -> None:
    course = spec_says(course, 'unbeaten = ["nobody"]')
    setup = Setup(course, course.exercise(GRU), Engine.JAX, ROOM)
    reference = next(plans(course.exercise(GRU), (), Engine.JAX, 1))
    with pytest.raises(GraderError) as said:
        measure_constants(setup, reference, SLOT)
    assert said.value.message.id == "calibrate.unknown_answer"
    assert said.value.message.args["answer"] == "nobody"
    assert "mean" in str(said.value.message.args["known"])
