"""Homes in which nothing can be kept, each in its way."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli_help import mounted

NOBODY = 65_534


def a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME is a file."""
    home = tmp_path / "home"
    home.write_text("no folder")
    monkeypatch.setenv("HOME", str(home))


def missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME is not there, and root could make it."""
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))


def no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no HOME, and the user has no account that names one."""

    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def file_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where our folder should be."""
    cache = tmp_path / "home" / ".cache"
    cache.mkdir(parents=True)
    (cache / "rnn-grader").write_text("no folder")
    (cache / "grader").write_text("no folder")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def others_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody could have put there what we would take for ours."""
    for name in ("trained", "kernel", "compiled", "common", "cores"):
        folder = tmp_path / "home" / ".cache" / "rnn-grader" / name
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        folder.parent.chmod(0o777)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def named_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME names a place below a file."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))


UNFIT: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    one.__name__: one
    for one in (a_file, missing, no_account, file_in_place, others_may_write, named_elsewhere)
}
WRONG = pytest.mark.parametrize("home", UNFIT.values(), ids=UNFIT)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that is there and takes nothing, not even from root."""
    with mounted("-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)):
        yield


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """A folder whose disk has room for names and for nothing else."""
    with mounted("-t", "tmpfs", "-o", "size=4096", "tmpfs", str(folder)):
        (folder / "filling").write_bytes(bytes(4096))
        yield


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """A home into which this user may not look: for root it is an ordinary user who may not."""
    folder.chmod(0o700 if os.geteuid() == 0 else 0o000)
    before = os.geteuid()
    try:
        if before == 0:
            os.seteuid(NOBODY)
        yield
    finally:
        os.seteuid(before)
        folder.chmod(0o700)
