"""What the machine may have done costs nobody a point, and is tried a second time only once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from grader.execute import execute as executing
from grader.extract import evaluate as evaluating
from grader.types import Execution, GraderError, Message, Outcome
from tests.support.builders import execution

FINISHED = (execution(), False)
KILLED = (replace(execution(), outcome=Outcome.KERNEL_DIED), True)
DIED = (replace(execution(), outcome=Outcome.KERNEL_DIED), False)
BROKEN = GraderError(Message("execute.no_driver", {"log": ""}))
STOPPED = GraderError(Message("evaluate.failed", {"code": None, "log": ""}))
Step = tuple[Execution, bool] | GraderError


def _script(*steps: Step) -> tuple[Callable[..., Any], list[int]]:
    left, calls = list(steps), list[int]()

    def play(*_: object) -> Any:
        calls.append(1)
        step = left.pop(0)
        if isinstance(step, GraderError):
            raise step
        return step

    return play, calls


@pytest.mark.parametrize(
    ("steps", "outcome", "runs"),
    [
        ((FINISHED,), Outcome.FINISHED, 1),
        ((KILLED, FINISHED), Outcome.FINISHED, 2),
        ((KILLED, KILLED), Outcome.KERNEL_DIED, 2),
        ((DIED,), Outcome.KERNEL_DIED, 1),
        ((BROKEN, FINISHED), Outcome.FINISHED, 2),
        ((BROKEN, KILLED), Outcome.KERNEL_DIED, 2),
    ],
)
def test_a_run_is_repeated_once_where_nobody_knows_who_ended_it(
    monkeypatch: pytest.MonkeyPatch, steps: tuple[Step, ...], outcome: Outcome, runs: int
) -> None:
    play, calls = _script(*steps)
    monkeypatch.setattr(executing, "_execute", play)
    assert executing.execute(None, None).outcome is outcome  # type: ignore[arg-type]
    assert len(calls) == runs


def test_where_the_same_was_seen_before_it_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    play, calls = _script(KILLED)
    monkeypatch.setattr(executing, "_execute", play)
    assert executing.execute(None, None, again=False).outcome is Outcome.KERNEL_DIED  # type: ignore[arg-type]
    assert len(calls) == 1


def test_a_second_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "_execute", _script(KILLED, FINISHED)[0])
    found = executing.execute(None, None)  # type: ignore[arg-type]
    assert [note.id for note in found.notes] == ["execute.again"]


def test_a_room_that_fails_twice_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "_execute", _script(BROKEN, BROKEN)[0])
    with pytest.raises(GraderError):
        executing.execute(None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "runs"), [(BROKEN, 2), (STOPPED, 1)])
def test_an_evaluation_is_repeated_unless_we_stopped_it(
    monkeypatch: pytest.MonkeyPatch, first: GraderError, runs: int
) -> None:
    play, calls = _script(first, first)
    monkeypatch.setattr(evaluating, "_evaluate", play)
    with pytest.raises(GraderError):
        evaluating.evaluate([None], None, engine=None)  # type: ignore[list-item, arg-type]
    assert len(calls) == runs
