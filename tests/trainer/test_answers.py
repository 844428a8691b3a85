"""What we train again for a claim is done once for all who claim the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.extract.architecture import Architecture
from grader.extract.tasks import Answer, LayerAnswer, ModelTask, Training
from grader.trainer import answers as module
from grader.trainer.answers import Answers, Failures, key_of_task
from grader.trainer.kernels import Kernel, Kernels
from grader.trainer.results import Results
from grader.types import GraderError, Message
from tests.support.orders import order

ARCHITECTURE: Architecture = order().architecture
TRAINING = Training(
    x=np.ones((4, 5, 2), np.float32),
    y=np.zeros((4, 1), np.float32),
    epochs=100_000,  # long enough for the kernel
    optimizer="Adam",
    loss="mse",
    options={"learning_rate": 0.001},
    compare=True,
)
INPUTS = np.full((2, 5, 2), 0.5, np.float32)
TASK = ModelTask("gru/repeated-1", ARCHITECTURE, inputs=INPUTS, training=TRAINING, seed=11)
ANSWER = Answer(
    layers=(LayerAnswer((None, 3), 84), LayerAnswer((1,), 4)),
    total_params=88,
    predictions=np.array([[0.25], [0.5]], np.float32),
    history={"loss": (1.0, None), "before": (2.0,), "after": (0.5,)},
    seconds=3.5,
)


NONE = Kernels(lambda: Message("kernel.none"))
KERNEL = Kernel(Path("kernel"), "avx2 0123")
shared = partial(module.shared, kernels=NONE)  # whatever this machine has


class Room:
    """Answers every task with the next of its answers; ``asked``: which tasks were together.

    ``kernels``: what computed them.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.kernels: list[Kernel | None] = []

    def __call__(
        self, tasks: Sequence[ModelTask], kernel: Kernel | None = None
    ) -> dict[str, Answer]:
        self.asked.append([task.id for task in tasks])
        self.kernels.append(kernel)
        return {task.id: self.answers.pop(0) for task in tasks}


def plain(answer: Answer) -> Any:
    assert answer.predictions is not None
    rows = answer.predictions.dtype, answer.predictions.tolist()
    return replace(answer, predictions=None), rows


def test_what_came_of_a_training_is_kept_as_it_is_for_whoever_asks_the_same(tmp_path: Path) -> None:
    first, other = Room(ANSWER), Room()
    shared([TASK], Answers(tmp_path), first)
    again = replace(TASK, id="lstm/repeated-2")
    found = shared([again], Answers(tmp_path), other)
    assert plain(found["lstm/repeated-2"]) == plain(ANSWER)
    assert (first.asked, other.asked) == ([["gru/repeated-1"]], [])


def other_training(**changes: Any) -> ModelTask:
    return replace(TASK, training=replace(TRAINING, **changes))


@pytest.mark.parametrize(
    "other",
    [
        replace(TASK, seed=12),
        replace(TASK, inputs=INPUTS + 1),
        replace(TASK, architecture=replace(ARCHITECTURE, layers=ARCHITECTURE.layers[1:])),
        other_training(x=TRAINING.x + 1),
        other_training(y=TRAINING.y + 1),
        other_training(epochs=4),
        other_training(steps=1),
        other_training(optimizer="SGD"),
        other_training(options={"learning_rate": 0.002}),
        other_training(batch_size=4),
        other_training(validation_split=0.5),
        other_training(from_logits=True),
        other_training(compare=False),
        other_training(loss="mae"),
    ],
)
def test_whatever_may_change_what_is_learned_is_another_training(other: ModelTask) -> None:
    assert key_of_task(other) != key_of_task(TASK)


def test_every_setting_of_a_training_is_in_its_key() -> None:
    told = {"x", "y", "epochs", "optimizer", "loss", "options", "batch_size", "validation_split"}
    assert told | {"from_logits", "steps", "compare"} == {*vars(TRAINING)}, "a test for the new one"


def test_numbers_that_are_equal_as_they_are_trained_with_are_equal() -> None:
    as_float32 = other_training(options={"learning_rate": float(np.float32(0.001))})
    assert key_of_task(as_float32) == key_of_task(TASK)


FAILED = [
    Answer(error="ValueError: no", failed="train"),
    Answer(fault=Message("evaluate.stopped", {"seconds": 3})),
    replace(ANSWER, error="no answer"),
    replace(ANSWER, predictions=None),
]


@pytest.mark.parametrize("failed", FAILED)
def test_what_failed_is_tried_again_in_another_batch(tmp_path: Path, failed: Answer) -> None:
    room = Room(failed, ANSWER)
    assert shared([TASK], Answers(tmp_path), room)[TASK.id] == failed
    assert plain(shared([TASK], Answers(tmp_path), room)[TASK.id]) == plain(ANSWER)


@pytest.mark.parametrize("failed", FAILED)
def test_in_its_batch_whoever_claims_the_same_is_told_at_once(
    tmp_path: Path, failed: Answer
) -> None:
    batch, room = Failures(), Room(failed)
    for name in ("gru/repeated-1", "lstm/repeated-1"):
        one = replace(TASK, id=name)
        assert shared([one], Answers(tmp_path, batch), room)[name] == failed
    assert room.asked == [["gru/repeated-1"]]


def test_a_fault_of_ours_is_not_remembered(tmp_path: Path) -> None:
    fault = Answer(fault=Message("evaluate.failed", {"code": 1, "log": ""}))
    batch, room = Failures(), Room(fault, ANSWER)
    assert shared([TASK], Answers(tmp_path, batch), room)[TASK.id] == fault
    assert plain(shared([TASK], Answers(tmp_path, batch), room)[TASK.id]) == plain(ANSWER)


def test_who_waits_for_somebody_elses_hears_that_all_is_over(tmp_path: Path) -> None:
    begun, over = threading.Event(), threading.Event()

    def train(_: Sequence[ModelTask], __: Kernel | None = None) -> dict[str, Answer]:
        begun.set()
        over.wait()
        return {TASK.id: ANSWER}

    with ThreadPoolExecutor() as pool:
        other = pool.submit(shared, [TASK], Answers(tmp_path), train)
        begun.wait()
        try:
            with pytest.raises(GraderError) as ended:
                shared([TASK], Answers(tmp_path), Room(), lambda: True)
            assert ended.value.message.id == "pipeline.not_awaited"
        finally:
            over.set()
        assert plain(other.result()[TASK.id]) == plain(ANSWER)
    shared([TASK], Answers(tmp_path), Room(), lambda: True)  # nothing to wait for


def test_a_fault_of_ours_is_nobodys_answer(tmp_path: Path) -> None:
    def fails(_: Sequence[ModelTask], __: Kernel | None = None) -> dict[str, Answer]:
        raise GraderError(Message("evaluate.altogether", {"seconds": 5}))

    with pytest.raises(GraderError):
        shared([TASK], Answers(tmp_path), fails)
    assert list(tmp_path.iterdir()) == []


def test_a_training_has_a_room_to_itself_and_what_trains_nothing_is_asked_each_time(
    tmp_path: Path,
) -> None:
    tries = [ModelTask(name, ARCHITECTURE, inputs=INPUTS) for name in ("gru", "lstm")]
    room = Room(*[ANSWER] * 5)
    for _ in range(2):
        found = shared([*tries, TASK], Answers(tmp_path), room)
        assert set(found) == {"gru", "lstm", "gru/repeated-1"}
    assert room.asked == [["gru/repeated-1"], ["gru", "lstm"], ["gru", "lstm"]]


def test_what_is_damaged_or_another_kind_of_result_is_trained_anew(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    shared([TASK], answers, Room(ANSWER))
    (path,) = tmp_path.glob("*.npz")
    assert Results(tmp_path).get(path.stem) is None
    path.write_bytes(path.read_bytes()[:-40])
    assert answers.get(path.stem) is None
    assert plain(shared([TASK], answers, Room(ANSWER))[TASK.id]) == plain(ANSWER)


def test_whoever_has_more_time_than_it_was_stopped_after_has_it_tried(tmp_path: Path) -> None:
    stopped = Answer(fault=Message("evaluate.stopped", {"seconds": 3}))
    batch, room = Failures(), Room(stopped, ANSWER)
    for limit in (3.0, 3.0, 2.0):
        found = shared([TASK], Answers(tmp_path, batch, limit), room)[TASK.id]
        assert (found.fault, found.seconds) == (stopped.fault, 3.0)
    assert len(room.asked) == 1
    assert plain(shared([TASK], Answers(tmp_path, batch, 4.0), room)[TASK.id]) == plain(ANSWER)


# --- the kernel for recurrent layers -----------------------------------------------------------

TRIED = ModelTask("gru", ARCHITECTURE, inputs=INPUTS)
FAULTS = [
    (Message("kernel.failed", {"why": "lstm_2: 0.1 apart"}), "lstm_2: 0.1 apart"),
    (Message("evaluate.failed", {"code": -11, "log": ""}), "code -11"),
    (Message("room.start_failed", {"reason": "no space"}), "no space"),
]


def used() -> Kernels:
    return Kernels(lambda: KERNEL)


def test_only_trainings_are_computed_by_the_kernel(tmp_path: Path) -> None:
    room = Room(ANSWER, ANSWER)
    shared([TRIED, TASK], Answers(tmp_path), room, kernels=used())
    assert room.asked == [["gru/repeated-1"], ["gru"]]
    assert room.kernels == [KERNEL, None]


def test_what_trains_in_seconds_does_not_wait_for_the_kernel(tmp_path: Path) -> None:
    room, short = Room(ANSWER), replace(TASK, training=replace(TRAINING, epochs=100))
    shared([short], Answers(tmp_path), room, kernels=used())
    assert room.kernels == [None]


def test_what_came_of_one_by_the_kernel_is_kept_apart(tmp_path: Path) -> None:
    """What Keras' own loops came to stays, for whoever has no kernel."""
    room = Room(ANSWER, ANSWER)
    for _ in range(2):
        shared([TASK], Answers(tmp_path), room)
        shared([TASK], Answers(tmp_path), room, kernels=used())
    assert room.kernels == [None, KERNEL]
    keys = {key_of_task(TASK), key_of_task(TASK, KERNEL.version)}
    assert {path.stem for path in tmp_path.glob("*.npz")} == keys
    assert len(keys) == 2


@pytest.mark.parametrize(("fault", "why"), FAULTS)
def test_a_room_that_fails_with_the_kernel_costs_no_training(
    tmp_path: Path, fault: Message, why: str
) -> None:
    room, kernels = Room(Answer(fault=fault), ANSWER), used()
    found = shared([TASK], Answers(tmp_path), room, kernels=kernels)
    assert plain(found[TASK.id]) == plain(ANSWER)
    assert room.kernels == [KERNEL, None]
    assert [path.stem for path in tmp_path.glob("*.npz")] == [key_of_task(TASK)]
    failures = kernels.failures()
    assert failures is not None
    assert failures.args == {"orders": 1, "why": why}
    again = shared([TASK], Answers(tmp_path), room, kernels=kernels)  # known
    assert plain(again[TASK.id]) == plain(ANSWER)


def test_two_trainings_in_a_row_that_it_fails_over_cost_the_batch_the_kernel(
    tmp_path: Path,
) -> None:
    crash = Answer(fault=FAULTS[1][0])
    room, kernels = Room(crash, ANSWER, ANSWER, crash, ANSWER, crash, ANSWER, ANSWER), used()
    for seed in range(5):
        shared([replace(TASK, seed=seed)], Answers(tmp_path), room, kernels=kernels)
    assert room.kernels == [KERNEL, None, KERNEL, KERNEL, None, KERNEL, None, None]
    missing = kernels.missing()
    assert missing is not None
    assert missing.args == {"why": "code -11"}


@pytest.mark.parametrize("second", [Answer(fault=FAULTS[1][0]), FAILED[0]])
def test_a_training_that_no_room_survives_is_not_the_kernels_failure(
    tmp_path: Path, second: Answer
) -> None:
    room, kernels = Room(Answer(fault=FAULTS[1][0]), second), used()
    assert shared([TASK], Answers(tmp_path), room, kernels=kernels)[TASK.id] == second
    assert kernels.failures() is None


@pytest.mark.parametrize("failed", FAILED)
def test_a_training_that_fails_by_itself_says_nothing_about_the_kernel(
    tmp_path: Path, failed: Answer
) -> None:
    """Nor does one that has to be stopped: without the kernel it would be slower."""
    batch, room, kernels = Failures(), Room(failed), used()
    for _ in range(2):
        found = shared([TASK], Answers(tmp_path, batch), room, kernels=kernels)
        assert found[TASK.id] == failed
    assert room.kernels == [KERNEL]
    assert kernels.failures() is None
