"""A trainer's room that lasts for a run: what begins anew, what does not, and when it ends."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from grader.room import RoomSpec
from grader.trainer.result import Trained, Untrainable
from grader.trainer.starting import MEMORY_MB
from grader.trainer.train import Job, train
from grader.trainer.work import BEFORE
from grader.trainer.workroom import Workroom, epoch_limit
from tests.support.orders import order
from tests.support.trainer_room import FakeRoom, Process, ServingRoom, good

JOB = Job(order(), seed=7)


def folder_of(room: FakeRoom) -> Path:
    return Path(room.processes[0].spec.argv[-1]).parent  # type: ignore[attr-defined]


def test_orders_of_one_run_are_trained_in_one_process() -> None:
    room = ServingRoom()
    with closing(Workroom(room)) as workroom:
        outcomes = [train([JOB], room, kept=workroom)[0] for _ in range(3)]
        assert room.processes[0].code is None
        assert list(folder_of(room).glob("*/*")) == [], "nothing is left of them"
    assert [type(one) for one in outcomes] == [Trained] * 3
    assert room.orders == [["0000", "0001", "0002"]]


def test_it_ends_with_its_run_and_leaves_nothing() -> None:
    room = ServingRoom()
    with closing(Workroom(room)) as workroom:
        train([JOB], room, kept=workroom)
        folder = folder_of(room)
        assert folder.is_dir()
    assert room.processes[0].code == -9
    assert not folder.exists()
    workroom.close()


def test_nothing_is_started_where_nothing_is_trained() -> None:
    room = ServingRoom()
    with closing(Workroom(room)):
        pass
    assert room.processes == []


def test_each_run_has_a_room_of_its_own() -> None:
    room = ServingRoom()
    for _ in range(2):
        with closing(Workroom(room)) as workroom:
            train([JOB], room, kept=workroom)
    assert room.orders == [["0000"], ["0000"]]


def test_a_room_that_ended_meanwhile_is_replaced() -> None:
    room = ServingRoom()
    with closing(Workroom(room)) as workroom:
        train([JOB], room, kept=workroom)
        room.processes[0].code = 1
        assert isinstance(train([JOB], room, kept=workroom)[0], Trained)
    assert len(room.processes) == 2


def test_what_earlier_orders_left_behind_is_no_fault_of_a_later_one() -> None:
    """It ends over its second order: that one is trained in a new room, and no control is asked."""
    room = ServingRoom({(0, 2): 137})
    with closing(Workroom(room)) as workroom:
        outcomes = [train([JOB], room, kept=workroom)[0] for _ in range(3)]
    assert [type(one) for one in outcomes] == [Trained] * 3
    assert room.orders == [["0000", "0001"], ["0000", "0001"]]


def test_an_order_that_ends_a_new_room_too_cannot_be_trained_and_the_next_can() -> None:
    room = ServingRoom({(0, 2): 139, (1, 1): 139})
    with closing(Workroom(room)) as workroom:
        outcomes = [train([JOB], room, kept=workroom)[0] for _ in range(3)]
    assert [type(one) for one in outcomes] == [Trained, Untrainable, Trained]
    assert outcomes[1] == Untrainable("ended", "code 139")


def test_memory_that_grew_over_many_orders_costs_none_of_them() -> None:
    room = ServingRoom()
    with closing(Workroom(room)) as workroom:
        train([JOB], room, kept=workroom)
        room.processes[0].memory = MEMORY_MB + 1.0
        room.processes[0].done.append("0001")  # nothing comes of the second order
        assert isinstance(train([JOB], room, kept=workroom)[0], Trained)
    assert room.processes[0].code == -9
    assert len(room.processes) == 2


def test_what_ends_a_run_ends_its_room() -> None:
    room = ServingRoom()

    def meanwhile() -> None:
        raise KeyboardInterrupt

    workroom = Workroom(room)
    train([JOB], room, kept=workroom)
    room.processes[0].done.append("0001")  # it goes on and on over this one
    with pytest.raises(KeyboardInterrupt):
        train([JOB], room, kept=workroom, meanwhile=meanwhile)
    assert room.processes[0].code == -9
    assert not workroom.used


def test_a_room_of_its_own_is_closed_when_all_is_trained() -> None:
    room = ServingRoom()
    train([JOB, JOB], room)
    assert room.orders == [["0000", "0001"]]
    assert room.processes[0].code == -9
    assert isinstance(train([JOB], FakeRoom(good))[0], Trained)


# --- many in one program -----------------------------------------------------------------------


class Hanging(FakeRoom):
    """A room of many that tells of some epochs, one a second, and then no more."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs, self.now = epochs, 0.0

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        self.out = Path(spec.argv[4])
        return Process(None)

    def clock(self) -> float:
        """Each look takes ten seconds, until there is nothing to tell."""
        self.now += 10.0
        epoch = int(self.now // 20)
        if epoch < self.epochs:
            (self.out / "progress").write_text(json.dumps([0, epoch]))
        return self.now


@pytest.mark.parametrize("epochs", [0, 30])
def test_many_at_once_have_a_limit_for_each_epoch_and_a_device_that_hangs_is_ended(
    epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.trainer.workroom.POLL_SECONDS", 0.0)
    jobs, room = [JOB] * 3, Hanging(epochs)
    limit = epoch_limit(jobs)
    assert BEFORE < limit < JOB.order.work.limit
    with closing(Workroom(room, clock=room.clock, together=True)) as workroom:
        ending, found = workroom.do(jobs, lambda: None)
    assert found == {}
    assert ending is not None
    assert ending.stopped == f"{round(limit)} s"
    assert limit < room.now - 20.0 * epochs < limit + 50.0
