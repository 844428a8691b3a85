"""The command that compiles, once per machine, what most notebooks of the course will need.

Enters: nothing. Leaves: a cache of compiled programs. Touches: stdout, rooms, that cache.
"""

from __future__ import annotations

import sys

from grader import environment
from grader.cli.course import course_to_grade_with, open_words
from grader.pipeline.runner import slots
from grader.room import open_room
from grader.types import Engine, GraderError, Message


def run_prepare(lang: str | None) -> int:
    """Run every reference for one epoch in rooms that keep what they compiled.

    Raises:
        GraderError: JAX is not installed, or the rooms here are no boundary.
    """
    if Engine.JAX not in environment.engines():
        raise GraderError(Message("cli.prepare_needs_jax"))
    from grader.calibration.compiling import fill

    course = course_to_grade_with(())
    words = open_words(course, lang)
    for one in fill(course, open_room("auto"), slots(1)[0]):
        sys.stdout.write(words("cli.prepared", exercise=one.exercise, added=one.added) + "\n")
        sys.stdout.flush()
    return 0
