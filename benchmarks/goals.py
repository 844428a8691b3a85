"""Runs the benchmarks and prints their figures as a table, or as JSON.

    python benchmarks/goals.py [--json FILE] [--results N]

Each figure stands beside its goal; a ratio up to 1 meets it. The figures are this machine's, at
this moment: other work on it lengthens the times, not the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import help_time
import judge_memory
import store_time

from grader.environment import cores, versions


def machine() -> dict[str, Any]:
    """Say on what this was measured."""
    return {
        "cores": len(cores()),
        "load": [round(one, 1) for one in os.getloadavg()],
        "system": platform.platform(),
        "versions": versions(),
    }


def row(figure: Mapping[str, Any]) -> str:
    """One line of the table."""
    goal = f"{figure['goal']} {figure['unit']}"
    value = f"{figure['value']} {figure['unit']}"
    return f"{figure['name']:<44} {value:>12} {goal:>12} {figure['ratio']:>6}"


def rest(figure: Mapping[str, Any]) -> str:
    """What else was measured, in one line."""
    shown = ("name", "value", "goal", "unit", "ratio")
    return "    " + ", ".join(f"{key} {value}" for key, value in figure.items() if key not in shown)


def show(figures: Sequence[Mapping[str, Any]]) -> None:
    """Print the table."""
    print(f"{'':<44} {'measured':>12} {'goal':>12} {'ratio':>6}")
    for figure in figures:
        print(row(figure))
        print(rest(figure))


def main() -> None:
    """Measure everything; exit 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--results", type=int, default=1000, help="results of the memory benchmark")
    given = parser.parse_args()
    figures = [
        help_time.measure(),
        store_time.measure(),
        judge_memory.measure(given.results, jobs=len(cores())),
    ]
    show(figures)
    if given.json:
        told = {"machine": machine(), "figures": figures}
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(figure["ratio"] > 1 for figure in figures))


if __name__ == "__main__":
    main()
