"""What tests of ``grader ci`` share: a command line in no job of CI, without rooms."""

from __future__ import annotations

import pytest

from grader.cli import ci
from tests.support.cli_help import NoRoom, Shell

TOLD_BY = ("GITHUB_ACTIONS", "GITLAB_CI", "FORGEJO_ACTIONS", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def shell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in TOLD_BY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ci, "open_room", lambda *_: NoRoom())
    monkeypatch.setattr(ci, "quickened", lambda room: (room, None))
    return shell
