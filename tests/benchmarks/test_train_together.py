"""The script for a machine with a GPU: its steps, what it keeps, and what it does without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.types import Engine
from tests.benchmarks.test_kernel_learning import loaded
from tests.support.cli_help import ROOT

SCRIPT = ROOT / "benchmarks" / "gpu" / "train_together.py"
script = loaded("benchmarks/gpu/train_together.py")


def asked(**changes: Any) -> Namespace:
    return Namespace(**{"counts": None, "long": None} | changes)


def test_small_steps_come_first_and_cores_are_not_kept_busy_for_hours() -> None:
    assert script.counts_of(asked(), accelerator=True) == ([1, 16, 64, 256, 1024], 1024)
    assert script.counts_of(asked(), accelerator=False) == ([1, 16], 0)
    named = asked(counts="2,4", long=4)
    assert script.counts_of(named, accelerator=False) == ([2, 4], 4)


def test_a_rate_is_that_of_the_best_epoch_and_counts_all_of_them() -> None:
    found = script.rate([0.0, 5.0, 6.0, 6.5], 10)
    assert found == {"first_epoch": 5.0, "epoch": 0.5, "trainings_per_minute": 12.0}


def test_each_step_is_kept_at_once_one_that_fails_too_and_none_is_begun_too_late(
    tmp_path: Path,
) -> None:
    bench = script.Bench(tmp_path / "out.jsonl", 3600.0, 32, 3)

    def broken() -> None:
        raise RuntimeError("CUDA_ERROR_ECC")

    bench.step({"together": 64}, broken)
    bench.step({}, lambda: {"together": 1})
    bench.until = 0.0
    bench.step({}, lambda: pytest.fail("the time is up"))
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert lines == [
        {"together": 64, "failed": "RuntimeError('CUDA_ERROR_ECC')"},
        {"together": 1},
    ]


@pytest.mark.real
@pytest.mark.whole
@pytest.mark.skipif(Engine.JAX not in environment.engines(), reason="JAX is not installed")
def test_it_runs_to_its_end_where_there_is_no_gpu_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    command = [sys.executable, SCRIPT, out, "--counts", "2", "--rows", "64", "--steps", "3"]
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([*command, "--long", "2"], env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert not any("failed" in line for line in lines), lines
    assert [line["gpu"] for line in lines if "jax" in line] == [False]
    assert [line["model"] for line in lines if line.get("together") == 2] == [
        *script.MODELS,
        "LSTM",
    ]
    assert len([line for line in lines if "cores" in line and "model" in line]) == 3
    assert lines[-2]["epochs"] == 100
    assert lines[-2]["to_all_cores"] > 0
    assert lines[-1] == {"ended": "in time"}


@pytest.mark.real
@pytest.mark.whole
@pytest.mark.skipif(Engine.JAX not in environment.engines(), reason="JAX is not installed")
def test_without_a_gpu_a_class_in_a_room_is_tried_on_a_core(tmp_path: Path) -> None:
    script, out = ROOT / "benchmarks" / "gpu" / "class_in_a_room.py", tmp_path / "out.jsonl"
    sizes = ["--count", "2", "--epochs", "2", "--rows", "40", "--steps", "6"]
    command = [sys.executable, str(script), str(out), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["epoch"] for line in lines if "epoch" in line] == [0, 1]
    assert lines[-1]["trained"] == 2
    assert all(0.0 < one < 10.0 for one in lines[-1]["val_loss"])
