"""Nothing of ours lies where a room reads: compared, by whichever name, and tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.room import Guarded, guarded, open_room
from grader.room.guarded import PLANTED, refuse_below, refuse_what_is_read
from grader.room.readable import readable_paths
from grader.types import GraderError, Level
from tests.support.room_help import CLOSED, opened

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")
closed_room = pytest.fixture(params=CLOSED)(opened)
MOUNTS = "30 1 8:1 / / rw - ext4 /dev/a rw"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """An interpreter's folder that rooms read, and one that they do not."""
    for name in ("environment/lib", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path / "environment" / "lib", tmp_path / "elsewhere"


def refused(place: Path, readable: Path) -> GraderError | None:
    try:
        refuse_below([Guarded(place, "room.exposed_out")], [readable])
    except GraderError as error:
        return error
    return None


def mounted(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """The machine's mounts are these; the first is the root."""
    text = "\n".join((MOUNTS, *lines)).encode()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda p: text if p.name == "mountinfo" else read(p))


def test_what_lies_below_a_readable_path_is_refused_by_name(places: tuple[Path, Path]) -> None:
    readable, _ = places
    error = refused(readable / "out", readable)
    assert error is not None
    assert error.message.id == "room.exposed_out"
    assert error.message.args == {"path": str(readable / "out"), "readable": str(readable)}


def test_a_readable_path_itself_is_refused(places: tuple[Path, Path]) -> None:
    assert refused(places[0], places[0])


def test_what_lies_beside_is_not(places: tuple[Path, Path]) -> None:
    readable, elsewhere = places
    assert refused(elsewhere, readable) is None
    assert refused(readable.parent / "library", readable) is None
    assert refused(readable.parent, readable) is None  # around it: only its part is shown


def test_links_are_followed_from_both_sides(places: tuple[Path, Path]) -> None:
    readable, elsewhere = places
    (elsewhere / "out").symlink_to(readable)
    (elsewhere / "lib").symlink_to(elsewhere.parent / "shown")
    (elsewhere.parent / "shown").mkdir()
    assert refused(elsewhere / "out" / "new", readable)
    assert refused(elsewhere.parent / "shown" / "new", elsewhere / "lib")


@linux
def test_another_name_of_a_readable_folder_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, "31 30 8:1 /opt/env/lib /srv/course rw - ext4 /dev/a rw")
    assert refused(Path("/srv/course/reference"), Path("/opt/env/lib"))
    assert refused(Path("/srv/other"), Path("/opt/env/lib")) is None


@linux
@pytest.mark.parametrize("source", ["/srv/course", "/srv"])
def test_what_is_mounted_below_a_readable_folder_is_seen(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    mounted(monkeypatch, f"31 30 8:1 {source} /opt/env/lib/a\\040b rw - ext4 /dev/a rw")
    assert refused(Path("/srv/course"), Path("/opt/env/lib"))
    assert refused(Path("/home/course"), Path("/opt/env/lib")) is None


@linux
def test_a_part_of_ours_that_is_mounted_below_a_readable_folder_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mounted(monkeypatch, "31 30 8:1 /srv/course/reference /opt/env/lib/x rw - ext4 /dev/a rw")
    assert refused(Path("/srv/course"), Path("/opt/env/lib"))
    assert refused(Path("/srv/other"), Path("/opt/env/lib")) is None


@linux
def test_the_same_path_on_another_disk_is_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, "31 30 8:2 / /opt/env/lib/out rw - ext4 /dev/b rw")
    assert refused(Path("/opt/env/lib/out"), Path("/opt/env/lib"))
    mounted(monkeypatch, "31 30 8:2 /opt/env /data rw - ext4 /dev/b rw")
    assert refused(Path("/data/lib"), Path("/opt/env/lib")) is None


def test_of_a_prefix_only_its_own_parts_are_shown() -> None:
    shown = readable_paths()
    for prefix in {Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr")}:
        assert prefix not in shown
        assert not any((prefix / "reference").is_relative_to(path) for path in shown)


@pytest.mark.real
@linux
def test_what_was_overlooked_in_comparing_is_seen_in_trying(
    closed_room,
) -> None:
    """Nothing is compared here; the folder lies where every room reads."""
    shown = next(p for p in readable_paths() if p.name == "lib" and os.access(p, os.W_OK))
    with pytest.raises(GraderError) as raised:
        refuse_what_is_read([Guarded(shown / "not-there-yet", "room.exposed_out")], closed_room)
    assert raised.value.message.id == "room.exposed_out"
    assert re.match(re.escape(f"{shown}/{PLANTED}"), raised.value.message.args["readable"])
    assert not list(shown.glob(f"{PLANTED}*"))


@pytest.mark.real
@linux
def test_what_no_room_reads_is_not_refused_and_nothing_stays(closed_room, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    places = [Guarded(p, "room.exposed_out") for p in (tmp_path / "out", tmp_path / "no" / "such")]
    refuse_what_is_read(places, closed_room)
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


@linux
def test_what_a_killed_grader_left_is_taken_away_and_what_another_holds_is_not(
    tmp_path: Path,
) -> None:
    source = (
        "import os, sys, pathlib\n"
        "from grader.room.guarded import _planted\n"
        "with _planted(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", source, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with guarded._planted(tmp_path) as held:
        assert list(tmp_path.iterdir()) == [held]
        with guarded._planted(tmp_path) as other:
            assert set(tmp_path.iterdir()) == {held, other}
    assert not list(tmp_path.iterdir())


@linux
def test_what_was_taken_away_before_it_was_locked_is_planted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, names = guarded._lock, []

    def slow(descriptor: int, *, wait: bool) -> bool:
        names.extend(path.name for path in tmp_path.iterdir())
        if len(names) == 1:
            (tmp_path / names[0]).unlink()
        return lock(descriptor, wait=wait)

    monkeypatch.setattr(guarded, "_lock", slow)
    with guarded._planted(tmp_path) as path:
        assert path.read_bytes() == b"a canary"
        assert path.name not in names[:1]


@pytest.mark.real
@linux
def test_a_level_that_promises_nothing_refuses_nothing() -> None:
    exposed = Guarded(readable_paths()[0], "room.exposed_out")
    assert open_room("none", [exposed]).isolation.level is Level.NONE
    for level in ("reduced", "auto"):
        with pytest.raises(GraderError):
            open_room(level, [exposed])
