"""The bench of learning with the kernel and without: what is missing, what is told."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def loaded(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem.replace("-", "_"), ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = loaded("benchmarks/kernel_learning.py")
kernel = loaded("benchmarks/recurrent_kernel.py")


def line(number: int, way: str, mse: float, **changes: Any) -> dict[str, Any]:
    told = {"exercise": "multiplication-gru", "number": number, "way": way, "accepted": True}
    return {**told, "metrics": {"mse": mse}, "training_seconds": 10.0, **changes}


def test_each_seed_is_run_twice_and_what_is_there_is_not_run_again() -> None:
    every = list(bench.missing([], 2))
    assert len(every) == len(set(every)) == 8
    pairs = [(one.exercise, one.number) for one in every]
    assert pairs[::2] == pairs[1::2], "the two of a pair come one after the other"
    left = list(bench.missing([line(0, "with", 1e-4)], 2))
    assert [one for one in every if one not in left] == [
        bench.Asked("multiplication-gru", 0, "with")
    ]


def test_a_line_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    assert bench.read(path) == []
    whole = json.dumps(line(0, "with", 1e-4))
    path.write_text(f"{whole}\n{whole[:40]}")
    assert bench.read(path) == [json.loads(whole)]


def drawn(way: str, middle: float, seed: int) -> list[dict[str, Any]]:
    errors = middle * np.exp(0.3 * np.random.default_rng(seed).standard_normal(60))
    return [line(n, way, float(mse), accepted=n > 0) for n, mse in enumerate(errors)]


def test_equal_ways_are_told_as_equal_and_others_as_others() -> None:
    without = drawn("without", 1e-4, 1)
    alike = bench.compared([*drawn("with", 1e-4, 2), *without], "mse")
    apart = bench.compared([*drawn("with", 2e-4, 2), *without], "mse")
    for test in ("mann_whitney", "kolmogorov_smirnov", "wilcoxon"):
        assert alike[test] > 0.01 > apart[test]
    assert (alike["with"]["runs"], alike["with"]["accepted"]) == (60, 59)
    assert alike["with"]["quantiles"] == sorted(alike["with"]["quantiles"])


def test_nothing_is_compared_before_both_ways_were_run(capsys: pytest.CaptureFixture[str]) -> None:
    bench.tell(drawn("with", 1e-4, 2))
    assert capsys.readouterr().out == ""
    bench.tell([*drawn("with", 1e-4, 2), *drawn("without", 1e-4, 1)])
    (told,) = capsys.readouterr().out.splitlines()
    assert json.loads(told)["exercise"] == "multiplication-gru"
    assert not any(math.isnan(json.loads(told)[one]) for one in ("mann_whitney", "wilcoxon"))


def test_the_table_of_steps_has_a_line_per_layer_with_every_level() -> None:
    def figures(ms: float, times: float) -> dict[str, Any]:
        return {"ms": ms, "times": times, "quartiles": [times - 0.1, times + 0.1]}

    rows = [
        {"isa": isa, "layer": layer, "XLA": figures(8.0, 1.0), "avx2": figures(4.0, 2.0)}
        for isa in ("AVX512", "AVX2")
        for layer in ("LSTM", "GRU")
    ]
    head, *lines = kernel.table(rows).splitlines()
    assert head.split() == ["XLA", "has", "layer", "XLA", "avx2"]
    assert len(lines) == 4
    assert "8.00 ms" in lines[0]
    assert "4.00 ms  2.00 x (1.90-2.10)" in lines[0]
