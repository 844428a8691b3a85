"""Begins a new exercise and says what to do next.

Enters: an id. Leaves: files in the course, text on stdout, an exit code. Touches: the course's two
trees, stdout.
"""

from __future__ import annotations

from grader.authoring.new import begin
from grader.cli.course import open_course, open_words
from grader.cli.printing import console
from grader.course.load import find_course

STEPS = ("new.edit", "new.release", "new.verify", "new.calibrate", "new.list")


def run_new(identifier: str, lang: str | None) -> int:
    """Write the exercise; it grades its own samples right away."""
    find_course()  # a new exercise belongs where one stands, never in a course found elsewhere
    course = open_course()
    words = open_words(course, lang)
    begun = begin(course, identifier)
    terminal = console()
    terminal.print(words("new.written", exercise=identifier))
    for path in begun.files:
        terminal.print(f"  {path.relative_to(course.root).as_posix()}", soft_wrap=True)
    terminal.print(words("new.next"))
    for number, step in enumerate(STEPS, start=1):
        terminal.print(f"  {number}. {words(step, exercise=identifier)}")
    return 0
