"""What a room is given while it is open can be read in there, whatever the umask says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.room.lending import lend


@pytest.fixture(params=[0o022, 0o077], ids=["usual", "secrets"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_it_has_its_name_whole_and_everybodys_to_read(tmp_path: Path) -> None:
    new = tmp_path / ".0001"
    new.write_text("told", encoding="utf-8")
    lend(new, "0001.json")
    given = tmp_path / "0001.json"
    assert given.read_text(encoding="utf-8") == "told"
    assert stat.S_IMODE(given.stat().st_mode) == 0o644
    assert not new.exists()
