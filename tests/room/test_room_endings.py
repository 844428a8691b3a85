"""What a room was given is given back when it ends, however many there were."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.room import RoomSpec, users, workplace
from grader.types import GraderError
from tests.support.room_help import PATIENCE, make_room, run_python

KINDS = ["dropped", "reduced", "none"]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of the test's own."""
    monkeypatch.setattr(workplace, "parent", lambda: tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _nobody_has_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms that another test has not ended yet have theirs."""
    monkeypatch.setattr(users, "_taken", set())


@pytest.mark.parametrize("kind", KINDS)
def test_a_room_gives_back_its_user_and_its_scratch_folder(kind: str, temporary: Path) -> None:
    room = make_room(kind)
    if room is None:
        pytest.skip("this machine has no such rooms")
    for _ in range(3):
        assert run_python(room, "print('here')").out == "here\n"
    assert not users._taken
    assert list(temporary.iterdir()) == []


def test_users_do_not_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    room = make_room("dropped")
    if room is None:
        pytest.skip("only root can give rooms users of their own")
    monkeypatch.setattr(users, "_PER_PROCESS", 2)
    for _ in range(4):
        assert run_python(room, "print('here')").out == "here\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_room_that_never_began_gives_back_too(kind: str, temporary: Path) -> None:
    room = make_room(kind)
    if room is None:
        pytest.skip("this machine has no such rooms")
    try:
        process = room.start(RoomSpec(("/no/such/program",)))
        process.wait(PATIENCE)
        process.kill()
    except GraderError:
        pass
    assert not users._taken
    assert list(temporary.iterdir()) == []
