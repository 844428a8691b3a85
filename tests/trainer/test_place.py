"""Results of trainings are shared by a batch wherever it is graded, and by the next one if they may."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.room.workplace import workplace
from grader.text.words import Words
from grader.trainer.kept import usual_folder
from grader.trainer.place import NAME, place_for, remove
from grader.trainer.result import Trained
from grader.trainer.results import Results
from tests.support.homes import WRONG, full, read_only
from tests.trainer.test_results import KEY, trained


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return home


def test_they_are_this_users_where_its_home_takes_them(own_home: Path, tmp_path: Path) -> None:
    own_home.mkdir()
    place = place_for(tmp_path / "out")
    assert (place.folder, place.instead) == (usual_folder(), None)
    assert place.folder.is_relative_to(own_home)
    assert not (tmp_path / "out").exists()


@WRONG
def test_they_are_the_batchs_where_it_does_not(
    home: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home(tmp_path, monkeypatch)
    out = tmp_path / "out"
    place = place_for(out)
    Results(place.folder).put(KEY, trained())
    assert place_for(out).folder == place.folder == out / NAME
    assert isinstance(Results(place.folder).get(KEY), Trained)
    assert place.folder.stat().st_mode & 0o777 == 0o700
    remove(out)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_is_said_where_and_why(lang: str, own_home: Path, tmp_path: Path) -> None:
    own_home.mkdir()
    with read_only(own_home):
        told = place_for(tmp_path / "out").instead
    assert told is not None
    said = Words(lang).say(told)
    assert str(usual_folder()) in said
    assert "Read-only file system" in said
    assert "XDG_CACHE_HOME" in said


def test_where_the_batchs_folder_is_no_better_they_are_this_processs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / NAME).mkdir(parents=True)
    (out / NAME).chmod(0o777)  # as on a disk that knows no owners
    place = place_for(out)
    assert place.folder == place_for(out).folder
    assert not place.folder.is_relative_to(tmp_path)
    Results(place.folder).put(KEY, trained())


def test_a_umask_that_lets_a_group_write_costs_nobody_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.write_text("no folder")
    before = os.umask(0o002)
    try:
        with workplace("trained") as folder:
            monkeypatch.setattr("grader.trainer.place._of_this_process", lambda: folder / "trained")
            place = place_for(out)
            Results(place.folder).put(KEY, trained())
            assert isinstance(Results(place.folder).get(KEY), Trained)
    finally:
        os.umask(before)


def test_a_disk_that_becomes_full_costs_no_training(tmp_path: Path) -> None:
    """Not even where it takes no lock any more."""
    folder = tmp_path / "kept"
    folder.mkdir(0o700)
    with full(folder):
        folder.chmod(0o700)
        results = Results(folder)
        assert isinstance(results.once(KEY, trained), Trained)
        assert results.get(KEY) is None


def test_a_disk_that_becomes_read_only_costs_no_training(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    results = Results(folder)
    with read_only(folder):
        assert isinstance(results.once(KEY, trained), Trained)
        assert results.get(KEY) is None
