"""Kills the grader at its work, and looks what is left and what is lost.

Enters: an attack, a person, an isolation level. Leaves: complaints, none where it held. Touches:
what a batch touches.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.attacks.batch import cut_down, grade, start
from tests.attacks.corpus import Attack
from tests.attacks.field import Field, laid_out
from tests.attacks.people import person

KILLED = -9
PATIENCE = 300.0
CRASHES = 3
DAEMON = b"rnn-attack-daemon"  # a word of the command line that the notebook starts


def killed_once(
    attack: Attack, who: str, isolation: str = "auto", *, trainer: bool = True
) -> list[str]:
    """Kill the grader while the notebook runs; then grade again."""
    with _field(attack, who) as here:
        arguments = [f"--isolation={isolation}", "--timeout=120"]
        with _running(here, arguments, trainer=trainer) as running:
            _wait(running, lambda: bool(_begun(here)) and _daemon_runs())
            told = _killed(here, running)
        kept, out, _ = grade(here, arguments, trainer=trainer)
        hostile = attack.submissions[0]
        expected = dict.fromkeys([*here.neighbours, hostile.shown], "accepted")
        return told + _unlike(expected, out, kept) + here.disturbed()


def killed_every_time(
    attack: Attack, who: str, isolation: str = "auto", *, trainer: bool = True
) -> list[str]:
    """Kill the grader whenever it is at this one submission; the batch must end all the same."""
    with _field(attack, who) as here:
        arguments = [f"--isolation={isolation}", "--timeout=1500"]
        told = []
        for crash in range(1, CRASHES + 1):
            with _running(here, arguments, trainer=trainer) as running:
                _wait(running, lambda: len(_records(here)) == len(here.neighbours))
                _wait(running, lambda crash=crash: _begun(here) == [crash])
                told += _killed(here, running)
        kept, out, _ = grade(here, arguments, trainer=trainer)
        expected = dict.fromkeys(here.neighbours, "accepted")
        expected[attack.submissions[0].shown] = "grader_error"
        return told + _unlike(expected, out, kept) + here.disturbed()


@contextmanager
def _field(attack: Attack, who: str) -> Iterator[Field]:
    with (
        tempfile.TemporaryDirectory(prefix="rnn-field-") as folder,
        laid_out(Path(folder, "field"), person(who), attack.submissions) as here,
    ):
        yield here


@contextmanager
def _running(
    here: Field, arguments: Iterable[str], *, trainer: bool
) -> Iterator[subprocess.Popen[str]]:
    """A grader at work, which does not outlive this block whatever happens in it."""
    running = start(here, arguments, trainer=trainer)
    try:
        yield running
    finally:
        if running.poll() is None:
            cut_down(running)
            running.communicate()


def _begun(here: Field) -> list[int]:
    """How often each submission that is not done was begun."""
    found = []
    for path in here.out.glob("journal/*"):
        with suppress(FileNotFoundError):  # done since it was listed
            found.append(len(path.read_text().splitlines()))
    return found


def _daemon_runs() -> bool:
    found = False
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found |= DAEMON in (process / "cmdline").read_bytes()
    return found


def _records(here: Field) -> list[Path]:
    return list(here.out.glob("results/*/record.json"))


def _wait(running: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if running.poll() is not None or time.monotonic() > deadline:
            if running.poll() is None:
                cut_down(running)
            raise AssertionError(f"the grader did not get so far: {running.communicate()[1]}")
        time.sleep(0.1)


def _killed(here: Field, running: subprocess.Popen[str]) -> list[str]:
    cut_down(running)
    running.communicate()
    kept = json.loads((here.place / "kept.json").read_text())
    told = [f"left running: {command}" for command in kept["left"]]
    return told + ([] if kept["code"] == KILLED else [f"ended with {kept['code']}, not killed"])


def _unlike(expected: dict[str, str], out: str, kept: dict[str, Any]) -> list[str]:
    got = {one["student"]: one["verdict"] for one in json.loads(out)["results"]}
    told = [f"left running: {command}" for command in kept["left"]]
    return told + ([] if got == expected else [f"verdicts {got}, expected {expected}"])


# By the number of the threat.
HOW: dict[int, Callable[..., list[str]]] = {20: killed_once, 21: killed_every_time}
