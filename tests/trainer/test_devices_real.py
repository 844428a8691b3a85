"""The room in which a GPU is tried and used, for real, on a machine without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grader import environment
from grader.trainer.many import train_many
from grader.trainer.results import Results
from grader.trainer.train import Job
from grader.trainer.trying import tried
from grader.types import Engine
from tests.support.cli_help import ROOT
from tests.support.notebook_runs import room
from tests.support.orders import order
from tests.support.played_gpus import gpu

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(Engine.JAX not in environment.engines(), reason="JAX is not installed"),
    pytest.mark.skipif(environment.has_cuda(), reason="JAX finds a GPU here"),
]
# A node that every room may have; no driver is behind it.
NONE_THERE = replace(gpu(0), nodes=("/dev/null",))
PROGRAM = ROOT / "tests" / "support" / "accelerator_program.py"


def test_a_room_in_which_jax_finds_no_accelerator_says_so() -> None:
    assert tried(NONE_THERE, room(), (0,)) == "JAX finds no accelerator"


def test_nothing_is_trained_on_a_core_in_the_name_of_a_device(tmp_path: Path) -> None:
    jobs = {f"{n:064x}": Job(order(seeds=[n]), seed=n) for n in range(2)}
    results = Results(tmp_path)
    ending = train_many(jobs, room(), results, cores=(0,), gpu=NONE_THERE)
    assert ending is not None
    assert (ending.code, ending.stopped) == (1, "")
    assert ending.log.splitlines()[-1] == "JAX finds no accelerator"
    assert [results.get(key) for key in jobs] == [None, None]


def test_a_device_is_compared_with_the_processor_and_what_is_off_is_named() -> None:
    env = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": ""}
    command = [sys.executable, "-B", str(PROGRAM)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    right, apart, few_bits, wrong, broken, calls, ends = json.loads(done.stdout.splitlines()[-1])
    assert right == ""
    assert apart, "each half of the processor computed its own"
    assert "from what a core learns (Conv1D+SimpleRNN+GRU+Bidirectional" in few_bits
    (numbers, texts) = wrong
    assert "from what a core learns (Conv1D+SimpleRNN+GRU+Bidirectional" in numbers
    assert "from what a core learns (Embedding" in texts
    assert broken == "RuntimeError: CUDA_ERROR_UNKNOWN"
    assert calls == 0, "nothing of it is a library's that may be missing there"
    assert ends == [True, False], "what the device does ends the room, what an order does not"
