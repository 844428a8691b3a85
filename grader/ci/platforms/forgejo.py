"""Forgejo and Gitea Actions: GitHub's events and commands, without its annotations.

Their log folds groups and knows ``::stop-commands::``; a line that GitHub shows beside a file is
hidden there, so none is printed and the table stands in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.ci.platforms.github import event, group, summary, unheard

__all__ = ["event", "group", "here", "summary", "unheard"]


def here(environment: Mapping[str, str]) -> bool:
    """Both call themselves GitHub besides."""
    return any(environment.get(one) for one in ("FORGEJO_ACTIONS", "GITEA_ACTIONS"))
