"""Where nothing can be kept, that is known in time, and what only reads goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader import user_folders
from grader.course.data import cache_folder as data_folder
from grader.course.data import source
from grader.pipeline.remote_worker import base
from grader.room.xla_cache import cache_folder, compiled, entries
from grader.trainer.kernels import find
from grader.types import GraderError, Message
from grader.user_folders import refusal
from tests.support.cli_help import NoRoom
from tests.support.homes import WRONG, closed, full, read_only

ROOT = Path(__file__).resolve().parents[1]
Home = Callable[[Path, pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def own_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of these tests lies in the machine's temporary folder, or names a cache."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("GRADER_DATA", raising=False)


def reads() -> None:
    """Do all that only looks into the cache."""
    room = NoRoom()
    assert compiled(room) is room  # type: ignore[arg-type, comparison-overlap]
    assert entries(cache_folder()) == 0
    assert isinstance(find(), Message)
    assert source(ROOT / "reference", "reviews").origin.where == "shipped"
    assert data_folder().name == "data"


@WRONG
def test_what_only_reads_goes_on_without(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home(tmp_path, monkeypatch)
    reads()


@WRONG
def test_nothing_can_be_kept_and_nothing_is_left(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home(tmp_path, monkeypatch)
    before = sorted(tmp_path.rglob("*"))
    assert refusal(user_folders.cache() / user_folders.OURS)
    assert sorted(tmp_path.rglob("*")) == before


@WRONG
def test_workers_of_a_machine_share_another_folder(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home(tmp_path, monkeypatch)
    shared = base()
    assert shared == base()
    assert shared.parent == tmp_path / "tmp"
    assert shared.stat().st_mode & 0o777 == 0o700


def test_nobody_elses_folder_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    first = base()
    first.chmod(0o777)
    alone = base()
    assert alone != first
    assert alone.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_takes_something_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = tmp_path / "one" / "two"
    assert refusal(folder) is None
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    assert refusal(folder) is None


@pytest.mark.parametrize(("kind", "why"), [(read_only, "Read-only"), (full, "No space")])
def test_a_disk_that_refuses_says_why(
    kind: Callable[[Path], object], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with kind(home):  # type: ignore[attr-defined]
        reads()
        said = refusal(user_folders.cache() / user_folders.OURS)
    assert said is not None
    assert said.startswith(why)


def test_a_home_that_may_not_be_looked_into_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".cache").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    with closed(home):
        told = refusal(user_folders.cache() / user_folders.OURS)
        assert entries(cache_folder()) == 0
        assert isinstance(find(), Message)
    assert told == "Permission denied"


@pytest.mark.parametrize("named", ["cache", "./cache", "~/cache"])
def test_a_folder_is_the_same_one_wherever_a_room_starts(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bubblewrap and notebooks start elsewhere: a relative path was no folder, or another, there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("XDG_DATA_HOME", named)
    assert user_folders.cache() == user_folders.data() == tmp_path / "cache"


def test_a_secret_without_a_home_is_asked_for_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grader.seeds import course_secret
    from tests.support.homes import no_account

    monkeypatch.delenv("GRADER_SECRET_FILE", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    no_account(tmp_path, monkeypatch)
    with pytest.raises(GraderError) as refused:
        course_secret()
    assert refused.value.message.id == "seeds.unreadable"


@pytest.fixture
def open_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As many systems have it: a user's group may write what that user makes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    before = os.umask(0o002)
    yield tmp_path / ".cache" / "rnn-grader"
    os.umask(before)


def test_no_group_may_write_to_a_folder_that_is_made(open_umask: Path) -> None:
    assert refusal(open_umask / "trained") is None
    modes = [one.stat().st_mode & 0o777 for one in (open_umask.parent, open_umask)]
    assert modes == [0o755, 0o755]
    assert base() == open_umask


def test_workers_share_the_cache_whose_folder_an_earlier_version_made(open_umask: Path) -> None:
    open_umask.mkdir(parents=True)
    assert open_umask.stat().st_mode & 0o777 == 0o775
    assert base() == open_umask
    assert {one.name: one.stat().st_mode & 0o777 for one in open_umask.iterdir()} == {
        "common": 0o700,
        "cores": 0o700,
    }


def test_what_a_killed_try_left_is_gone_after_the_next_one(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(0o700)
    old, new = folder / ".trial-01234567", folder / ".trial-89abcdef"
    for one in (old, new):
        one.write_bytes(b"")
    os.utime(old, (0, 0))
    assert refusal(folder) is None
    assert list(folder.iterdir()) == [new], "which somebody may just be trying"
