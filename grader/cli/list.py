"""``grader list``: the exercises of the course.

Enters: parsed options. Leaves: an exit code. Touches: stdout.
"""

from __future__ import annotations

from rich.table import Table

from grader.cli.course import open_course, open_words, profile_note
from grader.cli.printing import console, titles
from grader.report.wording import class_name
from grader.types import EvidenceClass


def run_list(lang: str | None, profile: str | None = None) -> int:
    """Print the exercises with what their points are for."""
    course = open_course(profile)
    words = open_words(course, lang)
    table = Table(box=None, pad_edge=False, header_style="bold")
    longest, numbers = max(map(len, course.exercises)), 3 * len(EvidenceClass) - 1
    table.add_column("id", no_wrap=True, min_width=longest, overflow="fold")
    table.add_column(words("cli.points"), no_wrap=True, min_width=numbers, overflow="fold")
    table.add_column(words("report.exercise"), no_wrap=True, overflow="ellipsis")
    names = titles(course, words)
    for key, exercise in course.exercises.items():
        points = " ".join(f"{exercise.points[cls]:>2g}" for cls in EvidenceClass)
        table.add_row(key, points, names[key])
    console().print(table)
    classes = ", ".join(class_name(cls, words) for cls in EvidenceClass)
    console().print(words("cli.points_for", classes=classes))
    if note := profile_note(course, words):
        console().print(note)
    return 0
