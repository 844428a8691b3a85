"""The command that calibrates.

Enters: exercise ids. Leaves: ``expected.json`` files, a line per run. Touches: stdout, rooms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader import environment
from grader.calibration.calibrate import calibrate
from grader.cli.course import open_course, open_words
from grader.course.exercises import Exercise, load_course
from grader.room import open_room
from grader.runner import slots
from grader.types import Engine


def run_calibrate(
    ids: Sequence[str],
    count: int,
    engine: str,
    jobs: int | None,
    plot: Path | None,
    lang: str | None,
) -> int:
    """Do the missing runs of every exercise; continues where an earlier call stopped."""
    course = open_course()
    open_words(course, lang)
    room = open_room("auto")
    places = slots(jobs or len(environment.cores()), ())
    backend = Engine.JAX if engine == "auto" else Engine(engine)
    for identifier in ids or tuple(course.exercises):
        exercise = course.exercise(identifier)
        for found in calibrate(course, exercise, backend, count, room, places, _tell):
            value = "–" if found.value is None else f"{found.value:.4g}"
            _tell(f"{identifier} {found.engine} {found.metric} {value}: {found.reason}")
        if plot is not None:
            _plot(load_course(course.root).exercise(identifier), plot)
    return 0


def _plot(exercise: Exercise, folder: Path) -> None:
    from grader.calibration.plots import plot_calibration

    assert exercise.expectation is not None
    for threshold in exercise.expectation.thresholds:
        name = f"{exercise.id}-{threshold.engine}-{threshold.device}.png".replace(" ", "-")
        plot_calibration(exercise, threshold, folder / name)


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201
