"""The commands that look at the course and the machine: list, doctor, release.

Enters: parsed options. Leaves: exit codes. Touches: stdout; ``release`` writes a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from grader import environment
from grader.cli.course import open_course, open_words, told_profile
from grader.cli.printing import console, titles
from grader.gpus import find_gpus
from grader.text.words import Words
from grader.types import Engine, EvidenceClass, GraderError, Message

if TYPE_CHECKING:
    from grader.room.spec import LayerReport


def run_list(lang: str | None, profile: str | None = None) -> int:
    """Print the exercises with what their points are for."""
    course = open_course(profile)
    words = open_words(course, lang)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, min_width=max(map(len, course.exercises)))
    table.add_column(words("cli.points"), no_wrap=True, min_width=3 * len(EvidenceClass) - 1)
    table.add_column(words("report.exercise"), no_wrap=True, overflow="ellipsis")
    names = titles(course, words)
    for key, exercise in course.exercises.items():
        points = " ".join(f"{exercise.points[cls]:>2g}" for cls in EvidenceClass)
        table.add_row(key, points, names[key])
    console().print(table)
    classes = ", ".join(words(f"class.{cls.value}") for cls in EvidenceClass)
    console().print(words("cli.points_for", classes=classes))
    if told := told_profile(course, words):
        console().print(told)
    return 0


def run_doctor(lang: str | None) -> int:
    """Print engines, GPUs and what each layer of isolation did in a live probe."""
    from grader.room import open_room, probe

    words = open_words(open_course(), lang)
    terminal = console()
    for engine in Engine:
        state = "cli.found" if engine in environment.engines() else "cli.missing"
        terminal.print(words("cli.engine", engine=engine.value, state=words(state)))
    gpus = find_gpus()
    for gpu in gpus:
        terminal.print(words("cli.gpu", index=gpu.index, name=gpu.name, memory=gpu.memory_mb))
    if not gpus:
        terminal.print(words("cli.no_gpu"))
    reports = probe()
    for level in dict.fromkeys(report.level for report in reports):
        terminal.print(_layers(level, reports, words))
    terminal.print(words("cli.level", level=open_room("auto").isolation.level.value))
    return 0


def _layers(level: str, reports: Sequence[LayerReport], words: Words) -> Table:
    """Arrange a level's layers: those that hold in one line, each other with its reason."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=9)
    grid.add_column(width=1)
    grid.add_column()
    mine = [report for report in reports if report.level == level]
    held = ", ".join(report.layer for report in mine if report.holds)
    grid.add_row(level, "✓" if held else "", held)
    for report in mine:
        if not report.holds:
            why = words.say(report.why) if report.why else words("cli.holds_not")
            grid.add_row("", "✗", f"{report.layer}: {why}")
    return grid


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
    if told := told_profile(course, words):
        console().print(told)
    return 0
