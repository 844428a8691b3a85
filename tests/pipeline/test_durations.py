"""What records say of how long notebooks take."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.load import load_course
from grader.pipeline import durations
from grader.pipeline.durations import devices, of_course, recorded
from grader.record.store import Store
from tests.support import builders as b

ROOT = Path(__file__).resolve().parents[2]
LSTM, GRU = "multiplication-lstm", "multiplication-gru"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_each_run_counts_once_and_the_median_is_usual(store: Store) -> None:
    for student, seconds in (("kim", 10.0), ("lee", 20.0), ("park", 90.0)):
        store.save(b.record(student, LSTM, seconds=seconds))
    found = recorded(store)[LSTM]
    assert found.seconds == (10.0, 20.0, 90.0)
    assert found.usual == 20.0


def test_a_notebook_of_several_exercises_is_shared_among_them(store: Store) -> None:
    for exercise in (LSTM, GRU):
        store.save(b.record("kim", exercise, submission="kim/chapter.ipynb", seconds=50.0))
    assert [recorded(store)[one].seconds for one in (LSTM, GRU)] == [(25.0,), (25.0,)]


def test_what_was_not_run_says_nothing(store: Store) -> None:
    store.save(b.record("kim", LSTM, same_as="lee/multiplication-lstm.ipynb"))
    store.save(b.record("lee", LSTM, evidence=None))
    store.save(b.ungraded("park", LSTM))
    assert recorded(store) == {}
    assert devices(store) == ()


def test_a_gpu_and_a_core_are_two(store: Store) -> None:
    store.save(b.record("kim", LSTM, seconds=30.0))
    store.save(b.record("lee", LSTM, seconds=12.0, device="NVIDIA T4"))
    assert recorded(store, "cpu")[LSTM].seconds == (30.0,)
    assert recorded(store, "NVIDIA T4")[LSTM].seconds == (12.0,)
    assert devices(store) == ("NVIDIA T4", "cpu")


def test_of_many_the_newest_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "ENOUGH", 2)
    for number in range(5):
        store.save(b.record(f"s{number}", LSTM, seconds=float(number)))
    assert recorded(store)[LSTM].seconds == (3.0, 4.0)


def test_where_nothing_is_recorded_the_reference_says_it(store: Store) -> None:
    store.save(b.record("kim", LSTM, seconds=30.0))
    known, guessed = of_course(load_course(ROOT), (LSTM, GRU), recorded(store))
    assert (known.recorded, known.seconds) == (True, (30.0,))
    assert not guessed.recorded
    assert guessed.usual > durations.START_SECONDS
