"""Pull requests as the instructor's side gets them, and what is said on them.

Enters: a repository's name, an Api. Leaves: Pulls; comments or checks. Touches: the network; a bare
repository and a list of what was posted, below OUT.

Nothing of a pull request is believed but what the platform itself says of it: its number, its
author and the commit of its head. The commit is fetched by that name, so what is graded is what is
named.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.ci.event import text
from grader.ci.git import COMMIT, Repository
from grader.ci.github_api import Api
from grader.record import files
from grader.types import GraderError, Json, Message

STORE, POSTED = "pulls.git", "posted.json"
NONE, COMMENT, CHECK = "none", "comment", "check"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9][\w.-]{0,99}(?:\[bot\])?", re.ASCII)
MOST_POSTED = 2**24


@dataclass(frozen=True)
class Pull:
    """An open pull request, as the platform tells of it."""

    number: int
    student: str
    head: str
    base: str
    draft: bool
    created_at: str


def require_name(repository: str) -> str:
    """Refuse what is no OWNER/REPO: it becomes part of addresses.

    Raises:
        GraderError: it is not.
    """
    if not _NAME.fullmatch(repository) or ".." in repository:
        raise GraderError(Message("ci.bad_repository", {"given": repository}))
    return repository


def open_pulls(api: Api, repository: str) -> tuple[list[Pull], list[Message]]:
    """Give the open pull requests, and why some are left out.

    Raises:
        GraderError: the API says no.
    """
    found, odd = [], []
    for one in api.pages(f"/repos/{repository}/pulls?state=open&sort=created&direction=asc"):
        pull = _read(one)
        if pull is None:
            odd.append(Message("ci.odd_pull", {"number": str(one.get("number"))[:20]}))
        else:
            found.append(pull)
    return found, odd


def _read(told: Mapping[str, Any]) -> Pull | None:
    number = told.get("number")
    student, head = text(told, "user", "login"), text(told, "head", "sha")
    base, made = text(told, "base", "sha"), text(told, "created_at")
    sound = _LOGIN.fullmatch(student) and COMMIT.fullmatch(head) and COMMIT.fullmatch(base)
    if not isinstance(number, int) or isinstance(number, bool) or not sound:
        return None
    return Pull(number, student, head, base, told.get("draft") is True, made)


def handed_in(pull: Pull, committed: int, now: float) -> str:
    """Say when a pull request handed in what it has now: it was opened, then edited.

    The platform tells when it was opened, not when its head was pushed. What a commit says of
    itself is its author's word, so it makes a hand-in later and never earlier, and never later than
    now.
    """
    if not pull.created_at or committed <= 0:
        return pull.created_at
    edited = datetime.fromtimestamp(min(committed, now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return max(pull.created_at, edited)


def store_of(out: Path, token: str, url: str) -> Repository:
    """Give a bare repository below OUT, made where needed, that may fetch with the token.

    Raises:
        GraderError: git says no, or the disk.
    """
    place = out / STORE
    with files.disk_errors(place):
        files.make_folders(place)
    if not (place / "HEAD").exists():
        line = ["git", "init", "--quiet", "--bare", "--template=", str(place)]
        try:
            subprocess.run(line, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise GraderError(Message("ci.no_git")) from error
    if not token or not url.startswith("https://"):
        return Repository(place)
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    header = {f"http.{url}.extraHeader": f"Authorization: Basic {secret}"}
    return Repository(place, {**header, "http.followRedirects": "false"})


class Posted:
    """What was said on pull requests before: what is ours is edited, and only if it differs."""

    def __init__(self, out: Path) -> None:
        self.path = out / POSTED
        self.known: dict[str, dict[str, Any]] = {}
        try:
            told = json.loads(files.read_at_most(self.path, MOST_POSTED))
            self.known = {key: one for key, one in told.items() if isinstance(one, dict)}
        except (OSError, ValueError, AttributeError):
            self.known = {}  # the next comment is a new one

    def comment(self, api: Api, repository: str, pull: Pull, body: str) -> None:
        """Write a comment, or edit our last one.

        Raises:
            GraderError: the API says no.
        """
        key = f"{repository}#{pull.number}"
        digest = hashlib.sha256(body.encode()).hexdigest()
        before = self.known.get(key, {})
        number = before.get("comment")
        if before.get("digest") == digest:
            return
        if isinstance(number, int):
            api.ask("PATCH", f"/repos/{repository}/issues/comments/{number}", {"body": body})
        else:
            made = api.ask(
                "POST", f"/repos/{repository}/issues/{pull.number}/comments", {"body": body}
            )
            number = made.get("id") if isinstance(made, dict) else None
        self._keep(key, {"comment": number, "digest": digest})

    def check(self, api: Api, repository: str, pull: Pull, body: str, passed: bool | None) -> None:
        """Write a check of the commit; ``passed`` None: a fault of ours.

        Raises:
            GraderError: the API says no.
        """
        key = f"{repository}@{pull.head}"
        digest = hashlib.sha256(body.encode()).hexdigest()
        if self.known.get(key, {}).get("digest") == digest:
            return
        told: dict[str, Json] = {"title": "rnn-grader", "summary": body}
        conclusion = {True: "success", False: "failure", None: "neutral"}[passed]
        api.ask(
            "POST",
            f"/repos/{repository}/check-runs",
            {
                "name": "grade",
                "head_sha": pull.head,
                "status": "completed",
                "conclusion": conclusion,
                "output": told,
            },
        )
        self._keep(key, {"digest": digest})

    def _keep(self, key: str, told: dict[str, Any]) -> None:
        self.known[key] = told
        files.write_whole(self.path, json.dumps(self.known, sort_keys=True).encode())
