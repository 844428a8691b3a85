"""Where trainings are asked for and answered: what the driver wrote is a claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.execute import desk as module
from grader.execute.caps import HEAD_BYTES, WHY_TEXT
from grader.execute.desk import Desk, Meanwhile, Reply
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


class Bench:
    def __init__(self, folder: Path) -> None:
        self.orders, self.answers = folder / "out" / "orders", folder / "in" / "answers"
        self.orders.mkdir(parents=True)
        self.answers.mkdir(parents=True)
        self.trainer = Trainer()
        self.desk = Desk(folder, self.trainer)

    def head(self, number: int, told: Any) -> None:
        (self.orders / f"{number:04d}.json").write_text(json.dumps(told))

    def look(self) -> None:
        self.desk.look(lambda: None)

    @property
    def answered(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.answers.iterdir()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ASKED = {"cell": 3, "claimed": None}


def test_each_order_is_trained_once_and_answered_once(bench: Bench) -> None:
    bench.head(1, ASKED)
    bench.look()
    bench.look()
    assert bench.trainer.asked == [("0001.order", "0001.npz", 3)]
    assert bench.answered == {"0001.npz": b"weights", "0001.json": b'{"result": "1"}'}


def test_the_disk_holds_one_answer(bench: Bench) -> None:
    for number in (1, 2, 3):
        bench.head(number, ASKED)
        bench.look()
    assert sorted(bench.answered) == ["0003.json", "0003.npz"]


def test_claims_are_noted_and_not_answered(bench: Bench) -> None:
    bench.head(1, {"cell": 2, "claimed": "a callback of class Own"})
    bench.head(2, ASKED)
    bench.look()
    assert bench.trainer.claims == [(2, "a callback of class Own")]
    assert sorted(bench.answered) == ["0002.json", "0002.npz"]


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
def test_a_head_that_the_driver_would_not_write_is_passed_over(bench: Bench, told: Any) -> None:
    bench.head(1, told)
    bench.head(2, ASKED)
    bench.look()
    assert bench.trainer.claims == []
    assert bench.trainer.asked == [("0002.order", "0002.npz", 3)]


def test_a_link_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps(ASKED))
    (bench.orders / "0001.json").symlink_to(tmp_path / "elsewhere")
    bench.look()
    assert bench.trainer.asked == []


def test_nobody_asks_for_more_than_a_run_may(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ORDERS", 2)
    monkeypatch.setattr(module, "CLAIMED", 1)
    for number in range(1, 6):
        bench.head(number, ASKED)
    bench.look()
    assert len(bench.trainer.asked) == 2


def test_a_fault_of_ours_is_no_answer(bench: Bench) -> None:
    bench.trainer.fault = GraderError(Message("trainer.failed"))
    bench.head(1, ASKED)
    with pytest.raises(GraderError):
        bench.look()
    assert bench.answered == {}


def test_what_ends_the_run_meanwhile_ends_the_training(bench: Bench) -> None:
    class EndedError(Exception):
        pass

    def meanwhile() -> None:
        raise EndedError

    bench.head(1, ASKED)
    with pytest.raises(EndedError):
        bench.desk.look(meanwhile)
    assert bench.answered == {}


def test_the_time_of_every_training_is_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([10.0, 17.0, 100.0, 101.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    for number in (1, 2):
        bench.head(number, ASKED)
    bench.look()
    assert bench.desk.waited == 8


def test_at_the_end_claims_are_noted_and_orders_are_nobodys(bench: Bench) -> None:
    bench.head(1, ASKED)
    bench.head(2, {"cell": 2, "claimed": "late"})
    bench.desk.close()
    assert (bench.trainer.asked, bench.trainer.claims) == ([], [(2, "late")])
