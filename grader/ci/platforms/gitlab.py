"""GitLab CI: what happened is in variables, parts of the log fold, reports are files.

Nothing in a log is obeyed but the marks of its parts, and those begin with a character that never
comes out of a name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from grader.ci.event import Event

_OTHER = re.compile(r"[^a-z0-9]+")
_MERGE_REQUEST = "merge_request_event"


def here(environment: Mapping[str, str]) -> bool:
    """Whether a runner of GitLab's set its variables."""
    return bool(environment.get("GITLAB_CI"))


def event(environment: Mapping[str, str]) -> Event:
    """Read the variables; the author of a merge request is who started its pipeline."""
    given = environment.get
    if given("CI_PIPELINE_SOURCE") == _MERGE_REQUEST:
        return Event(
            base=given("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""),
            # Of a pipeline for the merged result CI_COMMIT_SHA is a commit of GitLab's own.
            head=given("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or given("CI_COMMIT_SHA", ""),
            student=given("GITLAB_USER_LOGIN", ""),
            draft=given("CI_MERGE_REQUEST_DRAFT", "") == "true",
        )
    protected = given("CI_COMMIT_REF_PROTECTED", "") == "true"
    return Event(
        base=given("CI_COMMIT_BEFORE_SHA", ""),
        head=given("CI_COMMIT_SHA", ""),
        student=given("GITLAB_USER_LOGIN", "") if given("CI_PIPELINE_SOURCE") == "push" else "",
        trusted=protected,
    )


def group(title: str) -> tuple[str, str]:
    """Fold a part of the log."""
    now = int(time.time())
    name = _OTHER.sub("_", title.lower()).strip("_") or "part"
    line = "\x1b[0Ksection_{kind}:{now}:{name}\r\x1b[0K"
    begin = line.format(kind="start", now=now, name=name)
    return f"{begin}{title}", line.format(kind="end", now=now, name=name)
