"""A class graded on machines that are only imagined: how long, and how far from the best possible.

Enters: expected and true seconds of jobs, machines that fail now and then. Leaves: Simulated.
Touches nothing; the same seed gives the same failures.

Who does what is decided as the runners decide it: the longest expected job first, in portions, to
whoever is free; or, by ``--shard``, each machine its own part from the beginning. A machine that
fails loses the jobs that it was in the middle of, and no other: what was done is recorded.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from grader.pipeline.portions import portions

HOUR = 3600.0


@dataclass(frozen=True)
class Machines:
    """Equal machines. ``fails_after``: hours between two failures of one of them; None: never."""

    count: int
    places: int  # jobs at the same time on one of them
    fails_after: float | None = None
    down_minutes: float = 10.0


@dataclass(frozen=True)
class SimulatedJob:
    """Seconds that a job is expected to take, and that it will have taken."""

    expected: float
    seconds: float


@dataclass(frozen=True)
class Simulated:
    """How it went: ``seconds`` from the begin to the last result."""

    seconds: float
    failures: int  # that met a job
    lost: float  # seconds of work that had to be done again
    bound: float  # no way of giving out the jobs is faster

    @property
    def beyond(self) -> float:
        """How much longer than the bound, as a share of it."""
        return self.seconds / self.bound - 1 if self.bound else 0.0


def lower_bound(jobs: Sequence[SimulatedJob], machines: Machines) -> float:
    """Give seconds that no schedule beats: all places busy all the time, or the longest job."""
    work = math.fsum(job.seconds for job in jobs)
    longest = max((job.seconds for job in jobs), default=0.0)
    return max(work / (machines.count * machines.places), longest)


def one_queue(jobs: Sequence[SimulatedJob], machines: Machines, seed: int = 1) -> Simulated:
    """Simulate machines that are given work as they become free."""
    state = _Run(_longest_first(jobs), machines, random.Random(seed))  # noqa: S311 - a simulation
    return Simulated(state.run(), state.failures, state.lost, lower_bound(jobs, machines))


def own_parts(jobs: Sequence[SimulatedJob], machines: Machines, seed: int = 1) -> Simulated:
    """Simulate ``--shard I/N``: every machine does its own part, whatever the others do."""
    alone = Machines(1, machines.places, machines.fails_after, machines.down_minutes)
    parts = [
        _Run(_longest_first(jobs[number :: machines.count]), alone, random.Random(seed + number))  # noqa: S311
        for number in range(machines.count)
    ]
    return Simulated(
        max((part.run() for part in parts), default=0.0),
        sum(part.failures for part in parts),
        math.fsum(part.lost for part in parts),
        lower_bound(jobs, machines),
    )


def _longest_first(jobs: Sequence[SimulatedJob]) -> list[SimulatedJob]:
    return sorted(jobs, key=lambda job: -job.expected)


@dataclass
class _Machine:
    """One machine's failures, drawn as far as anybody asks."""

    draw: random.Random
    every: float  # seconds between two failures, on average
    down: float
    fails: list[float] = field(default_factory=list)

    def next_failure(self, now: float) -> float:
        """Give when it fails next, after ``now``; it is up at ``now``."""
        if math.isinf(self.every):
            return math.inf
        while not self.fails or self.fails[-1] <= now:
            begin = self.fails[-1] + self.down if self.fails else 0.0
            self.fails.append(begin + self.draw.expovariate(1 / self.every))
        return self.fails[-1]


class _Run:
    """Events in the order of time: a place becomes free, or jobs come back from a machine."""

    def __init__(
        self, jobs: Sequence[SimulatedJob], machines: Machines, draw: random.Random
    ) -> None:
        places = machines.count * machines.places
        self.waiting = deque(portions(jobs, lambda job: job.expected, places))
        self.left = len(jobs)
        self.failures, self.lost, self.end = 0, 0.0, 0.0
        every = math.inf if machines.fails_after is None else machines.fails_after * HOUR
        down = machines.down_minutes * 60
        self.machines = [
            _Machine(random.Random(draw.random()), every, down)  # noqa: S311 - a simulation
            for _ in range(machines.count)
        ]
        self.order = itertools.count()
        self.events: list[tuple[float, int, int | None, tuple[SimulatedJob, ...]]] = []
        self.idle: list[int] = []
        for _ in range(machines.places):
            for number in range(machines.count):
                self._at(0.0, number)

    def run(self) -> float:
        """Give the seconds until the last job is done."""
        while self.left:
            now, _, machine, back = heapq.heappop(self.events)
            if machine is None:
                self.waiting.appendleft(back)
                self._wake(now)
            elif not self.waiting:
                self.idle.append(machine)
            else:
                self._work(now, machine)
        return self.end

    def _at(self, time: float, machine: int | None, back: tuple[SimulatedJob, ...] = ()) -> None:
        heapq.heappush(self.events, (time, next(self.order), machine, back))

    def _wake(self, now: float) -> None:
        for machine in self.idle:
            self._at(now, machine)
        self.idle.clear()

    def _work(self, now: float, number: int) -> None:
        """Do the next portion, up to its end or to the machine's."""
        machine = self.machines[number]
        since = self._up(now, machine)
        if since > now:
            self._at(since, number)
            return
        fails = machine.next_failure(now)
        portion = self.waiting.popleft()
        for place, job in enumerate(portion):
            if now + job.seconds > fails:
                self.failures += 1
                self.lost += fails - now
                self._at(fails, None, portion[place:])
                self._at(fails + machine.down, number)
                return
            now += job.seconds
            self.left -= 1
            self.end = max(self.end, now)
        self._at(now, number)

    @staticmethod
    def _up(now: float, machine: _Machine) -> float:
        """Give when a machine is up again that may be down at ``now``."""
        before = next((one for one in reversed(machine.fails) if one <= now), -math.inf)
        return max(now, before + machine.down)
