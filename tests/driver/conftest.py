"""The driver beside a kernel of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.speaking_kernel import Bench


@pytest.fixture
def bench(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("d"), monkeypatch)
    yield made
    made.close()
