"""Choosing a room."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.room.bubblewrap import BubblewrapRoom
from grader.room.spec import LayerReport, Room
from grader.types import Isolation, Level


def open_room(level: str) -> Room:
    return BubblewrapRoom(
        Path(shutil.which("bwrap") or "bwrap"),
        __import__("os").environ.get("DROP") == "1",
        Isolation(Level.FULL, ("filesystem", "network", "environment", "processes", "read-only")),
    )


def probe() -> tuple[LayerReport, ...]:
    return ()
