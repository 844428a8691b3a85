"""SIGKILL at random moments: nothing lost, nothing doubled, every score as without it."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import pytest

from tests.chaos.arena import Arena
from tests.chaos.strike import COORDINATOR, VICTIMS, strike

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="rooms as strong as this are Linux' own"),
]


def test_kills_at_random_moments_change_no_score_and_leave_nothing_behind(whole: bool) -> None:
    kills = 6 if whole else 4
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        arena = Arena(Path(folder), students=2 * kills)
        report = strike(arena, kills, random.Random(7))
    assert report.complaints == []
    assert report.kills.total() >= kills - 1
    assert report.kills[COORDINATOR] >= 1
    assert len(report.kills) >= 3, f"only {set(report.kills)} of {VICTIMS}"
