"""GitHub Actions: events as files, a page per job, lines of the log that are commands.

The log is read for commands, so that a notebook called ``::error::x`` would speak to GitHub; while
students' names are printed, ``::stop-commands::`` makes it deaf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.ci.event import Event, read_json, text
from grader.ci.told import Told
from grader.report.github import github_annotations

PULL = frozenset({"pull_request", "pull_request_target"})
AFTERWARDS = "workflow_run"  # as the default branch has it, after a run of anybody's
# Started by somebody who may write to the repository, and run as that repository has it.
TRUSTED = frozenset({"push", "schedule", "workflow_dispatch", "repository_dispatch"})


def here(environment: Mapping[str, str]) -> bool:
    """Forgejo and Gitea call themselves GitHub, too."""
    others = ("FORGEJO_ACTIONS", "GITEA_ACTIONS")
    return bool(environment.get("GITHUB_ACTIONS")) and not any(map(environment.get, others))


def event(environment: Mapping[str, str]) -> Event:
    """Read the event's file.

    Raises:
        GraderError: there is none, or it cannot be read.
    """
    kind = environment.get("GITHUB_EVENT_NAME", "")
    told = read_json(environment.get("GITHUB_EVENT_PATH", ""))
    if kind in PULL:
        pull = told.get("pull_request")
        return Event(
            base=text(pull, "base", "sha"),
            head=text(pull, "head", "sha"),
            student=text(pull, "user", "login"),
            draft=isinstance(pull, Mapping) and pull.get("draft") is True,
            handed_in=text(pull, "created_at"),
        )
    if kind == "merge_group":  # of several authors
        group = told.get("merge_group")
        return Event(base=text(group, "base_sha"), head=text(group, "head_sha"))
    student = text(told, "sender", "login") if kind == "push" else ""
    return Event(
        base=text(told, "before"),
        head=environment.get("GITHUB_SHA", ""),
        student=student,
        handed_in=text(told, "workflow_run", "created_at") if kind == AFTERWARDS else "",
        trusted=kind in TRUSTED,
        unchanged=kind == AFTERWARDS,
    )


def group(title: str) -> tuple[str, str]:
    """Fold a part of the log."""
    return f"::group::{title}", "::endgroup::"


def unheard(token: str) -> tuple[str, str]:
    """Have commands taken for text until the token comes, which nobody can guess."""
    return f"::stop-commands::{token}", f"::{token}::"


def marks(told: Told) -> Sequence[str]:
    """Give what is shown beside the files, worst first, ten of a kind."""
    return github_annotations(told.records, told.words, told.places)


def summary(environment: Mapping[str, str]) -> Path | None:
    """Give the file that becomes the job's page."""
    place = environment.get("GITHUB_STEP_SUMMARY")
    return Path(place) if place else None
