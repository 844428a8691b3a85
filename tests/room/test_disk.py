"""What a room's program keeps on the host's disk is seen, however it hides it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.room import Bind, RoomSpec
from grader.room.disk import INODE_BYTES, Disk
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


def test_looking_takes_a_part_of_the_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 5.0, 11.5, 11.6])  # the first look takes a second
    monkeypatch.setattr("grader.room.disk.time.monotonic", lambda: next(clock))
    disk = Disk((tmp_path,))
    assert disk.held((), NO_LIMIT) == 0
    (tmp_path / "new").touch()
    assert disk.held((), NO_LIMIT) == 0  # after five: too early to look again
    assert disk.held((), NO_LIMIT) > 0


def test_what_is_lent_for_writing_is_what_is_looked_at(tmp_path: Path) -> None:
    binds = (Bind(tmp_path, "/read"), Bind(tmp_path / "out", "/out", writable=True))
    assert writable_folders(RoomSpec(("true",), binds=binds)) == (tmp_path / "out",)
