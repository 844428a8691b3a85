"""A few seconds of fuzzing each; and the fuzzer notices what it is there to notice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import fuzz as fuzzer
from tests.fuzz.targets import TARGETS, Target

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

INPUTS = {
    "notebook": 60,
    "evidence": 25,
    "architecture": 300,
    "zip": 60,
    "reports": 12,
    "order": 200,
}


def test_every_target_is_fuzzed() -> None:
    assert set(INPUTS) == set(TARGETS)


@pytest.mark.parametrize("target", INPUTS)
def test_broken_inputs_are_refused_and_nothing_worse(target: str) -> None:
    tally = fuzzer.fuzz(target, seed=7, inputs=INPUTS[target])
    assert tally.findings == {}
    assert tally.executions == INPUTS[target]
    assert len(tally.outcomes) >= 5, "inputs that all fail in the same way test one line"


def eats(_: Any, __: Path) -> str:
    return str(len(bytearray((fuzzer.GROWTH_MB + 100) << 20)))


def loops(_: Any, __: Path) -> str:
    while True:
        time.monotonic()


def waits(_: Any, __: Path) -> str:
    time.sleep(600)
    return "waited"


@pytest.mark.parametrize(
    ("run", "told", "limits"),
    [
        (lambda *_: 1 // 0, "ZeroDivisionError", {}),
        (eats, " MB", {"GROWTH_MB": 50}),
        (loops, "TooLongError", {"SECONDS": 0.3}),
        (waits, "without an end", {"HANG_SECONDS": 1.0}),
        (lambda *_: os._exit(3), "ended with 3", {}),
        (lambda *_: os.kill(os.getpid(), signal.SIGKILL), "ended with -9", {}),
    ],
    ids=["raises", "eats", "loops", "waits", "exits", "crashes"],
)
def test_the_fuzzer_notices(
    run: Callable[[Any, Path], str],
    told: str,
    limits: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the limit in question is made small: a slow machine reaches no other one first."""

    def sound_but_one(made: float, scratch: Path) -> str:
        return run(made, scratch) if made == bad else "read"

    bad = fuzzer.generator("zip", 1, 3).random()
    for name, limit in limits.items():
        monkeypatch.setattr(fuzzer, name, limit)
    monkeypatch.setitem(TARGETS, "zip", Target(random.Random.random, sound_but_one))
    tally = fuzzer.fuzz("zip", 1, inputs=6)
    assert list(tally.findings) == [3]
    assert told in tally.findings[3]
    assert tally.outcomes["read"] == 5


def test_an_input_that_cannot_be_made_is_found_and_the_next_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = fuzzer.generator("zip", 1, 0).random()  # the first, before any progress is told

    def made(rng: random.Random) -> float:
        number = rng.random()
        assert number != bad
        return number

    monkeypatch.setitem(TARGETS, "zip", Target(made, lambda *_: "read"))
    tally = fuzzer.fuzz("zip", 1, inputs=4)
    assert list(tally.findings) == [0]
    assert tally.outcomes["read"] == 3
