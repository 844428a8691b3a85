"""The cache of compiled programs: what is damaged is neither kept nor lent, and mended once seen."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import types
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import environment
from grader.room import RoomSpec, xla_cache
from grader.room.xla_cache import CompiledRoom, cache_folder, compiled, entries, filling
from grader.types import GraderError, Isolation, Level, Message

PROGRAM = zlib.compress(os.urandom(5000))
DAMAGE = {
    "empty": b"",
    "half": PROGRAM[: len(PROGRAM) // 2],
    "garbage": os.urandom(5000),
    "changed": PROGRAM[:2000] + bytes(100) + PROGRAM[2100:],
}
HOUR = 3600.0


class Noting:
    """A room that notes what it is to start."""

    isolation, complaints = Isolation(Level.NONE), ()

    def __init__(self) -> None:
        self.specs: list[RoomSpec] = []

    def inside(self, host: Path, inside: str) -> str:
        return inside

    def start(self, spec: RoomSpec, **_: int | None) -> None:
        self.specs.append(spec)


ROOM = Noting()
JAX = RoomSpec(argv=("python",), env={"KERAS_BACKEND": "jax"})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of one's own, in which nobody else may write whatever the user's umask."""
    before = os.umask(0o022)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache_folder()
    folder.mkdir(parents=True)
    yield folder
    os.umask(before)


def filled(**written: bytes) -> None:
    """Have a reference's room write these, as JAX calls them."""
    with filling(ROOM) as room:
        for name, content in written.items():
            (room.folder / f"{name}-cache").write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_a_full_disk_left_of_an_entry_is_not_kept(damage: bytes, cache: Path) -> None:
    filled(one=PROGRAM, other=damage)
    assert [path.name for path in cache.iterdir()] == ["one-cache"]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_replaced_by_one_that_is_whole(damage: bytes, cache: Path) -> None:
    (cache / "one-cache").write_bytes(damage)
    filled(one=PROGRAM)
    assert (cache / "one-cache").read_bytes() == PROGRAM


def test_a_whole_entry_stays_as_it_is(cache: Path) -> None:
    (cache / "one-cache").write_bytes(PROGRAM)
    filled(one=zlib.compress(b"compiled later"))
    assert (cache / "one-cache").read_bytes() == PROGRAM


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_entries_are_removed_before_rooms_are_lent_the_cache(
    damage: bytes, cache: Path
) -> None:
    (cache / "one-cache").write_bytes(PROGRAM)
    (cache / "other-cache").write_bytes(damage)
    room = compiled(ROOM)
    assert [path.name for path in cache.iterdir()] == ["one-cache"]
    assert room == CompiledRoom(ROOM, cache, dropped=1)


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others there")
@pytest.mark.parametrize("kind", ["writable", "link"])
def test_an_entry_that_others_may_write_is_removed(kind: str, cache: Path, tmp_path: Path) -> None:
    one = cache / "one-cache"
    one.write_bytes(PROGRAM)
    if kind == "link":
        one.rename(tmp_path / "elsewhere")
        one.symlink_to(tmp_path / "elsewhere")
    else:
        one.chmod(0o666)
    assert compiled(ROOM).dropped == 1
    assert not one.is_symlink()
    assert not one.exists()


def test_nothing_is_lent_where_what_is_damaged_stays(cache: Path) -> None:
    (cache / "one-cache").mkdir()  # no unlink removes it, as none does on a read-only disk
    assert compiled(ROOM) is ROOM


def test_what_another_one_is_still_writing_is_spared(cache: Path) -> None:
    filled(one=PROGRAM)
    new = cache / ".other-cache.0a1b2c3d"
    new.write_bytes(PROGRAM[:10])
    assert entries(cache) == 1
    assert compiled(ROOM).dropped == 0
    filled(one=PROGRAM)
    assert new.exists()


@pytest.mark.parametrize("name", [".one-cache.new", ".one-cache.0a1b2c3d"])
def test_what_a_killed_one_was_writing_goes_with_the_next_filling(name: str, cache: Path) -> None:
    left = cache / name
    left.write_bytes(PROGRAM[:10])
    long_ago = left.stat().st_mtime - 2 * HOUR
    os.utime(left, (long_ago, long_ago))
    filled(one=PROGRAM)
    assert [path.name for path in cache.iterdir()] == ["one-cache"]


def test_when_an_entry_was_read_last_is_no_entry(cache: Path) -> None:
    with filling(ROOM) as room:
        (room.folder / "one-atime").write_bytes(PROGRAM)
    assert list(cache.iterdir()) == []
    (cache / "one-atime").write_bytes(bytes(8))
    assert entries(cache) == 0


def test_two_that_fill_it_at_once_both_keep_everything(cache: Path, tmp_path: Path) -> None:
    source, names = tmp_path / "source", [f"{number:02d}-cache" for number in range(50)]
    source.mkdir()
    for name in names:
        (source / name).write_bytes(PROGRAM)
    begin, failed = threading.Barrier(2), list[Exception]()

    def keep() -> None:
        begin.wait()
        try:
            xla_cache._keep(source, cache)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=keep) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert sorted(path.name for path in cache.iterdir()) == names
    assert all(path.read_bytes() == PROGRAM for path in cache.iterdir())


def test_what_zstandard_compressed_is_read_by_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JAX compresses where it is installed; here something stands for it."""

    class ZstdError(Exception):
        pass

    def decompress(content: bytes) -> bytes:
        if not content.endswith(b"end"):
            raise ZstdError
        return content

    stands = types.ModuleType("zstandard")
    stands.decompress, stands.ZstdError = decompress, ZstdError
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", stands)
    frame = bytes.fromhex("28b52ffd")
    filled(one=frame + b"to the end", other=frame + b"half")
    assert [path.name for path in cache.iterdir()] == ["one-cache"]
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert compiled(ROOM).dropped == 1


def test_jax_compresses_otherwise_with_zstandard_and_so_does_not_read_what_was_kept_without(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "installed", lambda _: {"zstandard": "0.25.0"})
    assert cache_folder() != cache


def test_a_cache_that_is_removed_in_a_batch_is_no_longer_lent(cache: Path) -> None:
    filled(one=PROGRAM)
    room = compiled(ROOM)
    room.start(JAX)
    assert [one.host for one in ROOM.specs.pop().binds] == [cache]
    shutil.rmtree(cache)
    room.start(JAX)
    assert ROOM.specs.pop() == JAX


def test_a_cache_that_nobody_may_look_for_any_more_is_no_longer_lent(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a home on the network whose ticket has run out in the middle of a batch."""
    filled(one=PROGRAM)
    room = compiled(ROOM)

    def refuse(_: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    room.start(JAX)
    assert ROOM.specs.pop() == JAX


def test_a_cache_that_a_room_does_not_reach_is_not_lent(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreached(*_: object) -> Path:
        raise GraderError(Message("room.start_failed", {"reason": "gone meanwhile"}))

    monkeypatch.setattr(xla_cache, "within_reach", unreached)
    CompiledRoom(ROOM, cache).start(JAX)
    assert ROOM.specs.pop() == JAX
