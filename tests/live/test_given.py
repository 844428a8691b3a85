"""What fit was given, read off the cells that were run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.live.given import last_call
from grader.submission import Cell, Notebook


class Model:
    """Anything with a fit."""


MODEL, OTHER = Model(), Model()
X, Y = np.arange(30.0).reshape(10, 3), np.arange(10.0)
NAMES: dict[str, Any] = {
    "model": MODEL,
    "other": OTHER,
    "models": [OTHER, MODEL],
    "X": X,
    "Y": Y,
    "TRAIN": 8,
    "ROWS": np.int64(10),
    "pairs": (X, Y),
    "data": {"x": X},
}


def call_in(*sources: str) -> Any:
    cells = (Cell(index, source) for index, source in enumerate(sources, start=1))
    return last_call(Notebook(tuple(cells), None, ""), NAMES, MODEL)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("X, Y", (X, Y)),
        ("X[:TRAIN], Y[:TRAIN]", (X[:8], Y[:8])),
        ("X[:-2], y=Y[: ROWS - 2]", (X[:8], Y[:8])),
        ("x=X[2:10:2], y=Y[2:10:2]", (X[2:10:2], Y[2:10:2])),
        ("pairs[0], pairs[1]", (X, Y)),
        ("data['x'], Y", (X, Y)),
        ("X[:, :2], Y", (X[:, :2], Y)),
    ],
)
def test_names_and_parts_of_arrays_are_looked_up(written: str, meant: tuple[Any, Any]) -> None:
    given = call_in(f"history = model.fit({written}, epochs=3)").arguments
    assert np.array_equal(given["x"], meant[0])
    assert np.array_equal(given["y"], meant[1])
    assert given["epochs"] == 3


@pytest.mark.parametrize(
    "written",
    ["make(X), Y", "X.T, Y", "X * 2, Y", "unknown, Y", "X[mask()], Y", "X['a'], Y", "*pairs"],
)
def test_what_only_running_would_tell_is_not_known(written: str) -> None:
    assert "x" not in call_in(f"model.fit({written})").arguments


def test_no_code_of_the_notebooks_is_run() -> None:
    class Trap:
        def __getitem__(self, place: object) -> Any:
            raise AssertionError("looked inside")

    names = {**NAMES, "trap": Trap()}
    cells = (Cell(1, "model.fit(trap[0], Y)"),)
    found = last_call(Notebook(cells, None, ""), names, MODEL)
    assert found is not None
    assert "x" not in found.arguments


def test_the_last_call_on_this_very_model_counts() -> None:
    found = call_in(
        "model.fit(X[:1], Y)", "model.fit(X[:2], Y)", "other.fit(X, Y)", "scaler.fit(X)"
    )
    assert len(found.arguments["x"]) == 2
    assert len(call_in("models[1].fit(X[:3], Y)").arguments["x"]) == 3
    assert call_in("other.fit(X, Y)") is None
    assert call_in("print(1)") is None


@pytest.mark.parametrize(
    ("source", "in_loop"),
    [
        ("model.fit(X, Y)", False),
        ("for i in range(3):\n    print(i)\nmodel.fit(X, Y)", False),
        ("for i in range(3):\n    model.fit(X, Y)", True),
        ("while True:\n    model.fit(X, Y)\n    break", True),
        ("def train():\n    model.fit(X, Y)", True),
        ("%%time\nmodel.fit(X, Y)", False),
    ],
)
def test_a_call_in_a_loop_is_told_from_one_alone(source: str, in_loop: bool) -> None:
    assert call_in(source).in_loop is in_loop
