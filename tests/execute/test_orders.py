"""Where trainings are asked for and answered: what the driver wrote is a claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.execute import orders as module
from grader.execute.caps import HEAD_BYTES, WHY_TEXT
from grader.execute.orders import Meanwhile, Orders, Reply
from grader.execution import Training
from grader.types import GraderError, Message


class Trainer:
    """Trains nothing; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.claims: list[tuple[int, str]] = []
        self.fault: Exception | None = None

    def train(self, order: Path, arrays: Path, cell: int, meanwhile: Meanwhile) -> Reply:
        self.asked.append((order.name, arrays.name, cell))
        meanwhile()
        if self.fault is not None:
            raise self.fault
        return Reply({"result": f"{len(self.asked)}"}, b"weights")

    def claimed(self, cell: int, why: str) -> None:
        self.claims.append((cell, why))

    @property
    def trainings(self) -> tuple[Training, ...]:
        return ()

    def close(self) -> None:
        """There is nothing to end."""


class PlayedRun:
    def __init__(self, folder: Path) -> None:
        self.asked_in, self.answers = folder / "out" / "orders", folder / "in" / "answers"
        self.asked_in.mkdir(parents=True)
        self.answers.mkdir(parents=True)
        self.trainer = Trainer()
        self.orders = Orders(folder, self.trainer)

    def head(self, number: int, told: Any) -> None:
        (self.asked_in / f"{number:04d}.json").write_text(json.dumps(told))

    def look(self) -> None:
        self.orders.look(lambda: None)

    @property
    def answered(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.answers.iterdir()}


@pytest.fixture
def run(tmp_path: Path) -> PlayedRun:
    return PlayedRun(tmp_path)


ASKED = {"cell": 3, "claimed": None}


def test_each_order_is_trained_once_and_answered_once(run: PlayedRun) -> None:
    run.head(1, ASKED)
    run.look()
    run.look()
    assert run.trainer.asked == [("0001.order", "0001.npz", 3)]
    assert run.answered == {"0001.npz": b"weights", "0001.json": b'{"result": "1"}'}


def test_the_disk_holds_one_answer(run: PlayedRun) -> None:
    for number in (1, 2, 3):
        run.head(number, ASKED)
        run.look()
    assert sorted(run.answered) == ["0003.json", "0003.npz"]


def test_claims_are_noted_and_not_answered(run: PlayedRun) -> None:
    run.head(1, {"cell": 2, "claimed": "a callback of class Own"})
    run.head(2, ASKED)
    run.look()
    assert run.trainer.claims == [(2, "a callback of class Own")]
    assert sorted(run.answered) == ["0002.json", "0002.npz"]


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"cell": 1},
        {"cell": -1, "claimed": None},
        {"cell": "1", "claimed": None},
        {"cell": 1, "claimed": "x" * (WHY_TEXT + 1)},
        {"cell": 1, "claimed": 7},
        {"cell": 1, "claimed": None, "answer": {}},
        {"cell": 1, "claimed": " " * HEAD_BYTES},
    ],
    ids=lambda told: str(told)[:60],
)
def test_a_head_that_the_driver_would_not_write_is_passed_over(run: PlayedRun, told: Any) -> None:
    run.head(1, told)
    run.head(2, ASKED)
    run.look()
    assert run.trainer.claims == []
    assert run.trainer.asked == [("0002.order", "0002.npz", 3)]


def test_a_link_is_not_followed(run: PlayedRun, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps(ASKED))
    (run.asked_in / "0001.json").symlink_to(tmp_path / "elsewhere")
    run.look()
    assert run.trainer.asked == []


def test_nobody_asks_for_more_than_a_run_may(
    run: PlayedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ORDERS", 2)
    monkeypatch.setattr(module, "CLAIMED", 1)
    for number in range(1, 6):
        run.head(number, ASKED)
    run.look()
    assert len(run.trainer.asked) == 2


def test_a_fault_of_ours_is_no_answer(run: PlayedRun) -> None:
    run.trainer.fault = GraderError(Message("trainer.failed"))
    run.head(1, ASKED)
    with pytest.raises(GraderError):
        run.look()
    assert run.answered == {}


def test_what_ends_the_run_meanwhile_ends_the_training(run: PlayedRun) -> None:
    class EndedError(Exception):
        pass

    def meanwhile() -> None:
        raise EndedError

    run.head(1, ASKED)
    with pytest.raises(EndedError):
        run.orders.look(meanwhile)
    assert run.answered == {}


def test_the_time_of_every_training_is_counted(
    run: PlayedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([10.0, 17.0, 100.0, 101.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    for number in (1, 2):
        run.head(number, ASKED)
    run.look()
    assert run.orders.waited == 8


def test_at_the_end_claims_are_noted_and_orders_are_nobodys(run: PlayedRun) -> None:
    run.head(1, ASKED)
    run.head(2, {"cell": 2, "claimed": "late"})
    run.orders.close()
    assert (run.trainer.asked, run.trainer.claims) == ([], [(2, "late")])
