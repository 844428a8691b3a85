"""Jobs are put together into portions: none is lost, none too long, shorter ones in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.pipeline.portions import PORTION_SECONDS, portions

SECONDS = st.lists(st.floats(0, 2000, allow_nan=False), max_size=60)


@given(SECONDS, st.integers(1, 40))
def test_every_job_is_in_one_portion_and_the_order_stays(seconds: list[float], places: int) -> None:
    jobs = list(enumerate(seconds))
    found = portions(jobs, lambda job: job[1], places)
    assert [job for portion in found for job in portion] == jobs
    assert all(found)


@given(SECONDS, st.integers(1, 40))
def test_none_takes_longer_than_it_should_unless_one_job_does(
    seconds: list[float], places: int
) -> None:
    for portion in portions(seconds, float, places):
        assert len(portion) == 1 or sum(portion) <= PORTION_SECONDS


def test_long_batches_begin_with_five_minutes_and_end_with_single_jobs() -> None:
    found = [sum(one) for one in portions([10.0] * 10_000, float, 4)]
    assert found[0] == PORTION_SECONDS
    assert found[-1] == 10.0
    assert found == sorted(found, reverse=True)


def test_a_small_batch_is_not_given_to_one_worker_alone() -> None:
    assert portions([10.0] * 4, float, 4) == [(10.0,)] * 4


def test_jobs_of_which_nobody_knows_are_put_together() -> None:
    assert portions([0.0] * 5, float, 2) == [(0.0,) * 5]
