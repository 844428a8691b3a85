"""What a room's program keeps on the host's disk is seen, however it hides it."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.room import Bind, RoomSpec
from grader.room import disk as module
from grader.room.disk import INODE_BYTES, Disk
from grader.room.seldom import Seldom
from grader.room.spec import writable_folders

MB = 1 << 20
NO_LIMIT = float("inf")


def held(folder: Path, enough: float = NO_LIMIT, pids: tuple[int, ...] = ()) -> int:
    return Disk((folder,)).held(pids, enough)


def test_content_counts_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "deep").write_bytes(b"x" * MB)
    (tmp_path / ".hidden").write_bytes(b"x" * MB)
    assert 2 * MB <= held(tmp_path) < 3 * MB


def test_files_without_content_count(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number}").touch()
    assert held(tmp_path) >= 100 * INODE_BYTES


def test_a_file_of_nothing_but_length_counts_as_what_it_takes(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert held(tmp_path) < MB


def test_a_deleted_file_counts_while_it_is_open(tmp_path: Path) -> None:
    with (tmp_path / "gone").open("wb") as file:
        file.write(b"x" * MB)
        file.flush()
        (tmp_path / "gone").unlink()
        again = os.dup(file.fileno())
        assert MB <= held(tmp_path, pids=(os.getpid(),)) < 2 * MB  # once
        os.close(again)
    assert held(tmp_path, pids=(os.getpid(),)) < MB


@pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")
@pytest.mark.parametrize("rules", [True, False], ids=["as root", "as a user"])
def test_a_deleted_file_counts_while_it_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rules: bool
) -> None:
    """Nobody has it open; root is told how large it is though only a page is mapped."""
    stat = os.stat

    def refusing(path: Any, **how: Any) -> os.stat_result:
        if "map_files" in str(path) and not rules:
            raise PermissionError(path)
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", refusing)
    path = tmp_path / "gone"
    path.write_bytes(b"x" * MB)
    library = ctypes.CDLL(None)  # Python's own maps keep their file open
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    with path.open("rb") as file:
        mapped = library.mmap(None, MB // 2, mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno(), 0)
    path.unlink()
    found = held(tmp_path, pids=(os.getpid(),))
    library.munmap(ctypes.c_void_p(mapped), ctypes.c_size_t(MB // 2))
    assert found >= (MB if rules and os.getuid() == 0 else MB // 2)
    assert held(tmp_path, pids=(os.getpid(),)) < MB // 4


@pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")
def test_what_a_mapped_file_may_hide_counts_as_far_as_the_disk_lost_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two files one page each is mapped, their names are gone, and nobody tells their sizes."""
    line = f"00001000-00002000 r--p 0 08:01 {{}} {tmp_path.resolve()}/gone (deleted)"
    lines = [line.format(number).encode() for number in (7, 8, 8)]
    monkeypatch.setattr(module, "_deleted_maps", lambda _: lines)
    _counts_what_is_lost(tmp_path, monkeypatch, (100 * MB, 100 * MB), (10_000 * MB, 600 * MB))


def test_what_a_process_may_hide_that_nobody_looks_into_counts_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "hidden_files", lambda _: 5)
    _counts_what_is_lost(tmp_path, monkeypatch, (700 * MB, 700 * MB), (2000 * MB, 1500 * MB))


def _counts_what_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *lost_and_counted: tuple[int, int]
) -> None:
    clock = Clock()
    disk = Disk((folder,), Seldom(clock), Seldom(clock), largest=300 * MB)
    first = disk._free_at_first
    for lost, counted in ((0, 0), *lost_and_counted):
        monkeypatch.setattr(disk, "_free_now", lambda lost=lost: first - lost)
        clock.now += 1
        assert counted <= disk.held((2,), NO_LIMIT) + MB < counted + 2 * MB


def _unchanged_for_long(folder: Path, names: tuple[str, ...] = ("a", "b")) -> None:
    """A change within one tick of the kernel's clock would not show in a folder's time."""
    for one in (folder, *(folder / name for name in names)):
        os.utime(one, (1, 1))


def test_a_file_that_moves_away_from_our_look_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went to where was looked already; what is really gone is not there the next time."""
    scandir, order, clock = os.scandir, list[str](), itertools.count()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "large").write_bytes(b"x" * MB)

    def dodging(path: str) -> Any:
        """Where we look last it just was: it went to where we looked first."""
        name = Path(path).name
        if len(order) < 2 and name in {"a", "b"}:
            order.append(name)
        elif name in order[1:]:
            (Path(path) / "large").rename(tmp_path / order[0] / "large")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", dodging)
    disk = Disk((tmp_path,), Seldom(lambda: float(next(clock)), share=0))
    _unchanged_for_long(tmp_path)
    assert disk.held((), NO_LIMIT) >= MB
    last = tmp_path / order[-1] / "large"
    if not last.exists():
        (tmp_path / order[0] / "large").rename(last)
    _unchanged_for_long(tmp_path)
    assert disk.held((), NO_LIMIT) >= MB
    assert not last.exists()
    (tmp_path / order[0] / "large").unlink()
    monkeypatch.undo()
    assert disk.held((), NO_LIMIT) < MB


DANCER = """
import os, sys
for _ in sys.stdin:
    for here, there in (("a", "b"), ("b", "a")):
        if os.path.exists(here + "/large"):
            os.rename(here + "/large", there + "/large")
            break
    print("moved", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")
def test_a_file_that_always_dodged_is_seen_once_all_stand_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its program sees us come, and was never seen with the file anywhere; what slept sleeps on."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b" / "large").write_bytes(b"x" * MB)
    command = [sys.executable, "-I", "-S", "-u", "-c", DANCER]
    dancer = subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    sleeper = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    os.kill(sleeper.pid, signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)
    scandir = os.scandir

    def dodged(path: str) -> Any:
        """Wherever we look, the file goes elsewhere."""
        if Path(path, "large").exists() and runs(dancer.pid):
            assert dancer.stdin is not None
            assert dancer.stdout is not None
            print("go", file=dancer.stdin, flush=True)
            assert dancer.stdout.readline() == "moved\n"
        return scandir(path)

    monkeypatch.setattr(os, "scandir", dodged)
    try:
        _unchanged_for_long(tmp_path)
        assert held(tmp_path) < MB  # it works
        pids = (dancer.pid, sleeper.pid)
        _unchanged_for_long(tmp_path)
        assert Disk((tmp_path,)).held(pids, NO_LIMIT, lambda: pids) >= MB
        assert runs(dancer.pid)
        assert not runs(sleeper.pid)
    finally:
        for one in (dancer, sleeper):
            one.kill()
            one.wait()
            for end in (one.stdin, one.stdout):
                if end is not None:
                    end.close()


HOLDER = """
import os, sys
file = open("gone", "wb", buffering=0)
os.unlink("gone")
file.write(b"x" * 2**20)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")
def test_a_file_that_goes_from_one_process_to_the_next_is_seen(tmp_path: Path) -> None:
    """The one that was there when we began has ended, and another has its file."""
    command = [sys.executable, "-I", "-S", "-c", HOLDER]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, **streams) as holder:  # type: ignore[call-overload]
        assert holder.stdout.readline() == b"ready\n"
        ended = subprocess.Popen(["true"])
        ended.wait()
        disk = Disk((tmp_path,))
        _unchanged_for_long(tmp_path, names=())
        assert disk.held((ended.pid,), NO_LIMIT, lambda: (holder.pid,)) >= MB
        assert runs(holder.pid)
        holder.stdin.close()


def runs(pid: int) -> bool:
    """Whether a process is not stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T"


def test_links_lead_nowhere(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for one in (outside, folder):
        one.mkdir()
    (outside / "large").write_bytes(b"x" * MB)
    (folder / "link").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    assert held(folder) < MB


def test_looking_ends_where_there_is_enough(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}").touch()
    assert 10 * INODE_BYTES < held(tmp_path, enough=10 * INODE_BYTES) < 13 * INODE_BYTES


def test_a_folder_that_nobody_may_look_into_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert held(tmp_path, enough=5 * MB) > 5 * MB


def test_a_path_too_long_to_be_named_is_enough(tmp_path: Path) -> None:
    before = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(30):
            Path("n" * 200).mkdir()
            os.chdir("n" * 200)
    finally:
        os.chdir(before)
    assert held(tmp_path, enough=5 * MB) > 5 * MB


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert held(tmp_path / "none") == 0


class Clock:
    """Goes on as it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def slowly(folder: Path, clock: Clock, seconds: float, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk at which a look takes so long."""
    disk = Disk((folder,), Seldom(clock))
    sizes = disk._sizes

    def slow(*given: Any) -> Iterator[int]:
        clock.now += seconds
        return sizes(*given)

    monkeypatch.setattr(disk, "_sizes", slow)
    return disk


def test_looking_takes_a_part_of_the_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    disk = slowly(tmp_path, clock, 1.0, monkeypatch)
    assert disk.held((), NO_LIMIT) == 0
    (tmp_path / "new").touch()
    clock.now = 5.0
    assert disk.held((), NO_LIMIT) == 0  # too early to look again
    clock.now = 11.5
    assert disk.held((), NO_LIMIT) > 0


def test_where_the_disk_loses_space_it_is_looked_at_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who makes looking slow has ten times that long to fill the disk."""
    clock, free = Clock(), iter([9 * MB, 8 * MB, 5 * MB, 5 * MB])
    disk = slowly(tmp_path, clock, 1.0, monkeypatch)
    monkeypatch.setattr(disk, "_free_now", lambda: next(free))
    assert disk.held((), 3 * MB) == 0
    (tmp_path / "new").write_bytes(b"x" * 4 * MB)
    clock.now = 1.5
    assert disk.held((), 3 * MB) == 0  # half of the time is ours at most
    clock.now = 2.5
    assert disk.held((), 3 * MB) == 0  # not so much was lost
    assert disk.held((), 3 * MB) > 3 * MB


def test_space_and_files_that_are_gone_are_seen_in_the_disks_own_figures(tmp_path: Path) -> None:
    disk = Disk((tmp_path, tmp_path))
    before = disk._free_now()
    state = os.statvfs(tmp_path)
    assert before <= 2 * (state.f_bfree * state.f_frsize + state.f_ffree * INODE_BYTES)
    assert before == pytest.approx(Disk((tmp_path,))._free_now(), rel=0.1)  # each disk once


def test_what_is_lent_for_writing_is_what_is_looked_at(tmp_path: Path) -> None:
    binds = (Bind(tmp_path, "/read"), Bind(tmp_path / "out", "/out", writable=True))
    assert writable_folders(RoomSpec(("true",), binds=binds)) == (tmp_path / "out",)
