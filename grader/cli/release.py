"""``grader release``: what students receive.

Enters: parsed options. Leaves: an exit code. Touches: stdout; writes a folder.
"""

from __future__ import annotations

from pathlib import Path

from grader.cli.course import open_course, open_words, profile_note
from grader.cli.printing import console
from grader.types import GraderError, Message


def run_release(out: Path, lang: str | None, profile: str | None = None) -> int:
    """Write the students' bundle."""
    from grader.authoring.release import release

    course = open_course(profile)
    words = open_words(course, lang)
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    release(course, out)
    count = len(course.exercises)
    console().print(words("cli.released", path=str(out), count=count))
    if note := profile_note(course, words):
        console().print(note)
    return 0
