"""The commands and their options; what they do lives beside this file, imported when called.

Enters: the command line. Leaves: exit codes (0 all accepted, 1 some not, 2 bad usage, 3 something
ungraded or left out). Touches: stdout and stderr.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from grader import __version__
from grader.authoring import bundles
from grader.cli import ci_commands, hand_commands
from grader.cli.options import (
    Engine,
    EngineOption,
    Exercise,
    GpuRooms,
    Gpus,
    IsolationLevel,
    IsolationOption,
    Jobs,
    Lang,
    Out,
    Profile,
    Trainer,
    WayOption,
    read_ids,
)
from grader.report import exporters

app = typer.Typer(
    name="grader",
    help="Grade recurrent-network notebooks: evidence from the run, fair thresholds, reasons.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # plain help: a tenth of a second less, one line less to fold
)


class FormatOption(StrEnum):
    """What to print."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


Format = Annotated[FormatOption, typer.Option("--format", help="What to print on stdout.")]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Grade recurrent-network notebooks: evidence from the run, fair thresholds, reasons."""
    if version:
        typer.echo(f"grader {__version__}")
        raise typer.Exit


@app.command()
def grade(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Notebooks, folders, zips.")],
    exercise: Exercise = "auto",
    out: Out = Path("grades"),
    jobs: Jobs = None,
    engine: Engine = EngineOption.AUTO,
    trainer: Trainer = None,
    timeout: Annotated[
        Optional[float], typer.Option(min=1, help="Seconds for one attempt.")  # noqa: UP045
    ] = None,
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
    roster: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="CSV of the class: who is missing is named. It is remembered."),
    ] = None,
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


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="NOTEBOOK", help="Notebooks, folders.")],
    exercise: Exercise = "auto",
    engine: Engine = EngineOption.AUTO,
    trainer: Trainer = None,
    timeout: Annotated[
        Optional[float], typer.Option(min=1, help="Seconds for the notebook.")  # noqa: UP045
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Cells and structure in seconds, without training.")
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


@app.command()
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


@app.command()
def report(
    out: Out = Path("grades"),
    roster: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="CSV of the class: who is missing is named. It is remembered."),
    ] = None,
    lang: Lang = None,
    format: Format = FormatOption.TABLE,  # noqa: A002
) -> None:
    """Write feedback and print what is stored."""
    from grader.cli.grade import run_report

    raise typer.Exit(run_report(out, lang, format.value, roster))


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command(name="list")
def list_exercises(profile: Profile = None, lang: Lang = None) -> None:
    """List the exercises of the course."""
    from grader.cli.list import run_list

    raise typer.Exit(run_list(lang, profile))


@app.command()
def prepare(
    kernel: Annotated[
        bool, typer.Option("--kernel", help="Only build the kernel for recurrent layers.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Install the course's packages; compile what notebooks need."""
    from grader.cli.prepare import run_prepare

    raise typer.Exit(run_prepare(lang, kernel_alone=kernel))


@app.command()
def doctor(
    every: Annotated[
        bool, typer.Option("--all", help="Every level of isolation, those not in use too.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Say what this machine has and which isolation holds."""
    from grader.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(lang, every=every))


@app.command()
def release(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the students' bundle.")],
    place: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--for",
            metavar=f"<{'|'.join(bundles.known())}>",
            help="Instead: the grader for a place that runs it by itself.",
        ),
    ] = None,
    exercise: Annotated[
        str, typer.Option(help="Ids of the exercises, comma-separated; all where not said.")
    ] = "auto",
    week: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Instead of ids: those of a week, as course.toml has it."),
    ] = None,
    profile: Profile = None,
    lang: Lang = None,
) -> None:
    """Write what students receive: no solutions, no thresholds."""
    from grader.cli.release import ReleaseOptions, run_release

    options = ReleaseOptions(out, lang, profile, place, read_ids(exercise), week)
    raise typer.Exit(run_release(options))


@app.command()
def verify(
    paths: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(metavar="SAMPLE", help="Samples; default: all of the course."),
    ] = None,
    exercise: Exercise = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="All files, few runs: minutes.")] = False,
    changed: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="COMMIT",
            help="Only what differs from it, and what students will see differently.",
        ),
    ] = None,
    allow_uncalibrated: Annotated[
        bool, typer.Option("--allow-uncalibrated", help="Say, but do not fail for, a calibration.")
    ] = False,
    profile: Profile = None,
    out: Out = Path(".verify"),
    jobs: Jobs = None,
    engine: Engine = EngineOption.AUTO,
    trainer: Trainer = None,
    lang: Lang = None,
    format: Format = FormatOption.TABLE,  # noqa: A002
) -> None:
    """Check the course: files, stubs, references, samples."""
    from grader.cli.verify import VerifyOptions, run_verify

    options = VerifyOptions(
        paths=tuple(paths or ()),
        exercises=read_ids(exercise),
        out=out,
        jobs=jobs,
        engine=engine.value,
        quick=quick,
        allow_uncalibrated=allow_uncalibrated,
        profile=profile,
        lang=lang,
        format=format.value,
        trainer=trainer,
    )
    if changed is not None:
        from grader.cli.verify_changed import run_changed

        raise typer.Exit(run_changed(options, changed))
    raise typer.Exit(run_verify(options))


@app.command()
def new(
    exercise: Annotated[str, typer.Argument(metavar="ID", help="Lower case, with hyphens.")],
    lang: Lang = None,
) -> None:
    """Begin a new exercise: one that works, to be made yours."""
    from grader.cli.new import run_new

    raise typer.Exit(run_new(exercise, lang))


@app.command()
def calibrate(
    exercises: Annotated[
        Optional[list[str]], typer.Argument(metavar="ID", help="Default: all.")  # noqa: UP045
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of the reference solution.")] = 20,
    engine: Annotated[
        WayOption, typer.Option(help="Keras backend; trainer: the grader's own room trains.")
    ] = WayOption.JAX,
    jobs: Annotated[
        Optional[int], typer.Option(min=1, help="Runs at once; default: one per core.")  # noqa: UP045
    ] = None,
    plot: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for a page with a picture per exercise."),
    ] = None,
    curves: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder in which to keep how each reference learned."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only tell whether this machine still fits; 1 where not."),
    ] = False,
    profile: Profile = None,
    lang: Lang = None,
) -> None:
    """Measure what correct work reaches; writes expected.json."""
    from grader.cli.calibrate import run_calibrate, run_check_calibration

    if check:
        raise typer.Exit(run_check_calibration(exercises or [], engine.value, lang, profile))
    ids = exercises or []
    raise typer.Exit(run_calibrate(ids, seeds, engine.value, jobs, plot, lang, profile, curves))


hand_commands.add_to(app)
ci_commands.add_to(app)
data = typer.Typer(help="Data sets: what there is, whether sound; get the real ones.")
app.add_typer(data, name="data")


@data.command("list")
def data_list(lang: Lang = None) -> None:
    """Show every data set: where it is, its size, its checksum, its licence."""
    from grader.cli.data import run_list

    raise typer.Exit(run_list(lang))


@data.command("fetch")
def data_fetch(
    names: Annotated[
        Optional[list[str]], typer.Argument(metavar="NAME", help="Default: all.")  # noqa: UP045
    ] = None,
    url: Annotated[
        Optional[str], typer.Option(help="Another address of the same file.")  # noqa: UP045
    ] = None,
    lang: Lang = None,
) -> None:
    """Download the real files into the cache and check them."""
    from grader.cli.data import run_fetch

    raise typer.Exit(run_fetch(names or [], url, lang))


@data.command("verify")
def data_verify(lang: Lang = None) -> None:
    """Check every file that is here against its checksum."""
    from grader.cli.data import run_verify

    raise typer.Exit(run_verify(lang))


course = typer.Typer(help="The course's rules, course.toml: begin, check.")
app.add_typer(course, name="course")


@course.command("init")
def course_init(lang: Lang = None) -> None:
    """Write a course.toml to fill in, and its schema for editors."""
    from grader.cli.course_file import run_init

    raise typer.Exit(run_init(lang))


@course.command("check")
def course_check(lang: Lang = None) -> None:
    """Say what the course's rules come to: dates, weights, lateness, attempts, names."""
    from grader.cli.course_file import run_check

    raise typer.Exit(run_check(lang))
