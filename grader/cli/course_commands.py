"""The commands for a course and its machine; what they do is imported when called.

Enters: the command line. Leaves: exit codes. Touches: stdout and stderr.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from grader.authoring import bundles
from grader.cli.options import (
    Engine,
    EngineOption,
    Exercise,
    Format,
    FormatOption,
    Jobs,
    Lang,
    Out,
    Profile,
    Trainer,
    WayOption,
    read_ids,
)

data = typer.Typer(help="Data sets: what there is, whether sound; get the real ones.")
course = typer.Typer(help="The course's rules, course.toml: begin, check.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="list")(list_exercises)
    for command in (prepare, doctor, release, verify, new, calibrate):
        app.command()(command)


def add_groups_to(app: typer.Typer) -> None:
    """Add the commands with commands of their own."""
    app.add_typer(data, name="data")
    app.add_typer(course, name="course")


def list_exercises(profile: Profile = None, lang: Lang = None) -> None:
    """List the exercises of the course."""
    from grader.cli.list import run_list

    raise typer.Exit(run_list(lang, profile))


def prepare(
    kernel: Annotated[
        bool, typer.Option("--kernel", help="Only build the kernel for recurrent layers.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Install the course's packages; compile what notebooks need."""
    from grader.cli.prepare import run_prepare

    raise typer.Exit(run_prepare(lang, kernel_alone=kernel))


def doctor(
    every: Annotated[
        bool, typer.Option("--all", help="Every level of isolation, those not in use too.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Say what this machine has and which isolation holds."""
    from grader.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(lang, every=every))


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
        str, typer.Option(help="Exercises, comma-separated ids or titles; all where not said.")
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


def new(
    exercise: Annotated[str, typer.Argument(metavar="ID", help="Lower case, with hyphens.")],
    lang: Lang = None,
) -> None:
    """Begin a new exercise: one that works, to be made yours."""
    from grader.cli.new import run_new

    raise typer.Exit(run_new(exercise, lang))


def calibrate(
    exercises: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="ID", help="Ids or titles; default: all."),
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
    gpus: Annotated[
        str,
        typer.Option(help="With --engine trainer, all at once there: auto, none, or numbers."),
    ] = "none",
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
    given = ids, seeds, engine.value, jobs, plot, lang, profile, curves, gpus
    raise typer.Exit(run_calibrate(*given))


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
