"""Which course, and in which language.

Enters: paths and an option. Leaves: a Course and its Words. Touches: reads the course's files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.cli.errors import speak
from grader.course.exercises import Course, find_course, load_course
from grader.types import GraderError
from grader.words import Words, pick_language


def open_course(paths: Sequence[Path] = ()) -> Course:
    """Load the course around the current folder, else around the first path."""
    try:
        return load_course(find_course())
    except GraderError:
        for path in paths:
            if path.exists():
                return load_course(find_course(path.resolve()))
        raise


def open_words(course: Course, lang: str | None) -> Words:
    """Give words in the chosen language, those of the course's families included."""
    language = pick_language(lang, course.language)
    speak(language)
    folder = course.root / "reference" / "families" / "locale"
    return Words(language, (folder,) if folder.is_dir() else ())
