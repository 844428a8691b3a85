"""What there is time to train again does not depend on who had it done first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.extract.tasks import Answer, ModelTask, Training
from grader.pipeline import attempts as module
from grader.pipeline.attempts import Attempts
from grader.pipeline.runner import Slot
from grader.trainer.kernels import Kernel, Kernels
from grader.types import Engine, GraderError, Message
from tests.support.orders import order

LIMIT = 1000.0  # of one training
DATA = np.ones((4, 5, 2), np.float32), np.zeros((4, 1), np.float32)
TRAINING = Training(x=DATA[0], y=DATA[1], epochs=3, optimizer="Adam", loss="mse", options={})
TASK = ModelTask("gru/repeated-1", order().architecture, inputs=DATA[0], training=TRAINING, seed=1)
FAST = Answer(predictions=np.zeros((4, 1), np.float32), seconds=0.4 * LIMIT)
STOPPED = Answer(fault=Message("evaluate.stopped", {"seconds": LIMIT}))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of results of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def somebody(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, *, ours: bool = True, **more: Any
) -> Attempts:
    """One student, whose trainings all come to this answer; ``ours``: a trainer trains."""

    def room(tasks: Sequence[ModelTask], *_: object, **__: object) -> dict[str, Answer]:
        return {task.id: answer for task in tasks}

    monkeypatch.setattr(module, "evaluate", room)
    choice = SimpleNamespace(engine=Engine.TENSORFLOW)
    timeout = LIMIT / module.TRAINING_LIMITS
    job: Any = SimpleNamespace(
        asks_trainer=lambda _: ours, choice=choice, attempts=1, timeout=lambda _: timeout
    )
    nobody: Any = None
    return Attempts(job, Slot((0,)), nobody, nobody, nobody, **more)


def done(one: Attempts) -> int:
    """How many trainings there is time for."""
    for number in range(20):
        try:
            one._evaluate([replace(TASK, seed=number)])
        except GraderError as error:
            if error.message.id != "evaluate.altogether":
                raise
            return number
    return 20


def test_who_asks_for_what_is_known_has_time_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    first = done(somebody(FAST, monkeypatch))
    assert first == 3, "begun while less than the limit was used up"
    assert done(somebody(FAST, monkeypatch)) == first


def test_what_was_stopped_counts_its_limit_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = module.Failures()
    for _ in range(2):
        assert done(somebody(STOPPED, monkeypatch, failures=batch)) == 2


def test_what_trains_nothing_takes_nothing_of_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    one = somebody(FAST, monkeypatch)
    for number in range(5):
        one._evaluate([replace(TASK, training=None, seed=number)])
    assert done(one) == 3


@pytest.mark.parametrize("ours", [True, False])
def test_only_what_our_own_room_trains_is_computed_by_the_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ours: bool
) -> None:
    """Where notebooks train by themselves there is none, so none is there for a second chance."""
    one, lent = somebody(FAST, monkeypatch, ours=ours), []

    def room(tasks: Sequence[ModelTask], *_: object, **how: Any) -> dict[str, Answer]:
        lent.append((len(tasks), how["kernel"]))
        return {task.id: FAST for task in tasks}

    monkeypatch.setattr(module, "evaluate", room)
    monkeypatch.setattr(module, "HERE", Kernels(lambda: Kernel(tmp_path, "avx2 0123")))
    one._evaluate([replace(TASK, training=replace(TRAINING, epochs=100_000))])
    one._evaluate([replace(TASK, training=None)])
    assert lent == [(1, tmp_path if ours else None), (1, None)]
