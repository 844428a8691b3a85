"""The commands for what an instructor does by hand; what they do is imported when called.

Enters: the command line. Leaves: exit codes. Touches: stdout and stderr.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from grader.cli.options import Lang, Out

Student = Annotated[
    str, typer.Argument(metavar="STUDENT", help="As the class page or the roster has it.")
]
Exercises = Annotated[
    list[str], typer.Argument(metavar="EXERCISE", help="Ids or titles, one or several.")
]
AnyExercises = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer
    typer.Argument(metavar="EXERCISE", help="Ids or titles; default: all of the student's."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; the student reads it.")]
By = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--by", metavar="NAME", help="Who writes; default: your login."),
]
Absent = Annotated[
    bool, typer.Option("--absent", help="The student is in no result: handed in nothing at all.")
]


class LogFormat(StrEnum):
    """What to print."""

    TABLE = "table"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (override, excuse, comment, rerun, undo, forget, log):
        app.command()(command)


def override(
    student: Student,
    exercises: Exercises,
    score: Annotated[float, typer.Option(help="Points, in place of the grader's.")],
    reason: Reason,
    of: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--of",
            metavar="POINTS",
            help="What the score is out of; default: the exercise's own points.",
        ),
    ] = None,
    by: By = None,
    absent: Absent = False,
    out: Out = Path("grades"),
    lang: Lang = None,
) -> None:
    """Give a score by hand; the grader's own stays beside it."""
    raise typer.Exit(_run("override", student, exercises, reason, by, out, lang, score, absent, of))


def excuse(
    student: Student,
    exercises: Exercises,
    reason: Reason,
    by: By = None,
    absent: Absent = False,
    out: Out = Path("grades"),
    lang: Lang = None,
) -> None:
    """Excuse a student from exercises: no zero, and not counted."""
    raise typer.Exit(_run("excuse", student, exercises, reason, by, out, lang, None, absent))


def comment(
    student: Student,
    exercises: Exercises,
    text: Annotated[str, typer.Option(help="What the student reads on the page.")],
    by: By = None,
    out: Out = Path("grades"),
    lang: Lang = None,
) -> None:
    """Write a remark into a student's feedback; no score changes."""
    raise typer.Exit(_run("comment", student, exercises, text, by, out, lang))


def rerun(
    student: Student,
    reason: Reason,
    exercises: AnyExercises = None,
    by: By = None,
    out: Out = Path("grades"),
    lang: Lang = None,
) -> None:
    """Have work run anew by the next grade, whatever is kept."""
    raise typer.Exit(_run("rerun", student, exercises or [], reason, by, out, lang))


def undo(
    lines: Annotated[list[str], typer.Argument(metavar="LINE", help="Ids, as log shows them.")],
    by: By = None,
    out: Out = Path("grades"),
    lang: Lang = None,
) -> None:
    """Take back what was done by hand, by its line."""
    from grader.cli.by_hand import run_undo

    raise typer.Exit(run_undo(lines, out, by, lang))


def forget(
    student: Student,
    exercises: AnyExercises = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it only say what.")] = False,
    by: By = None,
    out: Out = Path("grades"),
    lang: Lang = None,
) -> None:
    """Erase all that is kept of a student's work: for good."""
    from grader.cli.forget import ForgetOptions, run_forget

    options = ForgetOptions(out, student, tuple(exercises or ()), by, yes, lang)
    raise typer.Exit(run_forget(options))


def log(
    student: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="STUDENT", help="Default: everybody."),
    ] = None,
    out: Out = Path("grades"),
    lang: Lang = None,
    format: Annotated[  # noqa: A002 - the option's name
        LogFormat, typer.Option("--format", help="What to print on stdout.")
    ] = LogFormat.TABLE,
) -> None:
    """Show what was done by hand, and what moved scores."""
    from grader.cli.log import run_log

    raise typer.Exit(run_log(out, student, format.value, lang))


def _run(
    kind: str,
    student: str,
    exercises: list[str],
    text: str,
    by: str | None,
    out: Path,
    lang: str | None,
    score: float | None = None,
    absent: bool = False,
    of: float | None = None,
) -> int:
    from grader.cli.by_hand import HandOptions, run_by_hand
    from grader.types import HandKind

    options = HandOptions(
        HandKind(kind), out, student, tuple(exercises), text, by, score, absent, lang, of
    )
    return run_by_hand(options)
