"""A cell that ends its kernel ends itself: below it all is as after a restart."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.kernel import lacks, restarts
from grader.text.words import Words
from tests.support.played_kernel import Kernel


class Told:
    """Takes remarks."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def tell(self, kind: str, what: str, instead: str = "") -> None:
        assert (kind, instead) == ("restart", "")
        self.heard.append(what)


class EndedError(Exception):
    """What would have ended this process."""


class Room:
    """A shell with the rules in force; what reaches the system raises EndedError."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def ended(*_: Any) -> None:
            raise EndedError

        for name in ("kill", "_exit", "abort"):
            monkeypatch.setattr(os, name, ended)
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell(config=config)
        self.shell._showtraceback = lambda *_: None
        self.shell.ask_exit = ended
        kernel: Any = Kernel("grader_left_out")
        kernel.do_shutdown = ended
        self.told = Told()
        lacks.install(self.shell, kernel, self.told)
        restarts.install(self.shell, kernel, self.told)
        self.shell.user_ns["kernel"] = self.kernel = kernel

    def run(self, source: str) -> BaseException | None:
        """Run a cell; gives the exception that ended it."""
        result = self.shell.run_cell(source)
        return result.error_before_exec or result.error_in_exec


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Room]:
    before = sys.displayhook, sys.excepthook
    monkeypatch.chdir(tmp_path)
    yield Room(monkeypatch)
    sys.displayhook, sys.excepthook = before


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("os.kill(os.getpid(), 9)", "os.kill()"),
        ("import signal; os.kill(os.getpid(), signal.SIGTERM)", "os.kill()"),
        ("def restart(): os.kill(os.getpid(), 9)\nrestart()", "os.kill()"),
        ("try:\n    os._exit(00)\nexcept Exception: pass", "os._exit()"),
        ("os.abort()", "os.abort()"),
        ("get_ipython().ask_exit()", "exit()"),
        ("kernel.do_shutdown(True)", "do_shutdown()"),
    ],
)
def test_the_cells_below_run_as_after_a_restart(room: Room, line: str, what: str) -> None:
    assert room.run("import os\nabove = 1\nos.mkdir('sub')\nos.chdir('sub')") is None
    here = Path.cwd()
    assert room.run(f"{line}\nos.environ['NEVER'] = '1'") is None
    assert "NEVER" not in os.environ
    assert Path.cwd() != here
    assert isinstance(room.run("above"), NameError)
    assert room.run("below = get_ipython() is not None") is None
    assert room.shell.user_ns["below"] is True
    assert room.told.heard == [what]


def test_other_processes_and_other_signals_are_no_restart(room: Room) -> None:
    for line in ("os.kill(os.getppid(), 9)", "os.kill(os.getpid(), 0)"):
        assert isinstance(room.run(f"import os\n{line}"), EndedError)
    assert room.told.heard == []


def test_what_no_cell_calls_goes_its_usual_way(room: Room) -> None:
    with pytest.raises(EndedError):
        os.kill(os.getpid(), signal.SIGKILL)
    with pytest.raises(EndedError):
        room.kernel.do_shutdown(True)
    ended: list[type[BaseException]] = []

    def in_a_thread() -> None:
        try:
            os._exit(0)
        except (EndedError, restarts.Restarted) as error:
            ended.append(type(error))

    room.shell.user_ns["other"] = threading.Thread(target=in_a_thread)
    assert room.run("other.start(); other.join()") is None
    assert ended == [EndedError]


def test_a_childs_own_end_is_no_restart(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.shell.user_ns["as_child"] = lambda: monkeypatch.setattr(os, "getpid", lambda: -1)
    assert isinstance(room.run("import os\n(as_child(), os._exit(0))"), EndedError)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("advice", ["diagnose.kernel_died", "diagnose.kernel_died_somewhere"])
def test_no_advice_about_a_dead_kernel_names_what_only_restarts_it(lang: str, advice: str) -> None:
    assert "exit" not in Words(lang)(advice, cell=3)
