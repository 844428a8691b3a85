"""Many orders in one room: what is alike, what is kept, and what is left to be trained alone."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.evaluation.likeness import MOST_TOGETHER
from grader.gpus.gpus import OF_FREE
from grader.trainer.devices import Devices
from grader.trainer.many import (
    HOST_MB,
    LIBRARIES_MB,
    alike,
    device_mb,
    host_mb,
    train_batch,
    train_many,
)
from grader.trainer.order import Order
from grader.trainer.result import Outcome, Untrainable
from grader.trainer.results import Results
from grader.trainer.train import Job
from grader.types import GraderError, Message
from tests.support.gpu_room import GpuRoom
from tests.support.orders import order
from tests.support.played_gpus import gpu
from tests.support.trainer_room import FakeRoom, good, write


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine has free is no matter of chance."""
    monkeypatch.setattr("grader.environment.free_mb", lambda: 1e6)


JOBS = {letter * 64: Job(order(), seed=number) for number, letter in enumerate("abcd")}


def test_what_came_of_one_room_is_kept_by_its_keys(tmp_path: Path) -> None:
    room, results = FakeRoom(good), Results(tmp_path)
    assert train_many(JOBS, room, results) is None
    assert room.asked == [["0000", "0001", "0002", "0003"]]
    assert room.specs[0].argv[2].endswith("/grouped.py")
    assert all(results.get(key) is not None for key in JOBS)


def test_what_was_trained_before_is_not_asked_for(tmp_path: Path) -> None:
    results = Results(tmp_path)
    first = dict(list(JOBS.items())[:2])
    train_many(first, FakeRoom(good), results)
    room = FakeRoom(good)
    train_many(JOBS, room, results)
    assert room.asked == [["0000", "0001"]]
    train_many(JOBS, FakeRoom(), results)


def test_what_is_alone_has_no_room_for_many(tmp_path: Path) -> None:
    train_many(dict(list(JOBS.items())[:1]), FakeRoom(), Results(tmp_path))


def test_what_does_not_come_of_it_is_left_and_nobody_is_judged_by_it(tmp_path: Path) -> None:
    def some(path: Path, asked: Any, arrays: Any) -> None:
        if path.stem == "0001":
            good(path, asked, arrays)
        elif path.stem == "0002":
            write(path, {"failed": "fit", "error": "ValueError"}, {})

    results = Results(tmp_path)
    ending = train_many(JOBS, FakeRoom(some, code=139), results)
    assert ending is not None
    assert ending.code == 139
    assert [results.get(key) is not None for key in JOBS] == [False, True, False, False]


def test_what_no_code_of_ours_writes_is_our_fault(tmp_path: Path) -> None:
    def odd(path: Path, asked: Any, arrays: Any) -> None:
        path.write_text("{")

    with pytest.raises(GraderError):
        train_many(JOBS, FakeRoom(odd), Results(tmp_path))


# --- which are trained together ----------------------------------------------------------------


def fit(**changes: Any) -> Order:
    return order(fit={**order().fit.as_json(), "class_weight": None, **changes})


def large(rows: int = 40_000) -> Order:
    x = np.zeros((rows, 5, 2), np.float32)
    return order(arrays={"x": x, "y": x[:, 0, :1]})


def test_equal_layers_settings_and_shapes_make_a_batch_and_the_rest_is_left() -> None:
    longer, odd = fit(epochs=7), fit(epochs=9)
    orders = [order(), longer, order(seeds=[4]), odd, longer, order(seeds=[5])]
    assert alike(orders, 1, 1e6) == [[0, 2, 5], [1, 4]]


def test_what_decides_between_epochs_is_trained_alone() -> None:
    own = {
        "class_weight": fit(class_weight={"0": 1.0, "1": 2.0}),
        "each_epoch": order(each_epoch=True),
    }
    for one in own.values():
        assert alike([one, one], 1, 1e6) == []


def test_what_is_held_back_for_validation_is_checked_in_the_same_program() -> None:
    x = np.zeros((9, 5, 2), np.float32)
    given = {"x": x, "y": x[:, 0, :1], "validation_x": x[:4], "validation_y": x[:4, 0, :1]}
    for one in (fit(validation_split=0.2), order(arrays=given)):
        assert alike([one, one], 1, 1e6) == [[0, 1]]
    for one in (
        fit(validation_split=0.2, validation_freq=2),
        fit(validation_split=0.2, validation_steps=1),
    ):
        assert alike([one, one], 1, 1e6) == []  # not at the end of every epoch, not all of it


def test_a_batch_is_no_larger_than_a_device_or_than_what_may_be_lost_with_it() -> None:
    many = [order()] * (2 * MOST_TOGETHER + 1)
    assert [len(one) for one in alike(many, 1, 1e9)] == [683] * 3
    orders = [order()] * 600
    fits = alike(orders, 1, 100.5 * device_mb(order()))
    assert {len(one) for one in fits} == {100}
    assert sorted(place for batch in fits for place in batch) == [*range(600)]
    assert alike(orders, 1, 1.5 * device_mb(order())) == []


def test_a_batch_is_no_larger_than_the_machines_memory_holds_beside_a_large_device() -> None:
    (first, *_) = alike([large(200_000)] * MOST_TOGETHER, 1, 1e9)
    assert 1 < len(first) < MOST_TOGETHER
    assert len(first) * host_mb(large(200_000)) <= HOST_MB


@pytest.mark.parametrize(("devices", "count"), [(1, 100), (4, 25), (32, 3)])
def test_no_batches_beside_each_other_take_more_of_the_machine_than_is_free(
    monkeypatch: pytest.MonkeyPatch, devices: int, count: int
) -> None:
    """Of what is free CUDA's libraries take theirs for each device."""
    free = devices * LIBRARIES_MB + 100.5 * host_mb(large())
    monkeypatch.setattr("grader.environment.free_mb", lambda: free)
    sizes = {len(one) for one in alike([large()] * 800, devices, 1e9)}
    assert max(sizes) == count


def test_a_machine_that_is_full_trains_nothing_beside_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grader.environment.free_mb", lambda: LIBRARIES_MB - 1)
    assert alike([order()] * 20, 1, 1e9) == []


def test_where_memory_is_short_fewer_devices_have_a_batch_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grader.environment.free_mb", lambda: 3 * LIBRARIES_MB)
    batches = alike([order()] * 100, 4, 1e9)
    assert [len(one) for one in batches] == [50, 50]


def test_several_devices_share_a_batch_unless_it_is_small() -> None:
    assert [len(one) for one in alike([order()] * 100, 4, 1e6)] == [25] * 4
    assert [len(one) for one in alike([order()] * 20, 4, 1e6)] == [10, 10]
    assert [len(one) for one in alike([order()] * 5, 4, 1e6)] == [5]


# --- on a device -------------------------------------------------------------------------------


def lent_one(told: list[Message]) -> Devices:
    return Devices((gpu(0),), told.append, lambda: (gpu(0),))


def test_a_batch_is_trained_on_the_device_that_is_lent(tmp_path: Path) -> None:
    room, told, results = GpuRoom(FakeRoom()), list[Message](), Results(tmp_path)
    train_batch(JOBS, lent_one(told), room, results)  # type: ignore[arg-type]
    assert [spec.devices for spec in room.batches] == [("/dev/nvidia0",)]
    assert all(results.get(key) is not None for key in JOBS)
    assert told == []


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ((139, 2, "CUDA error: an illegal memory access"), "CUDA error: an illegal memory access"),
        ((0, 0, "RESOURCE_EXHAUSTED: out of memory"), "RESOURCE_EXHAUSTED: out of memory"),
        ((1, 0, ""), "code 1"),
    ],
)
def test_a_fault_of_the_device_leaves_the_rest_and_is_told_once(
    tmp_path: Path, end: tuple[int, int, str], why: str
) -> None:
    room, told = GpuRoom(FakeRoom(), ends={0: end}), list[Message]()
    results = Results(tmp_path)
    train_batch(JOBS, lent_one(told), room, results)  # type: ignore[arg-type]
    assert [one.id for one in told] == ["device.failed"]
    assert (told[0].args["orders"], told[0].args["why"]) == (4 - end[1], why)
    assert sum(results.get(key) is not None for key in JOBS) == end[1]


def test_what_no_code_of_ours_writes_is_told_of_a_device_too(tmp_path: Path) -> None:
    def odd(path: Path, asked: Any, arrays: Any) -> None:
        path.write_text("{")

    told: list[Message] = []
    train_batch(JOBS, lent_one(told), GpuRoom(FakeRoom(), odd), Results(tmp_path))  # type: ignore[arg-type]
    assert [one.id for one in told] == ["device.failed"]


def test_a_batch_that_is_trained_waits_for_no_other_grader_once_all_is_over(tmp_path: Path) -> None:
    """One of four is just trained by somebody else: theirs will be kept, the others are now."""
    told, results, over = list[Message](), Results(tmp_path), threading.Event()

    def answer(path: Path, asked: Any, arrays: Any) -> None:
        over.set()
        good(path, asked, arrays)

    def theirs() -> Outcome:
        room: Any = GpuRoom(FakeRoom(), answer)
        train_batch(JOBS, lent_one(told), room, results, over=over.is_set)
        return Untrainable("fit", "theirs")

    first, *others = JOBS
    results.once(first, theirs)
    assert [results.get(key) is not None for key in (first, *others)] == [False, True, True, True]
    assert told == []


def test_a_disk_that_refuses_is_no_fault_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise GraderError(Message("disk.full"))

    told: list[Message] = []
    monkeypatch.setattr(Results, "put", full)
    train_batch(JOBS, lent_one(told), GpuRoom(FakeRoom()), Results(tmp_path))  # type: ignore[arg-type]
    assert told == []


def test_room_on_a_device_is_asked_for_what_is_not_known_yet_alone(tmp_path: Path) -> None:
    jobs = {key: Job(large(), seed=one.seed) for key, one in JOBS.items()}
    told, results = list[Message](), Results(tmp_path)
    train_many(dict(list(jobs.items())[:2]), FakeRoom(good), results)
    small = replace(gpu(0), memory_mb=math.ceil(3 * device_mb(large()) / OF_FREE))
    lender = Devices((small,), told.append, lambda: (small,), patience=0.0)
    room = GpuRoom(FakeRoom())
    train_batch(jobs, lender, room, results)  # type: ignore[arg-type]
    assert (room.sizes, told) == ([2], [])


def test_once_all_is_over_no_batch_begins(tmp_path: Path) -> None:
    room, told = GpuRoom(FakeRoom()), list[Message]()
    train_batch(JOBS, lent_one(told), room, Results(tmp_path), over=lambda: True)  # type: ignore[arg-type]
    assert (room.tried, room.batches, told) == ([], [], [])


def test_what_others_trained_meanwhile_is_no_fault_of_the_device(tmp_path: Path) -> None:
    told, results = list[Message](), Results(tmp_path)
    train_many(dict(list(JOBS.items())[:3]), FakeRoom(good), results)
    room = GpuRoom(FakeRoom())
    train_batch(JOBS, lent_one(told), room, results)  # type: ignore[arg-type]
    assert (room.batches, told) == ([], [])


def test_what_others_train_while_a_device_is_waited_for_is_no_work_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault is forgiven by a batch that was trained, not by one that others had trained."""
    results, told = Results(tmp_path), list[Message]()
    lender, worked = lent_one(told), list[object]()
    monkeypatch.setattr(lender, "worked", worked.append)

    def meanwhile(*_: object) -> str:
        train_many(JOBS, FakeRoom(good), results)
        return ""

    monkeypatch.setattr(lender, "_check", meanwhile)
    room = GpuRoom(FakeRoom())
    train_batch(JOBS, lender, room, results)  # type: ignore[arg-type]
    assert (room.batches, told, worked) == ([], [], [])


def test_what_one_trained_that_is_found_unfit_afterwards_is_trained_anew(tmp_path: Path) -> None:
    said, told, results = [""], list[Message](), Results(tmp_path)
    room = GpuRoom(FakeRoom(), said=lambda _: said[0], ends={1: (139, 1, "ECC")})
    lender = lent_one(told)
    batches = [
        {f"{batch}{n:063x}": Job(order(), seed=n) for n in range(2)} for batch in ("a", "b", "c")
    ]
    for number, jobs in enumerate(batches):
        train_batch(jobs, lender, room, results)  # type: ignore[arg-type]
        said[0] = "w_0000: 1.0e-02 from what a core learns" if number else ""
    assert [one.id for one in told] == ["device.failed", "device.unfit"]
    assert room.sizes == [2, 2]
    assert [results.get(key) for jobs in batches for key in jobs] == [None] * 6
