"""What tests of ``grader ci`` share: a command line in no job of CI, without rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.cli import ci
from tests.support.cli_help import NoRoom, Shell

TOLD_BY = ("GITHUB_ACTIONS", "GITLAB_CI", "FORGEJO_ACTIONS", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path) -> Shell:
    for name in TOLD_BY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ci, "open_room", lambda *_: NoRoom())
    monkeypatch.setattr(ci, "quickened", lambda room: (room, None))
    return Shell(monkeypatch, capfd, tmp_path)
