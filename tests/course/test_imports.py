"""Who imports whom among the modules that know the course's files."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

COURSE = Path(__file__).parents[2] / "grader" / "course"


def imported(path: Path) -> set[str]:
    """The course's modules that one of them imports: at its top, late, or for type checkers."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grader.course"):
            below = (node.module or "").removeprefix("grader.course").removeprefix(".")
            found |= {below} if below else {alias.name for alias in node.names}
    return found


def test_the_courses_modules_import_each_other_in_one_direction() -> None:
    graph = {path.stem: imported(path) for path in COURSE.glob("*.py")}
    assert graph["load"] >= {"data", "exercises", "toml"}
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises on a circle
    assert order.index("exercises") < order.index("data") < order.index("load")
