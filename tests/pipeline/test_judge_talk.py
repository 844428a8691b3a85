"""What is asked of the judge's process is packed by many threads, which share a course.

In a process of its own: where the values of an object are freed twice, Python itself ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Collections that let other threads go on, as one does that runs a line of Python.
PROGRAM = """
import gc, sys, threading, time
from dataclasses import dataclass
from grader.pipeline.judge_talk import packed

@dataclass(frozen=True)
class Told:
    id: str
    args: dict

gc.callbacks.append(lambda phase, info: time.sleep(0))
gc.set_threshold(20, 5, 5)
sys.setswitchinterval(1e-5)
for turn in range(20):
    shared = [Told(str(number), {"a": number * 1.5}) for number in range(2000)]
    threads = [threading.Thread(target=packed, args=(shared,)) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    others = [float(number) for number in range(20000)]  # what is free is taken
    assert [one.id for one in shared] == [str(number) for number in range(2000)]
    gc.collect()
"""


def test_threads_that_pack_the_same_objects_do_not_break_the_interpreter() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
