"""Many orders in one room: what is kept, and what is left to be trained alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.trainer.many import train_many
from grader.trainer.results import Results
from grader.trainer.train import Job
from grader.types import GraderError
from tests.support.orders import order
from tests.support.trainer_room import FakeRoom, good, write

JOBS = {letter * 64: Job(order(), seed=number) for number, letter in enumerate("abcd")}


def test_what_came_of_one_room_is_kept_by_its_keys(tmp_path: Path) -> None:
    room, results = FakeRoom(good), Results(tmp_path)
    train_many(JOBS, room, results)
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
    train_many(JOBS, FakeRoom(some, code=139), results)
    assert [results.get(key) is not None for key in JOBS] == [False, True, False, False]


def test_what_no_code_of_ours_writes_is_our_fault(tmp_path: Path) -> None:
    def odd(path: Path, asked: Any, arrays: Any) -> None:
        path.write_text("{")

    with pytest.raises(GraderError):
        train_many(JOBS, FakeRoom(odd), Results(tmp_path))
