"""The commands that look at the course and the machine: list, doctor, release.

Enters: parsed options. Leaves: exit codes. Touches: stdout; ``release`` writes a folder.
"""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from grader import environment
from grader.cli.course import open_course, open_words
from grader.cli.printing import console, titles
from grader.gpus import find_gpus
from grader.types import Engine, EvidenceClass, GraderError, Message


def run_list(lang: str | None) -> int:
    """Print the exercises with what their points are for."""
    course = open_course()
    words = open_words(course, lang)
    table = Table("id", "", *(words(f"class.{cls.value}") for cls in EvidenceClass))
    names = titles(course, words)
    for key, exercise in course.exercises.items():
        points = [f"{exercise.points[cls]:g}" for cls in EvidenceClass]
        table.add_row(key, names[key], *points)
    console().print(table)
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
    table = Table("level", "layer", "", "")
    for report in probe():
        held = words("cli.holds" if report.holds else "cli.holds_not")
        table.add_row(report.level, report.layer, held, words.say(report.why) if report.why else "")
    terminal.print(table)
    terminal.print(words("cli.level", level=open_room("auto").isolation.level.value))
    return 0


def run_release(out: Path, lang: str | None) -> int:
    """Write the students' bundle."""
    from grader.course.release import release

    course = open_course()
    words = open_words(course, lang)
    if course.reference is None:
        raise GraderError(Message("cli.no_reference"))
    release(course, out)
    count = len(course.exercises)
    console().print(words("cli.released", path=str(out), count=count))
    return 0
