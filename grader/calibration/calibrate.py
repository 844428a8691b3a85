"""Measures what correct work and known mistakes reach, and keeps it in ``expected.json``.

Enters: a course, an open room, how many runs on which engine. Leaves: the thresholds, and
``reference/<id>/expected.json``, written anew after every run, so that an interrupted calibration
continues where it stopped. Touches: rooms, that file. The method: ``docs/calibration.md``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.calibration.curves import Learned, keep, write_curve
from grader.calibration.measure import (
    TRAINED_CONTROLS,
    Measured,
    Plan,
    Setup,
    measure,
    measure_reference,
    plan,
)
from grader.calibration.scale import resolution, scale, scaled, unscale
from grader.calibration.stalls import has_stalled
from grader.calibration.thresholds import FEWEST, prediction_interval
from grader.calibration.together import trained_together
from grader.calibration.writing import write
from grader.course.data import data_fingerprint
from grader.course.exercises import Course, Exercise
from grader.course.expectations import (
    REFERENCE,
    TRAINER,
    CalibrationRun,
    Expectation,
    Threshold,
)
from grader.pipeline.runner import Call, Slot, Stop
from grader.pipeline.runners.local import LocalRunner
from grader.room import Room
from grader.trainer.devices import Devices
from grader.trainer.keys import CPU
from grader.types import Engine, GraderError, Message, ModelFacts

CONTROL_RUNS = 5  # of each trained mistake: its level varies little, its training takes long
ROUNDED = 2e-6  # runs are kept with six digits: a step between two shares is known no better
FALSE_ALARM = 0.001  # chance that a check of a sound calibration says that it is not


# --- calibrate -------------------------------------------------------------------------------


def plans(
    exercise: Exercise,
    known: Sequence[CalibrationRun],
    engine: Engine,
    count: int,
    device: str = "cpu",
    *,
    by_trainer: bool = False,
) -> Iterator[Plan]:
    """Give the runs that are still missing: ``count`` references and a few of each mistake."""
    done = {(run.control, run.engine, run.device, run.seed) for run in known}
    wanted = [(REFERENCE, number) for number in range(count)]
    wanted += [(c, number) for c in TRAINED_CONTROLS for number in range(min(CONTROL_RUNS, count))]
    for control, number in wanted:
        one = plan(exercise, control, engine, number, by_trainer=by_trainer, device=device)
        if (control, one.way, device, one.seed) not in done:
            yield one


def calibrate(
    course: Course,
    exercise: Exercise,
    engine: Engine,
    count: int,
    room: Room,
    slots: Sequence[Slot],
    report_line: Callable[[str], None],
    *,
    by_trainer: bool = False,
    curves: Path | None = None,
    devices: Devices | None = None,
    say: Callable[[Message], str] = str,
) -> tuple[Threshold, ...]:
    """Do every missing run and write the file after each.

    Args:
        course: the instructor's course.
        exercise: which one.
        engine: Keras backend.
        count: runs of the reference solution.
        room: where to run.
        slots: one job per slot at a time; all of the same device.
        report_line: is given a line per run, of one that failed too; a later call does that again.
        by_trainer: whether the reference's notebook has its trainings done by our own room.
        curves: folder in which to keep how each reference learned; of enough of them the
            exercise's curve is written anew.
        devices: on which our own room trains all references together; None: each on its core.
        say: words a message of a run that failed.
    """
    setup = Setup(course, exercise, engine, room)
    fingerprint = data_fingerprint(exercise, setup.family)
    stored = exercise.expectation
    # Other data: nothing that was measured holds any more.
    known = list(stored.runs) if stored and stored.data.fingerprint == fingerprint else []
    together = devices if by_trainer and devices is not None else Devices()
    device = together.name if together.name != CPU else slots[0].device
    missing = list(plans(exercise, known, engine, count, device, by_trainer=by_trainer))
    model: ModelFacts | None = None
    began = time.monotonic()

    def worded(error: Exception) -> str:
        return say(error.message) if isinstance(error, GraderError) else repr(error)

    def tell(error: Exception) -> None:
        report_line(f"{exercise.id} {worded(error)}")

    with trained_together(setup, missing, slots, together, tell) as ready:
        for done, (one, found) in enumerate(_measured(ready, missing, slots), start=1):
            line = f"{exercise.id} {one.way} {one.control} [{done}/{len(missing)}]"
            if isinstance(found, Exception):
                report_line(f"{line} {worded(found)}")
                continue
            if curves is not None:
                keep(curves, exercise.id, fingerprint, _learned(one, found[0]))
            known += [measured.run for measured in found]
            model = next((measured.model for measured in found if measured.model), model)
            write(setup, fingerprint, known, model)
            run, elapsed = found[0].run, time.monotonic() - began
            shown = ", ".join(f"{key} {value:.4g}" for key, value in run.metrics.items())
            report_line(f"{line} {shown} ({run.seconds:.0f} s, {elapsed:.0f} s in all)")
    if curves is not None:
        write_curve(curves, exercise, fingerprint)
    return write(setup, fingerprint, known, model)


def _learned(one: Plan, found: Measured) -> Learned:
    history = found.history if one.control == REFERENCE else {}
    return Learned(one.way, one.seed, found.loss, history)


def _measured(
    setup: Setup, missing: Sequence[Plan], slots: Sequence[Slot]
) -> Iterator[tuple[Plan, list[Measured] | Exception]]:
    """Do the runs, one per slot at a time, and give them as they become done."""

    def measured(one: Plan, slot: Slot) -> tuple[Plan, list[Measured] | Exception]:
        try:
            return one, measure(setup, one, slot)
        except Exception as error:  # noqa: BLE001 - one run; a later call does it again
            return one, error

    return LocalRunner(slots, Stop()).run(missing, Call(measured))


# --- check -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class FreshValue:
    """One metric of a fresh run of the reference, and the range that the stored ones foretell."""

    seed: int
    metric: str
    value: float
    low: float
    high: float

    @property
    def fits(self) -> bool:
        """Whether the value lies in the range."""
        return self.low <= self.value <= self.high


@dataclass(frozen=True)
class CalibrationCheck:
    """Whether fresh runs still come from the stored distribution."""

    exercise: str
    engine: str
    device: str
    stored: int  # runs of the reference in ``expected.json``
    values: tuple[FreshValue, ...]

    @property
    def fits(self) -> bool:
        """Whether every value does; a sound calibration fails by chance once in a thousand."""
        return all(value.fits for value in self.values)


def check_calibration(
    course: Course,
    exercise: Exercise,
    engine: Engine,
    room: Room,
    slot: Slot,
    runs: int = 2,
    *,
    by_trainer: bool = False,
) -> CalibrationCheck:
    """Run the reference anew, with seeds that calibration never used, and compare.

    Raises:
        GraderError: nothing comparable is stored, the data are others, or a run did not come
            through.
    """
    setup = Setup(course, exercise, engine, room)
    way = TRAINER if by_trainer else engine.value
    where = {"exercise": exercise.id, "engine": way, "device": slot.device}
    stored = exercise.expectation
    if stored is not None and stored.data.fingerprint != data_fingerprint(exercise, setup.family):
        raise GraderError(Message("calibrate.other_data", where))
    place = (REFERENCE, way, slot.device)
    known = [
        run
        for run in (stored.runs if stored else ())
        if (run.control, run.engine, run.device) == place
    ]
    if stored is None or len(known) < FEWEST:
        raise GraderError(Message("calibrate.too_few_runs", {**where, "runs": len(known)}))
    metrics = {one.metric for one in stored.thresholds if (one.engine, one.device) == place[1:]}
    better = {m: way for m, way in setup.family.BETTER.items() if m in metrics or not metrics}
    fresh = [_fresh_run(setup, stored, engine, n, slot, by_trainer) for n in range(runs)]
    learned = [run for run in known if not has_stalled(run, stored)]
    here = [run for run in stored.runs if (run.engine, run.device) == place[1:]]
    values = compare(learned, fresh, better, here)
    return CalibrationCheck(exercise.id, way, slot.device, len(known), values)


def compare(
    known: Sequence[CalibrationRun],
    fresh: Sequence[CalibrationRun],
    better: Mapping[str, str],
    here: Sequence[CalibrationRun] = (),
) -> tuple[FreshValue, ...]:
    """Set each metric of each fresh run against its prediction interval.

    The chance of a false alarm is shared among the comparisons (Bonferroni), so that FALSE_ALARM
    holds for all of them together.

    Args:
        known: what was measured.
        fresh: what is doubted.
        better: per metric, ``lower`` or ``higher``.
        here: all that was measured there; mistakes show what one answer counts in a share.
    """
    chance = FALSE_ALARM / max(1, len(fresh) * len(better))
    found = []
    for metric, way in better.items():
        finest = resolution(here, metric) + ROUNDED
        low, high = prediction_interval(scaled(known, metric, way, finest), chance)
        ends = sorted((unscale(low, way), unscale(high, way)))
        # What the scale cannot tell apart from the end of the range lies within it.
        found += [
            FreshValue(
                run.seed, metric, unscale(scale(run.metrics[metric], way, finest), way), *ends
            )
            for run in fresh
        ]
    return tuple(found)


def _fresh_run(
    setup: Setup, stored: Expectation, engine: Engine, number: int, slot: Slot, by_trainer: bool
) -> CalibrationRun:
    """Run the reference with a seed that calibration never takes; again where it stalled.

    As in grading, as often as the exercise has attempts: a reference that no longer learns at all
    is seen all the same.
    """
    control = f"{REFERENCE}/check"
    for attempt in range(setup.exercise.attempts):
        name = f"{control}/{attempt}" if attempt else control
        again = plan(setup.exercise, name, engine, number, by_trainer=by_trainer)
        fresh = replace(again, control=REFERENCE)
        run = measure_reference(setup, fresh, slot).run
        if not has_stalled(run, stored):
            break
    return run
