"""What lateness is and costs: days of the course's clock, never more points for being later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.policy.late import LatePolicy, days_between, lateness, time_of
from grader.types import Timing

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
DUE = datetime(2026, 5, 1, 18, 0, tzinfo=SEOUL)
TEN_A_DAY = LatePolicy(timedelta(minutes=15), 10, 40, 7)


def told(at: datetime) -> str:
    return at.isoformat()


@pytest.mark.parametrize(
    ("late", "timing", "days", "left"),
    [
        (timedelta(days=-3), Timing.IN_TIME, 0, 95.0),
        (timedelta(0), Timing.IN_TIME, 0, 95.0),
        (timedelta(minutes=15), Timing.GRACE, 0, 95.0),
        (timedelta(minutes=15, seconds=1), Timing.LATE, 1, 85.0),
        (timedelta(days=1), Timing.LATE, 1, 85.0),
        (timedelta(days=1, seconds=1), Timing.LATE, 2, 75.0),
        (timedelta(days=6), Timing.LATE, 6, 55.0),  # 40 at most
        (timedelta(days=7), Timing.LATE, 7, 55.0),
        (timedelta(days=7, seconds=1), Timing.CUT_OFF, 8, 0.0),
    ],
)
def test_what_a_delay_costs(late, timing, days, left):
    found = lateness(told(DUE + late), DUE, SEOUL, TEN_A_DAY)
    assert (found.timing, found.days) == (timing, days)
    assert TEN_A_DAY.left(95.0, 100.0, found.days) == pytest.approx(left)


def test_a_time_without_offset_is_the_course_s():
    assert time_of("2026-05-01T18:00:00", SEOUL) == DUE
    assert time_of("2026-05-01T09:00:00+00:00", SEOUL) == DUE


@pytest.mark.parametrize("text", ["", "upload 00000000000000000123", "yesterday", "0001-01-01T00"])
def test_what_tells_no_time_makes_nobody_late(text):
    found = lateness(text, DUE, SEOUL, TEN_A_DAY)
    assert (found.days, found.timing) in {(0, Timing.UNKNOWN), (0, Timing.IN_TIME)}


def test_a_mark_without_a_time_is_one_day_unless_a_grace_was_promised():
    marked = "upload 00000000000000000123 LATE"
    assert lateness(marked, DUE, SEOUL, LatePolicy(per_day=10)).days == 1
    assert lateness(marked, DUE, SEOUL, TEN_A_DAY).days == 0
    assert lateness(marked, None, SEOUL, LatePolicy(per_day=10)).timing is Timing.MARKED


def test_a_mark_says_nothing_of_somebody_with_more_time():
    found = lateness("upload 00000000000000000123 LATE", DUE, SEOUL, LatePolicy(), marks=False)
    assert (found.timing, found.days) == (Timing.UNKNOWN, 0)


def test_a_day_ends_at_the_same_time_of_the_clock_where_clocks_change():
    due = datetime(2026, 10, 31, 18, 0, tzinfo=NEW_YORK)  # that night clocks go back
    next_day = datetime(2026, 11, 1, 18, 0, tzinfo=NEW_YORK)
    assert next_day.astimezone(UTC) - due.astimezone(UTC) == timedelta(hours=25)
    assert days_between(due, next_day) == 1
    assert days_between(due, next_day + timedelta(seconds=1)) == 2


MOMENTS = st.integers(0, 10 * 365 * 24 * 3600).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
ZONES = st.sampled_from([UTC, SEOUL, NEW_YORK, ZoneInfo("Australia/Lord_Howe")])
POLICIES = st.builds(
    LatePolicy,
    st.integers(0, 4000).map(lambda minutes: timedelta(minutes=minutes)),
    st.floats(0, 100),
    st.floats(0, 100),
    st.none() | st.integers(0, 30),
)


@given(MOMENTS, MOMENTS, MOMENTS, ZONES, POLICIES, st.floats(0, 100))
def test_later_never_earns_more(due, one, other, zone, policy, score):
    sooner, later = sorted((one, other))
    left = [
        policy.left(score, 100.0, lateness(told(at), due.astimezone(zone), zone, policy).days)
        for at in (sooner, later)
    ]
    assert 0 <= left[1] <= left[0] <= score


@given(MOMENTS, MOMENTS, MOMENTS, ZONES, POLICIES, st.floats(0, 100))
def test_a_later_deadline_never_costs(at, one, other, zone, policy, score):
    sooner, later = (due.astimezone(zone) for due in sorted((one, other)))
    left = [
        policy.left(score, 100.0, lateness(told(at), due, zone, policy).days)
        for due in (sooner, later)
    ]
    assert left[0] <= left[1]


@given(MOMENTS, st.integers(-50, 50), ZONES)
def test_days_are_those_of_the_deadline_s_clock(due, days, zone):
    local = due.astimezone(zone)
    at = (local + timedelta(days=days)).astimezone(UTC)
    assert days_between(local, at) == max(0, days)
