"""What tests of what is kept share: a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.record.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "out") as opened:
        yield opened
