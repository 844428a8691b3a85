"""The command that calibrates.

Enters: exercise ids. Leaves: ``expected.json`` files, a line per run. Touches: stdout, rooms.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader import environment
from grader.calibrate import calibrate
from grader.cli.grading import open_course, open_words
from grader.room import open_room
from grader.runner import slots
from grader.types import Engine


def run_calibrate(
    ids: Sequence[str], count: int, engine: str, jobs: int | None, lang: str | None
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
    return 0


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201
