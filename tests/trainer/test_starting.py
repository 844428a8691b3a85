"""What a trainer's room starts with, and what is imported for it beforehand."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from grader.room import RoomSpec
from grader.room.fork_servers import _key as server_of
from grader.trainer.starting import import_ahead, start
from grader.types import GraderError, Isolation, Level, Message


class Ended:
    """A program that did what it should."""

    pid, stdin, stdout, stderr = 1, None, None, None

    def poll(self) -> int | None:
        return 0

    def wait(self, timeout: float | None = None) -> int | None:
        return 0

    def memory_mb(self) -> float:
        return 0.0

    def memory_ran_out(self) -> bool:
        return False

    def kill(self) -> None:
        pass


class Noting:
    """A room that notes what it is to start; or refuses to."""

    isolation, complaints = Isolation(Level.NONE), ()

    def __init__(self, *, refuses: bool = False) -> None:
        self.specs: list[RoomSpec] = []
        self.refuses = refuses

    def inside(self, host: Path, inside: str) -> str:
        return inside

    def start(self, spec: RoomSpec, **_: int | None) -> Ended:
        if self.refuses:
            raise GraderError(Message("room.start_failed", {"reason": "none"}))
        self.specs.append(spec)
        return Ended()


@pytest.mark.parametrize("cores", [1, 2])
def test_what_is_imported_ahead_is_what_a_training_begins_as(cores: int, tmp_path: Path) -> None:
    room = Noting()
    import_ahead(room, cores).join()
    assert import_ahead(room, cores) is import_ahead(room, cores), "once for each room"
    (ahead,) = room.specs
    with Path(os.devnull).open("rb") as nothing:
        start(tmp_path, room, tuple(range(cores)), None, nothing.fileno())
    assert len(room.specs) == 2
    assert server_of(ahead) == server_of(room.specs[1])
    assert server_of(ahead)[1], "it is warm"


def test_two_slots_that_ask_at_once_have_it_imported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = threading.Thread
    asking, begun = threading.Barrier(2), list[threading.Thread]()

    def slow(*args: Any, **named: Any) -> threading.Thread:
        """Make a thread only once another slot had the time to ask as well."""
        with suppress(threading.BrokenBarrierError):
            asking.wait(0.2)
        return made(*args, **named)

    def ask() -> None:
        begun.append(import_ahead(room, 1))

    room = Noting()
    slots = [made(target=ask) for _ in range(2)]
    monkeypatch.setattr("grader.trainer.starting.threading.Thread", slow)
    for slot in slots:
        slot.start()
    for slot in slots:
        slot.join()
    first, second = begun
    first.join()
    assert first is second
    assert len(room.specs) == 1


def test_a_room_that_cannot_be_built_ends_nothing() -> None:
    thread = import_ahead(Noting(refuses=True), 1)
    thread.join()
    assert not thread.is_alive()
