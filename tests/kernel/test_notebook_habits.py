"""Habits that must not fail only because something optional is not installed."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.kernel import notebook_habits


class Callback:
    """As Keras' own: hooks that do nothing."""

    def __init__(self, log_dir: str = "logs") -> None:
        self.log_dir = log_dir

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_epoch_end(self, epoch: int) -> None:
        pass


def board(monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> Callback:
    """Give a TensorBoard callback, on a machine with or without TensorBoard."""

    class TensorBoard(Callback):
        def set_model(self, model: Any) -> None:
            raise ImportError("TensorBoard is not installed")

        def on_epoch_end(self, epoch: int) -> None:
            raise ImportError("TensorBoard is not installed")

    module = ModuleType("keras.callbacks")
    module.__dict__.update(Callback=Callback, TensorBoard=TensorBoard)
    monkeypatch.setitem(sys.modules, "keras.callbacks", module)
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    found = object() if installed else None
    monkeypatch.setattr(notebook_habits.importlib.util, "find_spec", lambda _: found)
    notebook_habits._without_tensorboard()
    return TensorBoard("there")


def test_without_tensorboard_its_callback_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = board(monkeypatch, installed=False)
    callback.set_model("model")
    callback.on_epoch_end(1)
    assert callback.log_dir == "there"


def test_with_tensorboard_its_callback_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    callback = board(monkeypatch, installed=True)
    with pytest.raises(ImportError):
        callback.on_epoch_end(1)


def test_no_tensorboard_is_started_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.displayhook, sys.excepthook
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    monkeypatch.setattr(notebook_habits, "_without_tensorboard", lambda: None)
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook_habits.install(shell)
    shell.run_cell("%load_ext tensorboard\n%tensorboard --logdir logs").raise_error()
    sys.displayhook, sys.excepthook = before
    assert "not shown while grading: --logdir logs" in capsys.readouterr().out
