"""The commands for CI; what they do is imported when called.

Enters: the command line. Leaves: exit codes. Touches: stdout and stderr.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from grader.ci import platforms
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
    Timeout,
    Trainer,
    read_ids,
)


class PostOption(StrEnum):
    """Where the results of pull requests are said."""

    NONE = "none"
    COMMENT = "comment"
    CHECK = "check"


PLATFORMS = "|".join((platforms.AUTO, *platforms.known()))


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ci)
    app.command(name="verify-record")(verify_record)


def ci(
    paths: Annotated[
        Optional[list[Path]],  # noqa: UP045 - typer
        typer.Argument(metavar="PATH", help="Notebooks; default: those that the change touched."),
    ] = None,
    repository: Annotated[
        Path, typer.Option(help="Where the change is checked out, with its history.")
    ] = Path(),
    base: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="COMMIT", help="What to compare with; default: as the event says."),
    ] = None,
    head: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="COMMIT", help="What is handed in; default: as the event says."),
    ] = None,
    student: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Whose work it is; default: the pull request's author, else folders' names."
        ),
    ] = None,
    exercise: Exercise = "auto",
    out: Out = Path("grades"),
    reports: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for summary, comment, JUnit and the platform's own reports."),
    ] = None,
    platform: Annotated[
        str, typer.Option(metavar=f"<{PLATFORMS}>", help="Who runs this job.")
    ] = platforms.AUTO,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="<any|N|never>",
            help="Fail where something is not accepted, below N % of its points, or never.",
        ),
    ] = "any",
    budget: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=1, help="Seconds after which no notebook is begun."),
    ] = None,
    structure_first: Annotated[
        bool, typer.Option(help="Say what is known of the structure before the training.")
    ] = True,
    structure_only: Annotated[
        bool, typer.Option("--structure-only", help="Train for one epoch, and give no grade.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Only what grader check looks at; needs no reference.")
    ] = False,
    cache: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder of runs kept from job to job; only trusted events add to it."),
    ] = None,
    about: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Classroom 50: JSON about the submission; writes result.json."),
    ] = None,
    pull: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="OWNER/REPO",
            help="Instead: every open pull request, fetched from outside; GRADER_TOKEN reads.",
        ),
    ] = None,
    post: Annotated[
        PostOption, typer.Option(help="With --pull: where its results are said.")
    ] = PostOption.NONE,
    remote: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="URL", help="With --pull: where to fetch from, if not from GitHub."),
    ] = None,
    sign: Annotated[
        bool, typer.Option("--sign", help="Write signed records that anybody can check.")
    ] = False,
    jobs: Jobs = None,
    engine: Engine = EngineOption.AUTO,
    trainer: Trainer = None,
    timeout: Timeout = None,
    isolation: IsolationLevel = IsolationOption.AUTO,
    gpus: Gpus = "auto",
    gpu_rooms: GpuRooms = False,
    profile: Profile = None,
    lang: Lang = None,
) -> None:
    """Grade what a change touched, and show it on the platform."""
    from grader.cli.ci import CiOptions, run_ci
    from grader.cli.grade import GradeOptions

    grading = GradeOptions(
        paths=tuple(paths or ()),
        exercises=read_ids(exercise),
        out=out,
        jobs=jobs,
        engine=engine.value,
        timeout=timeout,
        isolation=isolation.value,
        gpus=gpus,
        gpu_rooms=gpu_rooms,
        lang=lang,
        profile=profile,
        trainer=trainer,
    )
    options = CiOptions(
        grading=grading,
        repository=repository,
        base=base,
        head=head,
        student=student,
        platform=platform,
        reports=reports,
        fail_on=fail_on,
        budget=budget,
        cache=cache,
        about=about,
        public=public,
        look_first=structure_first,
        structure_only=structure_only,
        sign=sign,
    )
    if pull is not None:
        from grader.cli.ci_pull import PullOptions, run_pull

        raise typer.Exit(run_pull(options, PullOptions(pull, post.value, remote)))
    raise typer.Exit(run_ci(options))


def verify_record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A signed record.")],
    key: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The public key, or its file; default: the course's signing-key.pub."),
    ] = None,
    notebook: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The notebook that it should be about."),
    ] = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Grade that notebook again, and compare.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Tell whether a signed record is genuine."""
    from grader.cli.signing import VerifyRecordOptions, run_verify_record

    if rerun and notebook is None:
        raise typer.BadParameter("--rerun needs --notebook")
    raise typer.Exit(run_verify_record(VerifyRecordOptions(file, key, notebook, rerun, lang)))
