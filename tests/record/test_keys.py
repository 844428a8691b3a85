"""A key covers what a result depends on, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from grader.record.store import canonical, execution_key, score_key
from grader.types import (
    Engine,
    Message,
)


class TestKeys:
    def test_the_order_of_a_mapping_does_not_matter(self) -> None:
        assert canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1})
        assert canonical({"b": 1, "a": (1, 2)}) == b'{"a":[1,2],"b":1}'

    def test_an_enum_is_its_value_and_a_dataclass_its_fields(self) -> None:
        assert canonical(Engine.JAX) == b'"jax"'
        assert canonical(Message("a.b", {"n": 1})) == b'{"args":{"n":1},"id":"a.b"}'

    def test_nan_equals_nothing_and_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"Out of range|not JSON compliant"):
            canonical(math.nan)

    def test_what_has_no_plain_form_is_refused(self) -> None:
        with pytest.raises(TypeError):
            canonical(Path("x"))

    def test_every_part_of_a_run_changes_its_key(self) -> None:
        parts = {
            "notebook": "n",
            "data": "d",
            "environment": {"keras": "3.15"},
            "engine": "jax",
            "device": "cpu",
            "cores": 2,
            "seed": 7,
            "limits": {"seconds": 120},
            "isolation": "full",
            "probe": "1",
        }
        keys = {execution_key(**parts)}
        for name in parts:
            keys.add(execution_key(**(parts | {name: 99})))
        assert len(keys) == len(parts) + 1

    def test_every_part_of_a_score_changes_its_key(self) -> None:
        parts = {
            "execution": "e",
            "submission": "s",
            "student": "k",
            "exercise": "x",
            "exercise_files": "f",
            "expectation": "p",
            "hidden_seed": 1,
            "judge": "1",
        }
        keys = {score_key(**parts)}
        for name in parts:
            keys.add(score_key(**(parts | {name: 99})))
        assert len(keys) == len(parts) + 1
