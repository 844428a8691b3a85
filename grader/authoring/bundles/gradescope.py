"""Gradescope's autograder: one zip with ``setup.sh`` and ``run_autograder``.

It holds the reference: Gradescope shows an autograder to the course's staff alone, and rooms keep
it from the notebooks that it grades.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.authoring.bundles import program
from grader.authoring.carried import PROGRAM, File, the_course, the_grader
from grader.course.exercises import Course

ZIP = "autograder.zip"


def files(course: Course) -> Iterator[File]:
    """Give everything that the zip holds."""
    yield File("setup.sh", program("_gradescope_setup.sh"), PROGRAM)
    yield File("run_autograder", program("_gradescope_run.sh"), PROGRAM)
    yield from the_grader()
    yield from the_course(course, reference=True)
