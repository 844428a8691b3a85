"""A notebook waits for a training: its time stands still, the rest of its room is watched."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.execute import execute
from grader.execute.caps import ORDER_BYTES, ORDER_CAPS
from grader.execute.orders import Meanwhile, Reply
from grader.execute.run import Run
from grader.execution import Execution, Training
from grader.room import RoomSpec
from grader.submission import Notebook
from grader.types import Engine, GraderError, Isolation, Level, Message, Outcome


class Process:
    """A room process; ``code`` is None as long as it runs."""

    pid = 1

    def __init__(self) -> None:
        self.code: int | None = None
        self.killed = False
        self.memory = 0.0

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int | None:
        return self.code if self.code is not None else 0

    def kill(self) -> None:
        self.killed = True

    def memory_mb(self) -> float:
        return self.memory

    def memory_ran_out(self) -> bool:
        return False


class World:
    """A kernel, a driver that has passed an order on, and a clock that the test sets."""

    isolation = Isolation(Level.NONE)

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kernel, self.driver = Process(), Process()
        self.now = 0.0
        self.heads: list[Any] = [{"cell": 1, "claimed": None}]
        self.settings: dict[str, Any] = {}
        self.job: dict[str, Any] = {}
        self.begun: list[Trainer] = []
        self.during: Callable[[Meanwhile], None] = lambda _: None
        self.after: Callable[[], None] = self.end
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, _: float) -> None:
        self.now += 1.0
        if self.now > 10_000:
            raise AssertionError("nothing ended the run")
        self.after()

    def end(self) -> None:
        self.driver.code = 0

    def inside(self, host: Path, inside: str) -> str:
        return str(host)

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        told = json.loads(Path(spec.argv[-2 if "converse" in spec.argv[2] else -1]).read_text())
        if "converse" not in spec.argv[2]:
            self.settings = told
            return self.kernel
        self.job = told
        out = Path(spec.argv[-1])
        (out / "ready").touch()
        (out / "transcript.jsonl").touch()
        (out / "orders").mkdir()
        for number, head in enumerate(self.heads, start=1):
            (out / "orders" / f"{number:04d}.json").write_text(json.dumps(head))
        return self.driver

    def run(self, *, trains: bool = True) -> Execution:
        notebook = Notebook(cells=(), exercise=None, digest="0" * 64)
        one = Run(notebook, Engine.TENSORFLOW, 1, 1, timeout=60, memory_mb=1000)
        trainer = self.begin if trains else None
        room: Any = self
        return execute.execute(one, room, again=False, trainer=trainer)

    def begin(self) -> Trainer:
        self.begun.append(Trainer(self))
        return self.begun[-1]


class Trainer:
    """Trains by doing what the test wants to happen meanwhile."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: list[Training] = []
        self.closed = False

    def train(self, order: Path, arrays: Path, cell: int, meanwhile: Meanwhile) -> Reply:
        self.world.during(meanwhile)
        self.done.append(Training(cell, key="a"))
        return Reply({"result": "a"})

    def claimed(self, cell: int, why: str) -> None:
        self.done.append(Training(cell, why=Message(why)))

    @property
    def trainings(self) -> tuple[Training, ...]:
        return tuple(self.done)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def later(world: World, seconds: float, meanwhile: Meanwhile) -> None:
    world.now += seconds
    meanwhile()


def test_what_is_trained_costs_the_notebook_no_time(world: World) -> None:
    world.during = lambda meanwhile: later(world, 5000.0, meanwhile)
    done = world.run()
    assert done.outcome is Outcome.FINISHED
    assert done.trainings == (Training(1, key="a"),)
    assert done.seconds < 60


def test_where_its_time_went_is_known_apart(world: World) -> None:
    world.during = lambda meanwhile: later(world, 5000.0, meanwhile)
    spent = world.run().spent
    assert (spent.start, spent.waiting, spent.training) == (0.0, 5000.0, 0.0)


def test_until_its_kernel_answers_it_is_starting(world: World) -> None:
    made = world.start

    def slowly(spec: RoomSpec, **how: Any) -> Process:
        world.now += 7.0
        return made(spec, **how)

    world.start = slowly  # type: ignore[method-assign]
    assert world.run(trains=False).spent.start == 14.0  # two rooms, the driver's too


def test_what_it_does_itself_still_does(world: World) -> None:
    world.during = lambda meanwhile: later(world, 5000.0, meanwhile)
    world.after = lambda: None
    done = world.run()
    assert done.outcome is Outcome.TIME_LIMIT
    assert 60 < done.seconds < 70


def test_a_kernel_that_dies_while_it_waits_ends_the_training(world: World) -> None:
    def during(meanwhile: Meanwhile) -> None:
        world.kernel.code = -9
        later(world, 1.0, meanwhile)

    world.during = during
    done = world.run()
    assert done.outcome is Outcome.KERNEL_DIED
    assert done.trainings == ()


def test_memory_is_watched_while_it_waits(world: World) -> None:
    def during(meanwhile: Meanwhile) -> None:
        world.kernel.memory = 5000.0
        later(world, 1.0, meanwhile)

    world.during = during
    assert world.run().outcome is Outcome.MEMORY_LIMIT


def test_a_driver_that_is_gone_waits_for_no_answer(world: World) -> None:
    def during(meanwhile: Meanwhile) -> None:
        world.driver.code = 0
        later(world, 1.0, meanwhile)

    world.during = during
    done = world.run()
    assert (done.outcome, done.trainings) == (Outcome.FINISHED, ())


@pytest.mark.parametrize("error", [KeyboardInterrupt, GraderError(Message("trainer.failed"))])
def test_what_ends_the_training_on_our_side_leaves_no_process(world: World, error: Any) -> None:
    def during(_: Meanwhile) -> None:
        raise error

    world.during = during
    with pytest.raises((KeyboardInterrupt, GraderError)):
        world.run()
    assert world.kernel.killed
    assert world.driver.killed
    assert all(trainer.closed for trainer in world.begun)


def test_the_trainers_room_ends_with_the_run(world: World) -> None:
    world.run()
    assert [trainer.closed for trainer in world.begun] == [True]


def test_where_we_could_not_train_all_is_run_once_more_from_the_beginning(world: World) -> None:
    def during(_: Meanwhile) -> None:
        if len(world.begun) == 1:
            raise GraderError(Message("trainer.failed"))

    world.during = during
    assert world.run().trainings == (Training(1, key="a"),)
    assert len(world.begun) == 2, "nothing of the first run is evidence"


def test_why_a_fit_was_trained_there_is_known_of_a_run_that_was_ended_too(world: World) -> None:
    world.heads = [{"cell": 1, "claimed": "own"}]

    def out_of_time() -> None:
        world.now += 100.0

    world.after = out_of_time
    done = world.run()
    assert done.outcome is Outcome.TIME_LIMIT
    assert done.trainings == (Training(1, why=Message("own")),)


def test_both_ends_are_told_the_bounds_only_where_somebody_trains(world: World) -> None:
    world.run()
    assert world.settings["order_bytes"] == ORDER_BYTES
    assert world.job["orders"]["caps"] == ORDER_CAPS
    world.driver.code = None
    world.heads = []
    assert world.run(trains=False).trainings is None
    assert "order_bytes" not in world.settings
    assert "orders" not in world.job
