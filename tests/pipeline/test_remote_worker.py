"""What a worker elsewhere does: common_files unpacked once, a core to itself."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from grader import environment
from grader.pipeline.remote_worker import OLD_SECONDS, core, unpacked


def tar_of(**files: str) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return whole.getvalue()


def test_the_same_content_is_unpacked_once(tmp_path: Path) -> None:
    first = unpacked(tar_of(a="one"), tmp_path)
    (first / "mark").touch()
    assert unpacked(tar_of(a="one"), tmp_path) == first
    assert (first / "mark").exists()
    other = unpacked(tar_of(a="two"), tmp_path)
    assert other != first
    assert (other / "a").read_text() == "two"


def test_what_was_unpacked_half_is_unpacked_again(tmp_path: Path) -> None:
    broken = tar_of(a="one" * 1000)[:700]
    with pytest.raises(tarfile.TarError):
        unpacked(broken, tmp_path)
    assert not list(tmp_path.iterdir())


def test_it_is_the_users_alone(tmp_path: Path) -> None:
    unpacked(tar_of(a="one"), tmp_path / "common")
    assert (tmp_path / "common").stat().st_mode & 0o077 == 0


def test_what_nobody_asked_for_is_removed(tmp_path: Path) -> None:
    old = unpacked(tar_of(a="one"), tmp_path)
    used = unpacked(tar_of(a="two"), tmp_path)
    long_ago = time.time() - 2 * OLD_SECONDS
    os.utime(old, (long_ago, long_ago))
    unpacked(tar_of(a="three"), tmp_path)
    assert not old.exists()
    assert used.exists()


def test_two_never_have_the_same_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "cores", lambda: (4, 7))
    with core(tmp_path) as one, core(tmp_path) as two:
        assert {one.cores, two.cores} == {(4,), (7,)}
    with core(tmp_path) as again:
        assert again.cores == (4,)


def test_whoever_finds_none_waits_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "cores", lambda: (3,))
    first = core(tmp_path)
    first.__enter__()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        first.__exit__(None, None, None)

    monkeypatch.setattr("grader.pipeline.remote_worker.time.sleep", sleep)
    with core(tmp_path) as second:
        assert second.cores == (3,)
    assert len(waited) == 1


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_on_a_disk_that_knows_no_locks_nobody_waits(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    monkeypatch.setattr(environment, "cores", lambda: (3, 5))
    found = set()
    for _ in range(64):
        with core(tmp_path) as slot:
            found.add(slot.cores)
    assert found == {(3,), (5,)}, "not all of them the first one"
