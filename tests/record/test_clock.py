"""A clock that is set back, forward or to 1970 hides no result: what was saved last counts."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader.course.load import load_course
from grader.pipeline.grader import GradeGroups, Grader, Workplace
from grader.pipeline.job import Settings
from grader.record import store as storing
from grader.record.store import Store
from grader.types import Record, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, NoRoom

NOW = 1_800_000_000 * 10**9
DAY = 86_400 * 10**9
CLOCKS = {
    "set back": (NOW, NOW - DAY, NOW - 2 * DAY),
    "to 1970": (NOW, 0, 5),
    "before 1970": (NOW, -DAY, -2 * DAY),
    "ahead, then right": (NOW, NOW + 36_500 * DAY, NOW),
    "beyond all bounds": (NOW, 2**63 - 1, NOW),
    "still": (NOW, NOW, NOW),
}

SetClock = Callable[[int], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets the clock that records are saved by."""
    times = SimpleNamespace(time_ns=lambda: NOW)
    monkeypatch.setattr(storing, "time", times)

    def set_to(nanoseconds: int) -> None:
        times.time_ns = lambda: nanoseconds

    return set_to


def graded(score: float) -> Record:
    return b.record(salt=score, grade=b.grade(Verdict.UNTRAINED, score))


def latest_score(out: Path) -> float | None:
    (record,) = Store(out).latest()
    return record.grade.score


@pytest.mark.parametrize("times", CLOCKS.values(), ids=CLOCKS)
def test_within_a_batch_the_last_saved_counts(
    tmp_path: Path, clock: SetClock, times: tuple[int, ...]
) -> None:
    with Store(tmp_path) as store:
        for score, time in enumerate(times):
            clock(time)
            store.save(graded(score))
            assert [one.grade.score for one in store.latest()] == [score]
    assert latest_score(tmp_path) == len(times) - 1


@pytest.mark.parametrize("times", CLOCKS.values(), ids=CLOCKS)
def test_the_next_grader_s_counts_more_than_the_one_s_before(
    tmp_path: Path, clock: SetClock, times: tuple[int, ...]
) -> None:
    for score, time in enumerate(times):
        clock(time)
        with Store(tmp_path) as store:
            store.save(graded(score))
        assert latest_score(tmp_path) == score


@pytest.mark.parametrize("times", CLOCKS.values(), ids=CLOCKS)
def test_a_worker_with_another_clock_saves_later_than_what_was_there(
    tmp_path: Path, clock: SetClock, times: tuple[int, ...]
) -> None:
    room: Any = NoRoom()
    for score, time in enumerate(times):
        with Store(tmp_path) as store:
            work = GradeGroups(Grader(load_course(ROOT), room, store, Settings(b"s" * 32)))
            workplace = pickle.loads(pickle.dumps(work))
            assert isinstance(workplace, Workplace)
            clock(time)
            worker = Store(workplace.out, workplace.saved_after)
            worker.save(graded(score))
            worker.close()
        assert latest_score(tmp_path) == score
