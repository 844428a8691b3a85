"""Strikes graders and their rooms with SIGKILL at random moments; in the end all must be well.

    python -m tests.chaos.strike --kills 50

Enters: how often, at whom, a seed for the moments. Leaves: a Report; exit code 1 where something
was lost, doubled, changed or left behind. Touches: kills processes that it started.

At most one room is struck per submission: a kernel that dies by SIGKILL is run once more, and the
second time it is the notebook's own doing as far as anybody can tell.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.chaos.arena import UNGRADED, Arena

COORDINATOR, FORK_SERVER = "coordinator", "fork-server"
# Who is struck, and by which word of its command line it is known.
SCRIPTS = {
    "kernel": "/kernel/start.py",
    "driver": "/driver/converse.py",
    "worker": "/evaluation/worker.py",
    FORK_SERVER: "fork-server",  # of warm rooms; its death costs no room
}
VICTIMS = (COORDINATOR, *SCRIPTS, "bwrap")
LOOK_SECONDS = 0.03
APPEAR_SECONDS = 30.0
FRUITLESS = 2  # a third death at the same submission would put it aside, as it should
MORE_ROUNDS = 3


@dataclass
class Report:
    """What was done, and what was found wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    rounds_after: int = 0  # until nothing was ungraded
    ungraded_before: int = 0
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)


@dataclass
class _Turn:
    """Who may be struck next without its being the notebook's own doing."""

    quiet_until: int = 0  # records that must be there before a room is struck again
    deaths: Counter[int] = field(default_factory=Counter)  # of the grader, by records there were

    def may_die(self, victim: str, done: int) -> bool:
        if victim == COORDINATOR:
            return self.deaths[done] < FRUITLESS
        if victim == FORK_SERVER:
            return True
        return done >= self.quiet_until


def strike(
    arena: Arena, kills: int, rng: random.Random, victims: tuple[str, ...] = VICTIMS
) -> Report:
    """Grade the arena's class under fire, then in peace until nothing is ungraded."""
    began = time.monotonic()
    truth = arena.truth()
    pace = arena.pace()
    report = Report()
    turn = _Turn()
    running = _started(arena, report)
    each = _in_turn(victims, random.Random(rng.random()))
    victim = next(each)
    while report.kills.total() < kills and running.poll() is None:
        if not turn.may_die(victim, arena.done()):
            _pass_time(arena, running, LOOK_SECONDS)
            continue
        if not _wait_for(arena, running, victim):
            continue
        _pass_time(arena, running, rng.uniform(0, pace))
        if not _hit(arena, running, victim, rng):
            continue
        report.kills[victim] += 1
        if victim == COORDINATOR:
            running.wait()
            turn.deaths[arena.done()] += 1
            arena.remember()
            report.complaints += [f"outlived its grader: {one}" for one in arena.outlived()]
            running = _started(arena, report)
        elif victim != FORK_SERVER:
            turn.quiet_until = arena.done() + (1 if arena.jobs == 1 else 2 * arena.jobs)
        victim = next(each)
    code = _to_the_end(arena, running)
    while code == UNGRADED and report.rounds_after < MORE_ROUNDS:
        ungraded = sum(not one["graded"] for one in arena.results())
        report.ungraded_before = report.ungraded_before or ungraded
        report.rounds_after += 1
        code = _to_the_end(arena, _started(arena, report))
    report.complaints += arena.complaints(truth)
    report.seconds = time.monotonic() - began
    return report


def _in_turn(victims: tuple[str, ...], rng: random.Random) -> Iterator[str]:
    """Give every victim once before anybody is struck again, the grader itself first."""
    while True:
        yield from sorted(rng.sample(victims, len(victims)), key=lambda one: one != COORDINATOR)


def _started(arena: Arena, report: Report) -> subprocess.Popen[str]:
    report.starts += 1
    return arena.start()


def _to_the_end(arena: Arena, running: subprocess.Popen[str]) -> int:
    while running.poll() is None:
        _pass_time(arena, running, 0.2)
    return running.wait()


def _pass_time(arena: Arena, running: subprocess.Popen[str], seconds: float) -> None:
    """Wait, remembering who is seen."""
    deadline = time.monotonic() + seconds
    while running.poll() is None and (left := deadline - time.monotonic()) > 0:
        arena.family(running.pid)
        time.sleep(min(left, 0.1))


def _wait_for(arena: Arena, running: subprocess.Popen[str], victim: str) -> bool:
    deadline = time.monotonic() + APPEAR_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        if victim == COORDINATOR or _found(arena, running, victim):
            return True
        time.sleep(LOOK_SECONDS)
    return False


def _found(arena: Arena, running: subprocess.Popen[str], victim: str) -> list[psutil.Process]:
    return [one for one in arena.family(running.pid) if _is(one, victim)]


def _is(process: psutil.Process, victim: str) -> bool:
    try:
        name, words = process.name(), process.cmdline()
    except psutil.Error:
        return False
    if victim == "bwrap":
        return name == "bwrap"
    script = SCRIPTS[victim]
    return name.startswith("python") and any(word.endswith(script) for word in words)


def _hit(arena: Arena, running: subprocess.Popen[str], victim: str, rng: random.Random) -> bool:
    """Kill one; false where it was gone by then."""
    if victim == COORDINATOR:
        arena.family(running.pid)
        running.kill()
        return True
    found = _found(arena, running, victim)
    if not found:
        return False
    try:
        rng.choice(found).kill()
    except psutil.Error:
        return False
    return True


def main() -> int:
    """Strike as asked, and say what came of it."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--students", type=int, help="default: enough for the kills")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--isolation", default="auto")
    options.add_argument("--victims", nargs="+", choices=VICTIMS, default=list(VICTIMS))
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        arena = Arena(
            Path(folder), asked.students or 2 * asked.kills + 20, asked.isolation, asked.jobs
        )
        report = strike(arena, asked.kills, random.Random(asked.seed), tuple(asked.victims))
        for line in (
            f"{arena.students} submissions, {report.seconds:.0f} s",
            f"kills: {report.kills.total()}: {dict(report.kills)}",
            f"records left by killed graders: {len(arena.graded_at)}",
            f"starts of the grader: {report.starts}",
            f"ungraded after the last kill: {report.ungraded_before}",
            f"rounds until all was graded: {report.rounds_after}",
            *report.complaints,
            "something is wrong" if report.complaints else "nothing lost, doubled or left behind",
        ):
            print(line)
        return 1 if report.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
