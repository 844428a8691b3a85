"""A class on imagined machines: never faster than possible, nothing lost, failures cost time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.pipeline.portions import PORTION_SECONDS
from grader.pipeline.simulation import (
    Machines,
    SimulatedJob,
    lower_bound,
    one_queue,
    own_parts,
)

JOBS = st.lists(
    st.builds(SimulatedJob, st.floats(1, 900), st.floats(1, 900)), min_size=1, max_size=80
)
WAYS: Any = pytest.mark.parametrize("way", [one_queue, own_parts])


def equal_jobs(count: int, seconds: float = 60.0) -> list[SimulatedJob]:
    return [SimulatedJob(seconds, seconds)] * count


@WAYS
@given(jobs=JOBS, count=st.integers(1, 6), places=st.integers(1, 4))
def test_no_way_beats_the_bound(way: Any, jobs: Any, count: int, places: int) -> None:
    found = way(jobs, Machines(count, places))
    assert found.seconds >= found.bound * (1 - 1e-9)
    assert (found.failures, found.lost) == (0, 0.0)


@given(jobs=JOBS, count=st.integers(1, 6), places=st.integers(1, 4))
def test_one_queue_is_at_most_a_portion_behind_an_even_share(
    jobs: Any, count: int, places: int
) -> None:
    # Graham: nobody is idle while something waits, so whoever ends last began before the even share.
    exact = [SimulatedJob(job.seconds, job.seconds) for job in jobs]
    longest = max(PORTION_SECONDS, *(job.seconds for job in exact))
    even = sum(job.seconds for job in exact) / (count * places)
    assert one_queue(exact, Machines(count, places)).seconds <= even + longest


@WAYS
def test_one_machine_with_one_place_takes_the_sum(way: Any) -> None:
    found = way(equal_jobs(10), Machines(1, 1))
    assert found.seconds == pytest.approx(600)
    assert found.beyond == pytest.approx(0)


def test_parts_of_ones_own_wait_for_the_slowest_machine() -> None:
    long, short = SimulatedJob(600, 600), SimulatedJob(60, 60)
    machines = Machines(2, 1)
    batch = [long, short] * 5  # all long ones in the first part
    assert own_parts(batch, machines).seconds == pytest.approx(3000)
    assert one_queue(batch, machines).seconds < 3000


@WAYS
def test_a_machine_that_fails_costs_its_own_jobs_and_no_other(way: Any) -> None:
    jobs = equal_jobs(400, 120)
    sound = way(jobs, Machines(4, 2))
    failing = way(jobs, Machines(4, 2, fails_after=0.5), seed=3)
    assert failing.failures > 0
    assert 0 < failing.lost < failing.failures * 120
    assert failing.seconds > sound.seconds


@WAYS
@settings(max_examples=30)
@given(jobs=JOBS, seed=st.integers(0, 100))
def test_whatever_fails_all_is_done_in_the_end(way: Any, jobs: Any, seed: int) -> None:
    machines = Machines(3, 2, fails_after=1.0)
    found = way(jobs, machines, seed)
    assert found.seconds >= lower_bound(jobs, machines) * (1 - 1e-9)


@WAYS
def test_the_same_seed_gives_the_same_failures(way: Any) -> None:
    machines = Machines(4, 2, fails_after=0.5)
    jobs = equal_jobs(300, 100)
    assert way(jobs, machines, 7) == way(jobs, machines, 7)
    assert way(jobs, machines, 7) != way(jobs, machines, 8)


@WAYS
def test_while_a_machine_is_down_it_does_nothing(way: Any) -> None:
    jobs = equal_jobs(100, 100)
    down, soon = (Machines(1, 1, fails_after=0.5, down_minutes=each) for each in (30.0, 0.0))
    found = way(jobs, down, 5)
    assert found.failures > 0
    assert found.seconds > 30 * 60 * found.failures
    assert way(jobs, soon, 5).seconds < found.seconds


def test_nothing_to_do_takes_no_time() -> None:
    assert one_queue([], Machines(3, 2)).seconds == own_parts([], Machines(3, 2)).seconds == 0.0
