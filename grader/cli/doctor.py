"""``grader doctor``: what this machine has, and what each layer of isolation does on it.

Enters: parsed options. Leaves: an exit code. Touches: stdout; runs the rooms' self-test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from grader import environment
from grader.cli.course import open_course, open_words
from grader.cli.printing import console
from grader.gpus import find_gpus
from grader.text.words import Words
from grader.types import Engine

if TYPE_CHECKING:
    from grader.room.spec import LayerReport


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
