"""Looking leaves most of the time to others, however long a look takes."""

from __future__ import annotations

import pytest

from grader.room.seldom import Seldom


class World:
    """A clock, and something to look at that takes a while."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 0.0
        self.looks = 0

    def see(self) -> int:
        self.looks += 1
        self.now += self.seconds
        return self.looks

    def watched(self, every: float, until: float, *, urgent: bool = False) -> int:
        """How often is looked, where it is asked so often."""
        seldom = Seldom(lambda: self.now)
        while self.now < until:
            assert seldom.look(self.see, lambda: urgent) == self.looks
            self.now += every
        return self.looks


@pytest.mark.parametrize(("seconds", "most"), [(0.001, 2000), (0.05, 190), (1.0, 10)])
def test_looking_takes_a_tenth_of_the_time(seconds: float, most: int) -> None:
    looks = World(seconds).watched(0.05, 100.0)
    assert most * 0.8 <= looks <= most


def test_where_there_is_a_reason_it_takes_half_of_it() -> None:
    assert 40 <= World(1.0).watched(0.05, 100.0, urgent=True) <= 50


def test_what_takes_no_time_is_looked_at_each_time() -> None:
    assert World(0.0).watched(0.5, 100.0) == 200
