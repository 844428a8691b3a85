"""The commands that grade and what is made of grades; what they do is imported when called.

Enters: the command line. Leaves: exit codes. Touches: stdout and stderr.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from grader.cli.options import (
    Engine,
    EngineOption,
    Exercise,
    Format,
    FormatOption,
    GpuRooms,
    Gpus,
    IsolationLevel,
    IsolationOption,
    Jobs,
    Lang,
    Out,
    Profile,
    Roster,
    Timeout,
    Trainer,
    read_ids,
)
from grader.report import exporters


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (grade, check, regrade, report, export, similar, merge, plan):
        app.command()(command)


def grade(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Notebooks, folders, zips.")],
    exercise: Exercise = "auto",
    out: Out = Path("grades"),
    jobs: Jobs = None,
    engine: Engine = EngineOption.AUTO,
    trainer: Trainer = None,
    timeout: Timeout = None,
    memory: Annotated[Optional[int], typer.Option(min=256, help="MB for one room.")] = None,  # noqa: UP045
    seed: Annotated[
        Optional[int], typer.Option(min=0, help="Training seed of the first attempt.")  # noqa: UP045
    ] = None,
    isolation: IsolationLevel = IsolationOption.AUTO,
    gpus: Gpus = "auto",
    gpu_rooms: GpuRooms = False,
    shard: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="I/N", help="Grade the I-th of N parts only; join with merge."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say who handed in what, what is missing; run nothing."),
    ] = False,
    roster: Roster = None,
    runner: Annotated[str, typer.Option(help="Where jobs run; local: on this machine.")] = "local",
    profile: Profile = None,
    warm: Annotated[
        bool, typer.Option(help="Begin notebooks as forks of a process that has Keras loaded.")
    ] = True,
    lang: Lang = None,
    format: Format = FormatOption.TABLE,  # noqa: A002 - the option's name
) -> None:
    """Run and score notebooks."""
    from grader.cli.grade import GradeOptions, run

    options = GradeOptions(
        paths=tuple(paths),
        exercises=read_ids(exercise),
        out=out,
        jobs=jobs,
        engine=engine.value,
        timeout=timeout,
        memory_mb=memory,
        seed=seed,
        isolation=isolation.value,
        gpus=gpus,
        gpu_rooms=gpu_rooms,
        lang=lang,
        format=format.value,
        shard=shard,
        warm=warm,
        profile=profile,
        runner=runner,
        dry_run=dry_run,
        roster=roster,
        trainer=trainer,
    )
    raise typer.Exit(run(options))


def check(
    paths: Annotated[list[Path], typer.Argument(metavar="NOTEBOOK", help="Notebooks, folders.")],
    exercise: Exercise = "auto",
    engine: Engine = EngineOption.AUTO,
    trainer: Trainer = None,
    timeout: Timeout = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="Cells and structure in some twenty seconds, without training."
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again whenever a notebook is saved.")
    ] = False,
    profile: Profile = None,
    lang: Lang = None,
) -> None:
    """Check your own notebook before handing it in."""
    from grader.cli.check import CheckOptions, run_check, run_watch

    options = CheckOptions(
        tuple(paths), read_ids(exercise), engine.value, timeout, lang, profile, fast, trainer
    )
    raise typer.Exit(run_watch(options) if watch else run_check(options))


def regrade(
    out: Out = Path("grades"),
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say which scores would move, and why.")
    ] = False,
    lang: Lang = None,
    format: Format = FormatOption.TABLE,  # noqa: A002
) -> None:
    """Score stored evidence again; runs nothing."""
    from grader.cli.regrade import run_preview, run_regrade

    if preview:
        raise typer.Exit(run_preview(out, lang, format.value))
    raise typer.Exit(run_regrade(out, lang, format.value))


def report(
    out: Out = Path("grades"),
    roster: Roster = None,
    lang: Lang = None,
    format: Format = FormatOption.TABLE,  # noqa: A002
) -> None:
    """Write feedback and print what is stored."""
    from grader.cli.report import run_report

    raise typer.Exit(run_report(out, lang, format.value, roster))


def export(
    format: Annotated[  # noqa: A002
        str, typer.Option(metavar=f"<{'|'.join(exporters.known())}>", help="Whose file to write.")
    ],
    out: Out = Path("grades"),
    to: Annotated[
        Optional[Path], typer.Option(help="Folder to write to; default: OUT/export/FORMAT.")  # noqa: UP045
    ] = None,
    roster: Annotated[
        Optional[Path], typer.Option(help="CSV that Canvas or Moodle exported: who is who.")  # noqa: UP045
    ] = None,
    key: Annotated[
        str, typer.Option(help="Moodle: the column to identify by; default: one that is there.")
    ] = "",
    column: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="EXERCISE=COLUMN", help="Which column of theirs is an exercise's."),
    ] = None,
    new_columns: Annotated[
        bool, typer.Option("--new-columns", help="Canvas: let it make columns that it lacks.")
    ] = False,
    about: Annotated[
        Optional[Path], typer.Option(help="Classroom 50: JSON about the submission.")  # noqa: UP045
    ] = None,
    changed: Annotated[
        bool,
        typer.Option("--changed", help="Only students of whom the last export says otherwise."),
    ] = False,
    lang: Lang = None,
) -> None:
    """Write the grades for Canvas, Moodle and others."""
    from grader.cli.export import ExportOptions, run_export

    options = ExportOptions(
        format=format,
        out=out,
        to=to,
        roster=roster,
        key=key,
        about=about,
        lang=lang,
        changed=changed,
        columns=tuple(column or ()),
        new_columns=new_columns,
    )
    raise typer.Exit(run_export(options))


def similar(
    out: Out = Path("grades"),
    to: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for the code as JPlag and Dolos want it."),
    ] = None,
    lang: Lang = None,
) -> None:
    """Show work that is alike, side by side; judges nobody."""
    from grader.cli.similar import SimilarOptions, run_similar

    raise typer.Exit(run_similar(SimilarOptions(out, to, lang)))


def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Folders that --out named elsewhere.")
    ],
    out: Out = Path("grades"),
    lang: Lang = None,
    format: Format = FormatOption.TABLE,  # noqa: A002
) -> None:
    """Join what several machines graded into one folder."""
    from grader.cli.merge import run_merge

    raise typer.Exit(run_merge(sources, out, lang, format.value))


def plan(
    students: Annotated[int, typer.Option(min=1, help="How many, one notebook per exercise each.")],
    exercise: Exercise = "auto",
    machines: Annotated[int, typer.Option(min=1, help="How many, all alike.")] = 1,
    cores: Annotated[
        Optional[int], typer.Option(min=1, help="Cores of one; default: this machine's.")  # noqa: UP045
    ] = None,
    gpus: Annotated[
        int, typer.Option(min=0, help="GPUs of one, a notebook at a time on each.")
    ] = 0,
    fails_after: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=1, help="Hours after which a machine fails, on average; default: never."),
    ] = None,
    down: Annotated[float, typer.Option(min=0, help="Minutes until one that failed is back.")] = 10,
    out: Annotated[Path, typer.Option(help="Folder whose records say how long it takes.")] = Path(
        "grades"
    ),
    profile: Profile = None,
    lang: Lang = None,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002
) -> None:
    """Say how long a class takes on given machines; runs nothing."""
    from grader.cli.plan import PlanOptions, run_plan

    options = PlanOptions(
        students=students,
        exercises=read_ids(exercise),
        machines=machines,
        cores=cores,
        gpus=gpus,
        fails_after=fails_after,
        down=down,
        out=out,
        profile=profile,
        lang=lang,
        format=format,
    )
    raise typer.Exit(run_plan(options))
