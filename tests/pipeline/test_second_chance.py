"""What the machine may have done costs nobody a point, and is tried a second time only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from grader.execute import execute as executing
from grader.execute.run import Run
from grader.execution import Execution
from grader.extract import evaluate as evaluating
from grader.extract.architecture import Architecture
from grader.extract.evaluate import RoomFailedError, evaluate_apart
from grader.extract.tasks import Answer, ModelTask
from grader.submission import Notebook
from grader.types import Engine, GraderError, Message, Outcome
from tests.support.builders import execution

FINISHED = (execution(), False)
KILLED = (replace(execution(), outcome=Outcome.KERNEL_DIED), True)
DIED = (replace(execution(), outcome=Outcome.KERNEL_DIED), False)
BROKEN = GraderError(Message("execute.no_driver", {"log": ""}))
STOPPED = evaluating.RoomFailedError(Message("evaluate.stopped"), "")
RUN = Run(Notebook((), None, ""), Engine.JAX, 1, 1, timeout=60, memory_mb=1000)
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
    assert executing.execute(RUN, None).outcome is outcome  # type: ignore[arg-type]
    assert len(calls) == runs


def test_what_cannot_be_read_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take as long again, and leave the same."""
    unread = executing.UnreadError(Message("judge.time", {"seconds": 120}))
    play, calls = _script(unread, FINISHED)
    monkeypatch.setattr(executing, "_execute", play)
    with pytest.raises(GraderError) as error:
        executing.execute(RUN, None)  # type: ignore[arg-type]
    assert error.value.message.id == "judge.time"
    assert len(calls) == 1


def test_where_the_same_was_seen_before_it_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    play, calls = _script(KILLED)
    monkeypatch.setattr(executing, "_execute", play)
    assert executing.execute(RUN, None, again=False).outcome is Outcome.KERNEL_DIED  # type: ignore[arg-type]
    assert len(calls) == 1


def test_a_second_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "_execute", _script(KILLED, FINISHED)[0])
    found = executing.execute(RUN, None)  # type: ignore[arg-type]
    assert [note.id for note in found.notes] == ["execute.again"]


@pytest.mark.parametrize(("seconds", "runs"), [(59.0, 1), (40.0, 2)])
def test_no_second_run_begins_that_might_not_fit(
    monkeypatch: pytest.MonkeyPatch, seconds: float, runs: int
) -> None:
    """A kernel that ends itself just before its time is up would take that time twice."""
    late = (replace(KILLED[0], seconds=seconds), True)
    play, calls = _script(late, FINISHED)
    monkeypatch.setattr(executing, "_execute", play)
    found = executing.execute(RUN, None, most=100.0)  # type: ignore[arg-type]
    assert len(calls) == runs
    told = {1: "execute.not_again", 2: "execute.again"}[runs]
    assert [note.id for note in found.notes] == [told]
    assert found.seconds == seconds + (FINISHED[0].seconds if runs > 1 else 0)


def test_a_room_that_failed_late_is_not_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    play, calls = _script(BROKEN, FINISHED)
    monkeypatch.setattr(executing, "_execute", play)
    with pytest.raises(GraderError):
        executing.execute(RUN, None, most=60.0)  # type: ignore[arg-type]
    assert len(calls) == 1


def test_a_room_that_fails_twice_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "_execute", _script(BROKEN, BROKEN)[0])
    with pytest.raises(GraderError):
        executing.execute(RUN, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "runs"), [(BROKEN, 2), (STOPPED, 1)])
def test_an_evaluation_is_repeated_unless_we_stopped_it(
    monkeypatch: pytest.MonkeyPatch, first: GraderError, runs: int
) -> None:
    play, calls = _script(first, first)
    monkeypatch.setattr(evaluating, "_evaluate", play)
    with pytest.raises(GraderError):
        evaluating.evaluate([None], None, engine=None)  # type: ignore[list-item, arg-type]
    assert len(calls) == runs


MODEL = Architecture((1,), "float32", ())


def _tasks(*ids: str) -> list[ModelTask]:
    return [ModelTask(one, MODEL) for one in ids]


class Rooms:
    """Answers tasks; over some exercises a room ends, after how many seconds."""

    def __init__(self, ending: str, over: dict[str, float]) -> None:
        self.ending, self.over = ending, over
        self.now = 0.0
        self.asked: list[list[str]] = []

    def __call__(self, tasks: Sequence[ModelTask]) -> dict[str, Answer]:
        self.asked.append([task.id for task in tasks])
        for task in tasks:
            if task.exercise in self.over:
                self.now += self.over[task.exercise]
                begun = task.id if self.ending != "evaluate.unknown" else ""
                raise RoomFailedError(Message(self.ending), begun)
        return {task.id: Answer(total_params=1) for task in tasks}

    def graded(self, *ids: str) -> dict[str, bool]:
        """Which tasks have an answer."""
        answers = evaluate_apart(_tasks(*ids), self, lambda: self.now)
        return {key: answer.fault is None for key, answer in answers.items()}


def test_one_room_where_nothing_fails() -> None:
    rooms = Rooms("evaluate.stopped", {})
    assert rooms.graded("a", "a/left-0", "b") == {"a": True, "a/left-0": True, "b": True}
    assert rooms.asked == [["a", "a/left-0", "b"]]


def test_the_exercise_that_took_all_the_time_is_ungraded_alone() -> None:
    rooms = Rooms("evaluate.stopped", {"a": 300.0})
    assert rooms.graded("a", "a/left-0", "b") == {"a": False, "a/left-0": False, "b": True}
    assert rooms.asked == [["a", "a/left-0", "b"], ["b"]]


@pytest.mark.parametrize("ending", ["evaluate.stopped", "evaluate.failed"])
def test_one_that_others_left_little_time_gets_a_room_to_itself(ending: str) -> None:
    rooms = Rooms(ending, {"b": 300.0})
    assert rooms.graded("a", "b", "c") == {"a": True, "c": True, "b": False}
    assert rooms.asked == [["a", "b", "c"], ["a", "c"], ["b"]]


def test_where_nobody_knows_over_what_it_ended_all_are_ungraded() -> None:
    rooms = Rooms("evaluate.unknown", {"b": 1.0})
    assert rooms.graded("a", "b") == {"a": False, "b": False}
    assert len(rooms.asked) == 1


def test_a_chapter_of_bad_models_does_not_keep_the_slot_for_hours() -> None:
    rooms = Rooms("evaluate.stopped", {f"e{n}": 300.0 for n in range(12)})
    assert not any(rooms.graded(*(f"e{n}" for n in range(12))).values())
    assert rooms.now <= 1200.0


def test_no_room_at_all_leaves_everything_ungraded() -> None:
    def none(_: object) -> dict[str, Answer]:
        raise BROKEN

    answers = evaluate_apart(_tasks("a", "b"), none)
    assert [answer.fault for answer in answers.values()] == [BROKEN.message] * 2
