"""Classroom 50's autograder: a folder ``autograders/ASSIGNMENT`` of its configuration repository.

That folder is published, so nothing which only the instructor has is in it: the public checks are
made, and the official grade is computed elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.authoring.bundles import program
from grader.authoring.carried import PROGRAM, File, the_course, the_grader
from grader.authoring.public import public_files
from grader.course.exercises import Course
from grader.course.public import FOLDER


def files(course: Course) -> Iterator[File]:
    """Give everything that the folder holds."""
    yield File("autograder.py", program("_classroom50_autograder.py"), PROGRAM)
    yield from the_grader()
    yield from the_course(course, reference=False)
    for name, content in public_files(course).items():  # which looks at data without the reference
        yield File(f"{FOLDER}/{name}", content)
