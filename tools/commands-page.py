"""Writes docs/commands.md: every command, its arguments and options, from the commands themselves.

    python tools/commands-page.py [OUT]

Enters: ``grader.cli.app``. Leaves: a Markdown page. Touches: writes that file.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from grader.cli.app import app

PAGE = Path(__file__).resolve().parents[1] / "docs/commands.md"

HEAD = """# Commands

Written by `make commands-page` from the commands themselves; a test compares the two.
`grader COMMAND --help` says the same in a terminal.

Every command ends with one of these codes, so that a script can tell them apart:

| code | means |
|---|---|
| 0 | all accepted, or simply done |
| 1 | some not accepted; a check or a verification failed |
| 2 | bad usage, or nothing to work on: one line on stderr says what and what to do |
| 3 | something is ungraded or left out, which is our fault or the machine's; 3 beats 1 |
| 130 | stopped by Ctrl-C before all was graded; the same command goes on where it stopped |

What is the same for all of them comes from the environment:

| variable | says |
|---|---|
| `GRADER_COURSE` | the course's folder; else the nearest one upwards with `assignments/`, the one \
that graded what is in `--out`, or the one beside an installation from its source |
| `GRADER_SECRET_FILE` | the file of the course secret; else `rnn-grader/course-secret` below \
`XDG_DATA_HOME` or `~/.local/share` |
| `GRADER_SIGNING_KEY_FILE` | the file of the key that signs records; else `signing-key` beside \
the course secret |
| `GRADER_TOKEN` | what `grader ci --pull` asks the platform with |
| `GRADER_DATA` | the cache of real data sets; else `~/.cache/grader/data` |
| `XDG_CACHE_HOME` | where `rnn-grader/` with results of trainings and what was compiled lies; \
else `~/.cache` |
| `GRADER_DEBUG` | anything: a fault of the grader shows its traceback |

Messages are Korean or English: `--lang`, else `language` in `course.toml`, else the locale.
"""
KINDS = {"<str>": "TEXT", "<path>": "PATH", "<int range>": "N", "<float range>": "N"}
CHOICE = re.compile(r" [<\[](\w+(?:\|\w+)+)[>\]]")
# Where a command is explained at work.
MORE = {
    "grade": "start/instructor.md",
    "check": "start/student.md",
    "regrade": "scoring.md#what-is-kept-and-what-is-done-again",
    "report": "start/instructor.md",
    "export": "start/instructor.md#into-the-schools-system",
    "similar": "start/instructor.md#work-that-is-alike",
    "merge": "start/instructor.md#several-machines",
    "plan": "cluster.md#how-long-it-takes",
    "release": "start/instructor.md#give-it-to-students",
    "prepare": "performance.md",
    "ci": "start/ci.md",
    "verify-record": "start/ci.md#a-grade-that-anybody-can-check",
    "doctor": "security.md",
    "verify": "adding-an-exercise.md#6-measure-and-check",
    "new": "adding-an-exercise.md",
    "calibrate": "calibration.md",
    "data": "data.md",
    "course": "start/instructor.md#the-courses-rules",
}


def page() -> str:
    """Give the whole page."""
    group: Any = typer.main.get_command(app)
    sections = [_section(f"grader {name}", command) for name, command in _commands(group)]
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every command in the order of the help; a group's own follow it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _section(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    pieces = (piece.strip("{}") for piece in command.collect_usage_pieces(context))
    usage = " ".join([name, *pieces]).replace("}...", "...")
    lines = [f"## {name}", "", f"`{usage}`", "", str(command.help).strip()]
    if more := MORE.get(name.split()[1]):
        lines[-1] += f" [More]({more})"
    rows = [row for parameter in command.params if (row := _row(parameter, context))]
    if rows:
        lines += ["", "| | | default |", "|---|---|---|", *rows]
    return "\n".join(lines)


def _row(parameter: Any, context: Any) -> str:
    """Give one row; nothing for what the library adds itself."""
    if parameter.param_type_name == "argument":
        default = "needed" if parameter.required else ""
        return f"| `{parameter.metavar}` | {parameter.help} | {default} |"
    record = parameter.get_help_record(context)
    if record is None or parameter.name == "help":
        return ""
    shown, help_ = record[0], parameter.help
    for kind, plain in KINDS.items():
        shown = shown.replace(kind, plain)
    if choice := CHOICE.search(shown):  # a table's cell cannot hold its bars
        shown, help_ = CHOICE.sub("", shown), f"{help_} {choice[1].replace('|', ', ')}."
    if (least := getattr(parameter, "min", None)) is not None:
        help_ += f" At least {least:g}."
    return f"| `{shown}` | {help_} | {_default(parameter)} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "needed"
    value = getattr(parameter.default, "value", parameter.default)
    if value is None or value is False:
        return ""
    if value is True:
        return f"`{parameter.opts[0]}`"
    return f"`{value}`"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=PAGE)
    parser.parse_args().out.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
