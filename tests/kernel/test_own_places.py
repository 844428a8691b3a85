"""A callback that writes to a folder of another computer writes beside the notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from grader.kernel import own_places
from grader.kernel.lacks import elsewhere


class Told:
    """Takes remarks."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    def tell(self, kind: str, what: str, instead: str = "") -> None:
        self.heard.append((kind, what, instead))


HERE = {"/tmp", "/home", "/usr"}


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with few folders, whatever the tests run on."""
    monkeypatch.setattr(elsewhere, "is_here", HERE.__contains__)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def callbacks(monkeypatch: pytest.MonkeyPatch, told: Told) -> Any:
    """Callbacks that remember where they write, with the rule in force."""

    def kind(argument: str, usual: str) -> type:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it is one
            self.place = args[0] if args else kwargs.get(argument, usual)
            self.rest = args[1:]

        return type("Callback", (), {"__init__": __init__})

    module = ModuleType("keras.callbacks")
    for name, argument in own_places.WRITING.items():
        setattr(module, name, kind(argument, "usual"))
    monkeypatch.setitem(sys.modules, "keras.callbacks", module)
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    own_places.install(told)
    return SimpleNamespace(**vars(module))


@pytest.mark.parametrize("name", own_places.WRITING)
def test_what_would_write_elsewhere_writes_beside_the_notebook(
    callbacks: Any, told: Told, name: str
) -> None:
    kind, argument = getattr(callbacks, name), own_places.WRITING[name]
    assert kind("/content/drive/MyDrive/rnn/best").place == "best"
    assert kind(**{argument: r"C:\Users\kim\rnn\best"}).place == "best"
    assert told.heard == [("elsewhere", name, "best")] * 2


@pytest.mark.parametrize(
    ("path", "beside"),
    [
        ("/kaggle/working/m-{epoch:02d}.hdf5", "m-{epoch:02d}.hdf5"),
        ("/Users/kim/models/", "models"),
        (Path("/content/best.keras"), "best.keras"),
        ("C:/Users/김민준/바탕 화면/best.keras", "best.keras"),
    ],
)
def test_the_file_keeps_its_name(callbacks: Any, path: Any, beside: str) -> None:
    made = callbacks.ModelCheckpoint(path, "val_loss")
    assert (made.place, made.rest) == (beside, ("val_loss",))


@pytest.mark.parametrize("path", ["best.keras", "models/best.keras", "/tmp/best.keras", 7, None])
def test_every_other_path_is_left_as_it_is(callbacks: Any, told: Told, path: Any) -> None:
    assert callbacks.ModelCheckpoint(path).place == path
    assert callbacks.TensorBoard().place == "usual"
    assert told.heard == []


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/content", "/content"),
        ("/content/drive/MyDrive/x", "/content"),
        ("/kaggle/working/x.csv", "/kaggle"),
        ("/home/kim", "/home/kim"),
        ("/Volumes/stick/x", "/Volumes/stick"),
        ("c:\\rnn", "c:\\rnn"),
        ("/home", None),
        ("/data.csv", None),
        ("/", None),
        ("", None),
        ("tmp/content/x", None),
        ("/tmp/x/y", None),
        ("~/rnn", None),
    ],
)
def test_a_path_is_another_machines_where_its_first_folder_is_not_here(
    path: str, root: str | None
) -> None:
    assert elsewhere.root_elsewhere(path) == root
