"""A notebook is checked again whenever it is saved, and no sooner."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.cli import check
from grader.cli.check import CheckOptions, run_watch
from grader.cli.errors import INTERRUPTED
from grader.cli.watching import MOST, each_save, state_of
from grader.types import GraderError, Message


def save(path: Path, content: str) -> None:
    """Save with a time of its own: two writes within a clock's tick are two saves."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(content)
    os.utime(path, ns=(before + 10**9, before + 10**9))


class Clock:
    """Does what happens while one waits, a step for every wait; then ends the waiting."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)

    def __call__(self, _: float) -> None:
        if not self.steps:
            raise KeyboardInterrupt
        self.steps.pop(0)()


def turns(path: Path, *steps: Callable[[], object]) -> int:
    """Count the turns while these steps happen."""
    found, count = each_save([path], Clock(*steps)), 0
    with contextlib.suppress(KeyboardInterrupt):
        for _ in found:
            count += 1
    return count


def nothing() -> None: ...


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    save(tmp_path / "mine.ipynb", "{}")
    return tmp_path / "mine.ipynb"


def test_there_is_a_turn_at_once_and_none_without_a_save(notebook: Path) -> None:
    assert turns(notebook, nothing, nothing, nothing) == 1


def test_a_save_gives_one_more(notebook: Path) -> None:
    assert turns(notebook, nothing, lambda: save(notebook, "{ }"), nothing, nothing, nothing) == 2


def test_a_save_of_the_same_content_is_a_save(notebook: Path) -> None:
    assert turns(notebook, lambda: save(notebook, "{}"), nothing, nothing) == 2


def test_a_file_that_is_still_being_written_is_waited_for(notebook: Path) -> None:
    writes = [lambda text=text: save(notebook, text) for text in ("{", "{ ", "{ }")]
    assert turns(notebook, *writes, nothing, nothing, nothing) == 2


def test_a_file_that_is_away_while_it_is_replaced_is_waited_for(notebook: Path) -> None:
    assert turns(notebook, notebook.unlink, nothing, lambda: save(notebook, "{ }"), nothing) == 2


def test_what_is_saved_during_a_turn_gives_another(notebook: Path) -> None:
    found = each_save([notebook], Clock(nothing, nothing))
    next(found)
    save(notebook, "{ }")
    next(found)


def test_of_a_folder_every_notebook_is_looked_at(tmp_path: Path, notebook: Path) -> None:
    save(tmp_path / "week2.ipynb", "{}")
    save(tmp_path / "notes.txt", "")
    assert {path.name for path in state_of([tmp_path])} == {"mine.ipynb", "week2.ipynb"}
    assert state_of([tmp_path / "nowhere"]) == {}
    assert len(state_of([tmp_path])) < MOST


class TestCommand:
    @pytest.fixture
    def options(self, notebook: Path) -> CheckOptions:
        return CheckOptions((notebook,), None, "auto", None, "en")

    @pytest.fixture(autouse=True)
    def three_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def played(_: object) -> Iterator[None]:
            yield from (None, None, None)
            raise KeyboardInterrupt

        monkeypatch.setattr(check, "each_save", played)

    def test_every_turn_checks_and_the_last_one_is_the_exit_code(
        self, options: CheckOptions, monkeypatch: pytest.MonkeyPatch, capsys
    ) -> None:
        codes = iter((1, 1, 0))
        monkeypatch.setattr(check, "run_check", lambda _: next(codes))
        assert run_watch(options) == 0
        assert capsys.readouterr().out.count("Save the notebook to check again") == 3

    def test_what_cannot_be_checked_at_first_ends_it(
        self, options: CheckOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(_: object) -> int:
            raise GraderError(Message("cli.no_reference"))

        monkeypatch.setattr(check, "run_check", refused)
        with pytest.raises(GraderError):
            run_watch(options)

    def test_later_it_is_told_and_waited_for_the_next_save(
        self, options: CheckOptions, monkeypatch: pytest.MonkeyPatch, capsys
    ) -> None:
        answers = iter((1, GraderError(Message("cli.no_reference")), 0))

        def checked(_: object) -> int:
            answer = next(answers)
            if isinstance(answer, GraderError):
                raise answer
            return answer

        monkeypatch.setattr(check, "run_check", checked)
        assert run_watch(options) == 0
        assert "grader:" in capsys.readouterr().err

    def test_a_check_that_is_broken_off_ends_it(
        self, options: CheckOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        codes = iter((1, INTERRUPTED))
        monkeypatch.setattr(check, "run_check", lambda _: next(codes))
        assert run_watch(options) == 1
