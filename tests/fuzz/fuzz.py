"""Feeds broken inputs to everything that reads what came from students.

    python -m tests.fuzz.fuzz --target notebook --minutes 10
    python -m tests.fuzz.fuzz --target notebook --only 1234     # that one input again, by itself

Enters: a target, how long, a seed. Leaves: a Tally; exit code 1 where something was found.
Touches: a scratch folder; starts children that run the inputs under limits.

Input number i of a seed is always the same. An input is a finding where its target raises anything
but a documented refusal, takes more than ten seconds of a processor or more memory than the cap,
waits for something, or ends the process. Children run a few hundred inputs each; a child that ends
early is replaced.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tests.fuzz.targets import TARGETS

SECONDS = 10.0  # of a processor, whoever else is at work there
HANG_SECONDS = 20.0  # of waiting for something else than a processor
GROWTH_MB = 500  # beyond what the process held before; the largest notebook alone may take 300
BATCH = 400
LOOK_SECONDS = 0.05
MOST_FINDINGS = 50
_MB = 1 << 20


@dataclass
class Tally:
    """What came of it."""

    target: str
    seed: int
    executions: int = 0
    seconds: float = 0.0
    busy: float = 0.0  # of a processor
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)
    hungriest: tuple[int, int] = (0, -1)  # MB, input


def fuzz(target: str, seed: int, *, minutes: float = 0.0, inputs: int = 0, first: int = 0) -> Tally:
    """Run inputs until the time is up, or so many of them."""
    tally = Tally(target, seed)
    began, busy = time.monotonic(), _children_seconds()
    deadline = began + 60 * minutes
    number = first
    while (number - first < inputs) if inputs else (time.monotonic() < deadline):
        last = min(number + BATCH, first + inputs) if inputs else number + BATCH
        number = _batch(tally, number, last)
        if len(tally.findings) >= MOST_FINDINGS:
            break
    tally.executions = number - first
    tally.seconds = time.monotonic() - began
    tally.busy = _children_seconds() - busy
    return tally


def _batch(tally: Tally, first: int, last: int) -> int:
    """Run inputs in a child; gives the number of the input to go on with."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        told = Path(folder, "told.jsonl")
        progress = mmap.mmap(-1, 16)  # number of the input, and when it began
        child = os.fork()
        if child == 0:
            _run_child(tally, first, last, Path(folder), told, progress)
        ended, why = _watch(child, progress)
        at, _ = struct.unpack("qd", progress[:16])
        for line in told.read_text().splitlines() if told.exists() else ():
            _note(tally, *json.loads(line))
        if ended:
            return last
        tally.findings[at] = why
        return int(at) + 1


def _note(tally: Tally, number: int, outcome: str, seconds: float, megabytes: int) -> None:
    tally.outcomes[outcome.splitlines()[0][:80]] += 1
    tally.slowest = max(tally.slowest, (seconds, number))
    tally.hungriest = max(tally.hungriest, (megabytes, number))
    if outcome.startswith("FOUND"):
        tally.findings[number] = outcome
    elif megabytes > GROWTH_MB:
        tally.findings[number] = f"FOUND {megabytes} MB"


def _watch(child: int, progress: mmap.mmap) -> tuple[bool, str]:
    """Wait for a child; whether it came to its end, else why not."""
    at, waited, looked = -1, 0.0, time.monotonic()
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return code == 0, f"FOUND the process ended with {code}"
        number, began = struct.unpack("qd", progress[:16])
        now = time.monotonic()
        waited = waited + now - looked if began and number == at and _sleeps(child) else 0.0
        at, looked = number, now
        if waited > HANG_SECONDS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False, f"FOUND {HANG_SECONDS:.0f} s of waiting without an end"
        time.sleep(LOOK_SECONDS)


def _sleeps(pid: int) -> bool:
    """Whether it waits for something else than a processor."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "SD"


def _run_child(
    tally: Tally, first: int, last: int, folder: Path, told: Path, progress: mmap.mmap
) -> NoReturn:
    code = 1
    try:
        held = _memory("VmSize")
        resource.setrlimit(resource.RLIMIT_AS, ((held + 4096) * _MB, (held + 4096) * _MB))
        signal.signal(signal.SIGPROF, _too_long)
        scratch = folder / "scratch"
        scratch.mkdir()
        with told.open("w") as file:
            for number in range(first, last):
                progress[:16] = struct.pack("qd", number, 0.0)  # who goes on begins after it
                made = _made(tally, number)
                if made is None:
                    continue
                progress[:16] = struct.pack("qd", number, time.monotonic())
                line = json.dumps([number, *run_one(tally.target, made, scratch)])
                progress[:16] = struct.pack("qd", number, 0.0)
                file.write(line + "\n")
                file.flush()
        code = 0
    except BaseException:  # noqa: BLE001 - the parent is told; nothing may run on in a child
        traceback.print_exc()
    finally:
        os._exit(code)


def _made(tally: Tally, number: int) -> object:
    try:
        return TARGETS[tally.target].make(generator(tally.target, tally.seed, number))
    except RecursionError:  # deeper than the mutations themselves can go
        return None


class TooLongError(BaseException):
    """Not an Exception: no kind handler swallows it."""


def _too_long(*_: object) -> NoReturn:
    raise TooLongError


def generator(target: str, seed: int, number: int) -> random.Random:
    """What makes input ``number``."""
    return random.Random(f"{target}/{seed}/{number}")


def run_one(target: str, made: object, scratch: Path) -> tuple[str, float, int]:
    """Give the outcome, the seconds it took and by how many MB the process grew for it."""
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        outcome = TARGETS[target].run(made, scratch)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding
        signal.setitimer(signal.ITIMER_PROF, 0)
        steps = "".join(traceback.format_tb(error.__traceback__)[-4:])
        outcome = f"FOUND {type(error).__name__}: {str(error)[:300]}\n{steps}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return outcome, time.process_time() - began, _memory("VmHWM") - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) // 1024
    return 0


def report(tally: Tally) -> str:
    """Say what came of it, commonest outcomes first."""
    rate = tally.executions / max(tally.seconds, 1e-9)
    lines = [
        f"{tally.target}, seed {tally.seed}: {tally.executions} executions in "
        f"{tally.seconds:.0f} s ({tally.busy:.0f} s of a processor, {rate:.0f}/s), {len(tally.findings)} findings",
        f"  slowest {tally.slowest[0]:.2f} s (input {tally.slowest[1]}), "
        f"most memory {tally.hungriest[0]} MB (input {tally.hungriest[1]})",
        *(f"  {count:7d}  {outcome}" for outcome, count in tally.outcomes.most_common(25)),
        *(f"input {number}: {why}" for number, why in tally.findings.items()),
    ]
    return "\n".join(lines)


def main() -> int:
    """Fuzz as asked, and say what came of it."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--target", choices=TARGETS, required=True)
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--only", type=int, help="the number of a single input")
    asked = options.parse_args()
    if asked.only is not None:
        tally = fuzz(asked.target, asked.seed, inputs=1, first=asked.only)
    else:
        tally = fuzz(asked.target, asked.seed, minutes=asked.minutes, first=asked.first)
    print(report(tally))
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
