"""Who trains in the notebooks of the corpus."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def trainer(request: pytest.FixtureRequest) -> bool:
    """Whether our own room trains what they ask for; with ``--no-trainer`` they do it themselves."""
    return not request.config.getoption("no_trainer")
