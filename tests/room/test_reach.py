"""Rooms that give up root without mounts: their user reaches what it is given, and nobody else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from grader.extract.lent_kernel import kernel_in
from grader.room import Bind, Room, RoomSpec, choose, users
from grader.room.bubblewrap import SETPRIV, BubblewrapRoom
from grader.room.confined import ConfinedRoom
from grader.room.inside import landlock
from grader.room.users import GROUP, can_give_up_root
from grader.room.within_reach import within_reach
from grader.room.workplace import workplace
from grader.room.xla_cache import cache_folder, compiled
from grader.trainer.kernels import kernel_folder
from grader.types import GraderError, Isolation, Level
from tests.support.room_help import PATIENCE

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not can_give_up_root(), reason="not root"),
    pytest.mark.skipif(landlock.version() == 0, reason="no Landlock"),
]
ROOM = ConfinedRoom(True, True, Isolation(Level.REDUCED, ("user",)))
# Everybody may run it, wherever the Python of these tests lies.
SHELL = "/bin/sh"
NOBODY = 65534


def said(script: str, *binds: Bind, room: Room = ROOM) -> str:
    """What a shell in a room prints, complaints and all."""
    spec = RoomSpec((SHELL, "-c", script), binds=binds, env={"KERAS_BACKEND": "jax"})
    process = room.start(spec, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.wait(PATIENCE) is not None
        assert process.stdout is not None
        return process.stdout.read().decode().strip()
    finally:
        process.kill()


def test_what_lies_in_a_folder_of_ours_is_read_and_written() -> None:
    with workplace("in", "out") as place:
        (place / "in" / "asked").write_text("what was asked")
        script = f"cat {place}/in/asked; echo done > {place}/out/answer"
        given = Bind(place / "in", "/in"), Bind(place / "out", "/out", writable=True)
        assert said(script, *given) == "what was asked"
        assert (place / "out" / "answer").read_text() == "done\n"


def test_the_folder_stays_closed_to_every_account() -> None:
    with workplace("in") as place:
        (place / "in" / "asked").write_text("another student's work")
        assert said("echo begun", Bind(place / "in", "/in")) == "begun"
        state = place.stat()
        assert (state.st_uid, state.st_gid) == (0, GROUP)
        assert stat.S_IMODE(state.st_mode) == 0o710
        as_nobody = subprocess.run(
            ["/bin/cat", place / "in" / "asked"],
            user=NOBODY,
            group=NOBODY,
            extra_groups=(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert as_nobody.returncode != 0
        assert "ermission denied" in as_nobody.stderr


def test_another_room_reads_nothing_of_it() -> None:
    with workplace("in") as theirs, workplace("in") as own:
        for place in (theirs, own):
            (place / "in" / "work").write_text(f"in {place.name}")
        assert said("echo begun", Bind(theirs / "in", "/in")) == "begun"
        script = f"cat {own}/in/work; echo; cat {theirs}/in/work; ls {theirs}"
        printed = said(script, Bind(own / "in", "/in"))
        assert printed.startswith(f"in {own.name}\n")
        assert f"in {theirs.name}" not in printed
        assert printed.count("ermission denied") == 2


def test_a_folder_that_is_not_ours_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    tmp_path.chmod(0o700)
    group = os.getegid()
    assert said("echo begun", Bind(tmp_path / "given", "/given")) == "begun"
    state = tmp_path.stat()
    assert (stat.S_IMODE(state.st_mode), state.st_gid) == (0o700, group)


@pytest.fixture
def in_a_closed_home(tmp_path: Path) -> Path:
    """A cache below a folder that is its owner's alone."""
    home = tmp_path / "home"
    cache = home / "cache"
    cache.mkdir(parents=True)
    (cache / "entry").write_text("machine code")
    home.chmod(0o700)
    return cache


def test_a_cache_in_a_closed_home_is_reached_and_the_home_stays_closed(
    in_a_closed_home: Path,
) -> None:
    reached = within_reach(ROOM, in_a_closed_home)
    bind = Bind(reached, "/cache")
    assert said(f"cat {reached}/entry; echo new >> {reached}/entry", bind).startswith(
        "machine code"
    )
    assert (reached / "entry").read_text() == "machine code"
    assert stat.S_IMODE(in_a_closed_home.parent.stat().st_mode) == 0o700
    assert "ermission denied" in said(f"cat {in_a_closed_home}/entry", Bind(in_a_closed_home, "/c"))


def test_what_grader_prepare_made_is_found_from_a_closed_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel for recurrent layers, and what XLA compiled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compressed = zlib.compress(b"as XLA compiled it")
    for folder, content in ((cache_folder(), compressed), (kernel_folder(), b"by a compiler")):
        folder.mkdir(parents=True)
        (folder / "made").write_bytes(content)
    (tmp_path / "cache").chmod(0o700)
    room = compiled(ROOM)
    binds, (kernel,) = kernel_in(room, kernel_folder())
    script = f"wc -c < $JAX_COMPILATION_CACHE_DIR/made; cat {kernel}/made"
    assert said(script, *binds, room=room) == f"{len(compressed)}\nby a compiler"


def test_a_cache_is_reached_under_every_umask(in_a_closed_home: Path) -> None:
    """As where a job keeps secrets."""
    (in_a_closed_home / "more").write_text("another")
    before = os.umask(0o077)
    try:
        reached = within_reach(ROOM, in_a_closed_home)
        assert said(f"cat {reached}/more", Bind(reached, "/cache")) == "another"
    finally:
        os.umask(before)


def test_a_cache_is_copied_once_and_again_when_it_changes(in_a_closed_home: Path) -> None:
    first = within_reach(ROOM, in_a_closed_home)
    assert within_reach(ROOM, in_a_closed_home) == first
    (in_a_closed_home / "later").write_text("built meanwhile")
    second = within_reach(ROOM, in_a_closed_home)
    assert (second / "later").read_text() == "built meanwhile"
    assert not (first / "later").exists()


def test_nothing_is_copied_for_rooms_that_mount(in_a_closed_home: Path) -> None:
    mounting = BubblewrapRoom(Path("/usr/bin/bwrap"), True, Isolation(Level.FULL, ("user",)))
    assert within_reach(mounting, in_a_closed_home) == in_a_closed_home


def test_nothing_is_copied_for_rooms_that_keep_root(in_a_closed_home: Path) -> None:
    keeping = ConfinedRoom(True, False, Isolation(Level.REDUCED))
    assert within_reach(keeping, in_a_closed_home) == in_a_closed_home


def test_a_cache_that_cannot_be_read_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    with pytest.raises(GraderError) as raised:
        within_reach(ROOM, tmp_path / "home" / "gone")
    assert raised.value.message.id == "room.start_failed"


@pytest.mark.parametrize("lacking", ["", "sys_ptrace", "kill", "dac_override"])
def test_root_that_does_not_rule_other_users_says_so(lacking: str) -> None:
    """As in a container with its usual capabilities."""
    if not SETPRIV.exists():
        pytest.skip("no setpriv")
    without = [f"--bounding-set=-{lacking}"] if lacking else []
    asked = "from grader.room.users import rules_other_users as r; print(r())"
    command = [SETPRIV, *without, "--", sys.executable, "-c", asked]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(not lacking and users.rules_other_users())


def test_root_is_kept_where_other_users_processes_could_not_be_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for rules, drops in ((True, [True, False]), (False, [False])):
        monkeypatch.setattr(users, "rules_other_users", lambda rules=rules: rules)
        assert [way().drops_root for way in choose._ways(Level.REDUCED)] == drops
