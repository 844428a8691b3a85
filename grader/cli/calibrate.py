"""The command that calibrates, and tells whether an earlier calibration still holds.

Enters: exercise ids. Leaves: ``expected.json`` files, a line per run. Touches: stdout, rooms.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from grader import environment
from grader.calibration.calibrate import (
    CalibrationCheck,
    FreshValue,
    calibrate,
    check_calibration,
)
from grader.cli.course import open_course, open_words
from grader.cli.devices import NONE, devices_for, trainers_gpus
from grader.cli.errors import EXTRAS
from grader.course.called import exercises_asked
from grader.course.exercises import Course, Exercise
from grader.course.expectations import TRAINER
from grader.course.load import load_course
from grader.pipeline.ours import without_results
from grader.pipeline.runner import slots
from grader.record import files
from grader.room import open_room
from grader.room.quick import quickened
from grader.text.words import Words
from grader.types import Engine, GraderError, Message, Scalar


def run_calibrate(
    ids: Sequence[str],
    count: int,
    engine: str,
    jobs: int | None,
    plot: Path | None,
    lang: str | None,
    profile: str | None = None,
    curves: Path | None = None,
    gpus: str = NONE,
) -> int:
    """Do the missing runs of every exercise; continues where an earlier call stopped.

    Raises:
        GraderError: GPUs were asked for, where the reference's notebook trains by itself.
    """
    course = open_course(profile)
    words = open_words(course, lang)
    backend, by_trainer = _way(engine)
    require(backend, ("scipy", *(("jinja2", "matplotlib") if plot is not None else ())))
    if plot is not None:
        with files.disk_errors(plot):
            plot.mkdir(parents=True, exist_ok=True)
    if gpus != NONE and not by_trainer:
        raise GraderError(Message("calibrate.gpus_unused", {"option": gpus}))
    chosen = trainers_gpus(gpus, ours=by_trainer, rooms=False)
    devices = devices_for(chosen, lambda message: _tell(words.say(message)))
    room, _ = quickened(open_room("auto", without_results(course.root)))
    places = slots(jobs or len(environment.cores()), ())
    for exercise in _with_sizes(course, ids, words):
        done = calibrate(
            course,
            exercise,
            backend,
            count,
            room,
            places,
            _tell,
            by_trainer=by_trainer,
            curves=curves,
            devices=devices,
            say=words.say,
        )
        for found in done:
            value = "–" if found.value is None else f"{found.value:.4g}"
            _tell(f"{exercise.id} {found.engine} {found.metric} {value}: {found.reason}")
    if plot is not None:
        from grader.calibration.summary import write_summary

        course = load_course(course.root, course.profile)
        _tell(str(write_summary(course, plot)))
    return 0


def _way(engine: str) -> tuple[Engine, bool]:
    """Say what trains, and whether our own room does so for the reference's notebook.

    Raises:
        GraderError: notebooks ask a trainer on TensorFlow alone, and it is not installed.
    """
    if engine == TRAINER:
        require(Engine.TENSORFLOW, ())
        return Engine.JAX, True
    return Engine.JAX if engine == "auto" else Engine(engine), False


def require(engine: Engine, packages: Sequence[str]) -> None:
    """Miss what the end needs before hours of training, not after them.

    Raises:
        ModuleNotFoundError: names the package.
        GraderError: the engine is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(package, name=package)
    if engine not in environment.engines():
        there = ", ".join(one.value for one in environment.engines()) or "–"
        args = {"engine": engine.value, "extra": EXTRAS[engine.value], "there": there}
        raise GraderError(Message("calibrate.no_engine", args))


def _with_sizes(course: Course, ids: Sequence[str], words: Words) -> list[Exercise]:
    """Give the exercises to measure; one without sizes of the profile's has its own measurement."""
    chosen = exercises_asked(course, ids) or tuple(course.exercises)
    exercises = [course.exercises[one] for one in chosen]
    for one in exercises:
        if one.profile != course.profile:
            args = {"exercise": one.id, "profile": course.profile, "usual": one.profile}
            _tell(words("calibrate.no_profile", **args))
    return [one for one in exercises if one.profile == course.profile]


def run_check_calibration(
    ids: Sequence[str], engine: str, lang: str | None, profile: str | None = None
) -> int:
    """Run each reference twice with unused seeds; 1 where a value falls out of its range.

    An exercise whose calibration cannot be compared is named and counts as one that does not fit.
    """
    course = open_course(profile)
    words = open_words(course, lang)
    backend, by_trainer = _way(engine)
    require(backend, ("scipy",))
    room, _ = quickened(open_room("auto", without_results(course.root)))
    place = slots(1, ())[0]
    fitting = True
    for exercise in _with_sizes(course, ids, words):
        identifier = exercise.id
        try:
            found = check_calibration(course, exercise, backend, room, place, by_trainer=by_trainer)
        except GraderError as error:
            _tell(f"{identifier}: {words.say(error.message)}")
            fitting = False
            continue
        for value in found.values:
            _tell(words.say(_compared(found, value)))
        _tell(words("calibrate.fits" if found.fits else "calibrate.drifted", exercise=identifier))
        fitting &= found.fits
    return 0 if fitting else 1


def _compared(found: CalibrationCheck, value: FreshValue) -> Message:
    told: dict[str, Scalar] = {
        "exercise": found.exercise,
        "engine": found.engine,
        "metric": value.metric,
        "value": f"{value.value:.4g}",
        "low": f"{value.low:.4g}",
        "high": f"{value.high:.4g}",
        "runs": found.stored,
    }
    return Message("calibrate.inside" if value.fits else "calibrate.outside", told)


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201
