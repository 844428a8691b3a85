"""A file beside the notebook is found by its path on another computer, in every way of opening."""

from __future__ import annotations

import builtins
import bz2
import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pytest
from numpy.lib import _datasource

from grader.kernel import found_beside, usual_files
from grader.kernel.lacks import elsewhere

DRIVE = "/content/drive/MyDrive/rnn"
NUMBERS = np.arange(3.0)
TOUCHED = (
    (io, "open"),
    (builtins, "open"),
    (os, "stat"),
    (h5py.File, "__init__"),
    (bz2, "_builtin_open"),
    (tarfile, "bltn_open"),
)


class Events:
    """A shell's: each that is registered is called before a cell."""

    def __init__(self) -> None:
        self.before: list[Callable[..., None]] = []

    def register(self, event: str, function: Callable[..., None]) -> None:
        assert event == "pre_run_cell"
        self.before.append(function)

    def unregister(self, event: str, function: Callable[..., None]) -> None:
        assert event == "pre_run_cell"
        self.before.remove(function)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A room without ``/content``, its files, and the rule in force."""
    monkeypatch.setattr(
        elsewhere, "is_here", lambda folder: folder not in ("/content", "C:\\Users")
    )
    monkeypatch.chdir(tmp_path)
    for owner, name in TOUCHED:
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back afterwards
    openers = _datasource._file_openers._file_openers
    monkeypatch.setitem(openers, None, openers[None])
    with h5py.File("best.weights.h5", "w") as file:
        file["kernel"] = NUMBERS
    np.save("x.npy", NUMBERS)
    Path("x.csv").write_text("0.0\n1.0\n2.0\n")
    Path("x.json").write_text("[0.0, 1.0, 2.0]")
    Path("x.pkl").write_bytes(pickle.dumps(NUMBERS))
    with zipfile.ZipFile("best.keras", "w") as archive:
        archive.writestr("config.json", "[0.0, 1.0, 2.0]")
    with tarfile.open("x.tar", "w") as tar:
        tar.add("x.json")
    Path("x.bz2").write_bytes(bz2.compress(b"[0.0, 1.0, 2.0]"))
    made = SimpleNamespace(user_ns={}, events=Events())
    files = usual_files.Beside(tmp_path)
    usual_files.install(made, files)
    found_beside.install(made, files)
    return made


def from_hdf5(path: Any) -> Any:
    with h5py.File(path) as file:
        return file["kernel"][:]


def from_archive(path: Any) -> Any:
    assert zipfile.is_zipfile(path)
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def from_tar(path: Any) -> Any:
    with tarfile.open(path) as archive:
        member = archive.extractfile("x.json")
        assert member is not None
        return json.loads(member.read())


def from_pickle(path: Any) -> Any:
    with open(path, "rb") as file:  # noqa: PTH123 - what is tried
        return pickle.load(file)


WAYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "load_weights": ("best.weights.h5", from_hdf5),
    "load_model": ("best.keras", from_archive),
    "numpy.load": ("x.npy", np.load),
    "numpy.loadtxt": ("x.csv", np.loadtxt),
    "numpy.genfromtxt": ("x.csv", np.genfromtxt),
    "tarfile": ("x.tar", from_tar),
    "bz2": ("x.bz2", lambda path: json.loads(bz2.BZ2File(path).read())),
    "pandas": ("x.csv", lambda path: pd.read_csv(path, header=None)[0]),
    "pandas.read_pickle": ("x.pkl", pd.read_pickle),
    "pickle": ("x.pkl", from_pickle),
    "pathlib": ("x.json", lambda path: json.loads(Path(path).read_text("utf-8"))),
    "copied": ("x.npy", lambda path: np.load(shutil.copy(path, "copy.npy"))),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("folder", [DRIVE, "C:\\Users\\kim\\rnn"])
def test_it_is_read(shell: Any, way: str, folder: str) -> None:
    name, read = WAYS[way]
    between = "\\" if "\\" in folder else "/"
    assert list(read(f"{folder}{between}{name}")) == list(NUMBERS)


@pytest.mark.parametrize("way", ["load_weights", "numpy.load", "pickle", "pathlib"])
def test_a_path_may_be_an_object(shell: Any, way: str) -> None:
    name, read = WAYS[way]
    assert list(read(Path(DRIVE) / name)) == list(NUMBERS)


def test_whoever_asks_whether_it_is_there_hears_that_it_is(shell: Any) -> None:
    with h5py.File("best.weights.h5", "w") as file:  # by the notebook
        file["kernel"] = NUMBERS
    there = f"{DRIVE}/best.weights.h5"
    assert os.path.exists(there)  # noqa: PTH110 - what is tried
    assert os.path.isfile(there)  # noqa: PTH113
    assert os.path.getsize(there) == Path("best.weights.h5").stat().st_size  # noqa: PTH202
    assert Path(there).exists()
    assert Path(there).is_file()


@pytest.mark.parametrize("name", ["best.weights.h5", "best.keras"])
def test_a_model_that_was_handed_in_along_is_no_reason_not_to_train(shell: Any, name: str) -> None:
    assert not os.path.exists(f"{DRIVE}/{name}")  # noqa: PTH110 - what is tried
    assert Path(name).exists()
    assert Path(f"{DRIVE}/x.csv").exists()


@pytest.mark.parametrize(
    "path",
    [
        f"{DRIVE}/worst.weights.h5",  # nowhere
        "models/best.weights.h5",  # a folder of the student's own
        "/tmp/nowhere/best.weights.h5",  # of this machine
        "/content",  # what tells Colab
        DRIVE,
    ],
)
def test_nothing_else_is_there(shell: Any, path: str) -> None:
    Path("content").write_text("a file of that name ends in no circle")
    assert Path(path).exists() == (path == "/content")
    with pytest.raises(OSError, match=r"[Nn]o such file|Unable to"):
        h5py.File(path if path != "/content" else "/content/x", "r")


def test_nothing_is_written_there(shell: Any) -> None:
    before = Path("best.weights.h5").read_bytes()
    for mode in ("w", "a", "r+", "x"):
        with pytest.raises(OSError, match=r"[Nn]o such file|Unable to"):
            h5py.File(f"{DRIVE}/best.weights.h5", mode)
    with pytest.raises(FileNotFoundError):
        open(f"{DRIVE}/x.csv", "w")  # noqa: PTH123, SIM115 - what is tried
    assert Path("best.weights.h5").read_bytes() == before


def test_what_is_here_is_asked_about_as_ever(shell: Any, tmp_path: Path) -> None:
    Path("link").symlink_to("x.csv")
    assert Path("link").is_symlink()
    assert os.stat("link", follow_symlinks=False).st_mode != Path("link").stat().st_mode  # noqa: PTH116
    shutil.copy("link", "copied", follow_symlinks=False)
    assert Path("copied").is_symlink()
    folder = os.open(tmp_path, os.O_RDONLY)
    assert os.stat("x.csv", dir_fd=folder).st_size == 12
    os.close(folder)


class GFile:
    """As TensorFlow's: opens in C++, where no ``open`` of Python is asked."""

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.opened = str(name), mode


def test_tensorflow_finds_it_once_the_notebook_has_it(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_file(filename: Any, name: str | None = None) -> Any:
        return filename, name

    tools = SimpleNamespace(GFile=GFile, exists=lambda _path: False)
    tensorflow = SimpleNamespace(io=SimpleNamespace(gfile=tools, read_file=read_file))
    monkeypatch.delitem(found_beside.sys.modules, "tensorflow", raising=False)
    for before in list(shell.events.before):
        before()
    assert not tools.exists(f"{DRIVE}/x.csv")
    monkeypatch.setitem(found_beside.sys.modules, "tensorflow", tensorflow)
    for _ in range(2):
        for before in list(shell.events.before):
            before()
    here = str(tmp_path / "x.csv")
    assert tools.GFile(f"{DRIVE}/x.csv").opened == (here, "r")
    assert tools.GFile(name=f"{DRIVE}/x.csv", mode="rb").opened == (here, "rb")
    assert tools.GFile(f"{DRIVE}/x.csv", "w").opened == (f"{DRIVE}/x.csv", "w")
    assert tools.exists(f"{DRIVE}/x.csv")
    assert not tools.exists(f"{DRIVE}/best.keras")
    read = tensorflow.io.read_file
    assert read(filename=f"{DRIVE}/x.csv", name="n") == (here, "n")
    assert read("x.csv") == ("x.csv", None)
    assert shell.events.before == []
