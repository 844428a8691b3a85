"""From an order to its outcome: equal work once, and going on from what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.trainer.asking import train_once
from grader.trainer.order import Order, read_order
from grader.trainer.result import Trained
from grader.trainer.results import Results
from grader.types import GraderError
from tests.support.orders import ARRAYS, claim, order
from tests.support.trainer_room import FakeRoom, good

SECRET = b"s" * 32


def going_on(key: str) -> Order:
    return read_order(claim(after={"result": key, "optimizer": "goes_on"}), ARRAYS, {key})


def test_equal_work_asks_one_room(tmp_path: Path) -> None:
    room, results = FakeRoom(good), Results(tmp_path)
    first = train_once(order(), room, results, secret=SECRET)
    same = train_once(order(), room, results, secret=SECRET)
    assert (first.known, same.known) == (False, True)
    assert first.key == same.key
    assert len(room.asked) == 1


def test_another_attempt_is_trained_for_itself(tmp_path: Path) -> None:
    room, results = FakeRoom(good, good), Results(tmp_path)
    keys = {train_once(order(), room, results, secret=SECRET, attempt=n).key for n in (0, 1)}
    assert len(keys) == len(room.asked) == 2


def test_a_training_goes_on_from_the_kept_result(tmp_path: Path) -> None:
    room, results = FakeRoom(good, good), Results(tmp_path)
    first = train_once(order(), room, results, secret=SECRET)
    second = train_once(going_on(first.key), room, results, secret=SECRET)
    assert isinstance(second.outcome, Trained)
    assert second.key != first.key


def test_a_result_that_is_not_kept_any_more_is_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(GraderError) as fault:
        train_once(going_on("a" * 64), FakeRoom(), Results(tmp_path), secret=SECRET)
    assert fault.value.message.id == "trainer.forgotten"
