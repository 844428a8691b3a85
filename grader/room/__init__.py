"""Rooms: where programs run that the judge does not trust. See ``docs/security.md``.

Enters: a RoomSpec. Leaves: a RoomProcess, and an Isolation that a live self-test saw.
Touches: processes, control groups, scratch folders; nothing of them stays behind.
"""

from grader.room.choose import open_room, probe, warmed
from grader.room.guarded import Guarded
from grader.room.spec import HOME, Bind, LayerReport, Room, RoomProcess, RoomSpec

__all__ = [
    "HOME",
    "Bind",
    "Guarded",
    "LayerReport",
    "Room",
    "RoomProcess",
    "RoomSpec",
    "open_room",
    "probe",
    "warmed",
]
